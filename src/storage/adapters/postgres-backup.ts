import type { Pool, PoolClient } from "pg";
import { Client } from "pg";
import { shownAddress } from "../address.ts";
import type { BackupStore, RestoreTarget } from "../backup.ts";
import type { BackupOptions, BackupReport, Row } from "../database.ts";
import type { Snapshot } from "../write-backup.ts";
import { writeBackup } from "../write-backup.ts";
import { makeBatch } from "./postgres-batch.ts";
import { mapPostgresError } from "./postgres-errors.ts";
import { postgresTypes } from "./postgres-results.ts";

const rowsPerPage = 500;
const listTables = `SELECT c.relname AS name, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> 'atlas_commit'
  GROUP BY c.relname ORDER BY c.relname`;

/** Gives a PostgreSQL database as a store to back up and to restore into. */
export function postgresStore(url: string): BackupStore {
  return {
    address: shownAddress(url),
    async backup(path, options) {
      const { postgres } = await import("./postgres.ts");
      await using database = await postgres({ url });
      return await database.backup(path, options);
    },
    restore: () => openTarget(url),
  };
}

/** Writes all tables in the portable form, as they are at one moment. Errors: backup_failed and those of the database. */
export async function backupPostgres(
  pool: Pool,
  address: string,
  to: BackupOptions & { readonly path: string },
): Promise<BackupReport> {
  let client: PoolClient | undefined;
  try {
    client = await pool.connect();
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    await client.query("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0");
    const report = await writeBackup(to.path, await snapshotOf(client), to);
    await client.query("COMMIT");
    client.release();
    return report;
  } catch (cause) {
    client?.release(true);
    throw to.signal?.aborted ? to.signal.reason : mapPostgresError(cause, address);
  }
}

async function snapshotOf(client: PoolClient): Promise<Snapshot> {
  const read = async (text: string): Promise<readonly Row[]> =>
    (await client.query<Row>({ text, types: postgresTypes })).rows;
  const tables = (await read(listTables))
    .map((row) => ({ name: String(row["name"]), columns: String(row["columns"]).split(" ") }))
    .filter(({ name }) => name !== "atlas_migration");
  return {
    tables,
    read,
    async *pages(table) {
      await client.query(`DECLARE backup_rows NO SCROLL CURSOR FOR SELECT * FROM ${table}`);
      for (;;) {
        const page = await read(`FETCH ${rowsPerPage} FROM backup_rows`);
        if (page.length > 0) yield page;
        if (page.length < rowsPerPage) break;
      }
      await client.query("CLOSE backup_rows");
    },
  };
}

async function openTarget(url: string): Promise<RestoreTarget> {
  const address = shownAddress(url);
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    fallback_application_name: "atlas",
  });
  client.on("error", () => {});
  const ask = async (text: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    try {
      return (await client.query<Row>({ text, values: [...values], types: postgresTypes })).rows;
    } catch (cause) {
      throw mapPostgresError(cause, address);
    }
  };
  try {
    await client.connect();
    await ask("BEGIN");
    await ask("SELECT pg_advisory_xact_lock(4716238911)");
    const tables = new Set((await ask(listTables)).map((row) => String(row["name"])));
    // Nobody writes into the tables while they are looked at and filled.
    for (const table of tables) await ask(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    return {
      tables,
      read: (sql) => ask(sql),
      async write(statements) {
        for (const { text, values } of makeBatch([statements], true).queries) await ask(text, values);
      },
      async commit() {
        for (const row of await ask(listIdentities)) await ask(String(row["sql"]));
        await ask("COMMIT");
        await client.end();
      },
      async rollback() {
        await client.end().catch(() => {});
      },
    };
  } catch (cause) {
    await client.end().catch(() => {});
    throw mapPostgresError(cause, address);
  }
}

/** Gives the statements that let numbers which the server gives out go on after those that were restored. */
const listIdentities = `SELECT format('SELECT setval(%L, (SELECT coalesce(max(%I), 0) + 1 FROM %I), false)',
    pg_get_serial_sequence(quote_ident(c.relname), a.attname), a.attname, c.relname) AS sql
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE a.attidentity <> '' AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`;
