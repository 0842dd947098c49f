import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { BackupStore, Domains, RestoreReport, RestoreTarget } from "../backup.ts";
import type { BackupOptions, BackupReport, Row, Statement } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import type { Snapshot } from "../write-backup.ts";
import { writeBackup } from "../write-backup.ts";
import { backupSqlite } from "./sqlite-backup.ts";
import { checkConnection, mapError, readRows } from "./sqlite-connection.ts";

const rowsPerPage = 200;

/** Gives a SQLite file as a store to back up and to restore into. */
export function sqliteStore(storage: string): BackupStore {
  return {
    address: storage,
    backup: (path, options) => backupPortable(storage, path, options),
    restore: () => openTarget(storage),
    adopt: (path, signal) => adoptCopy(path, storage, signal),
  };
}

async function backupPortable(
  storage: string,
  path: string,
  options: BackupOptions & { readonly domains: Domains },
): Promise<BackupReport> {
  if (!existsSync(storage)) {
    throw storageErrors.create("database_open_failed", `There is no database ${storage}.`, {
      details: { path: storage },
    });
  }
  const db = openFile(storage, true);
  try {
    db.exec("BEGIN");
    return await writeBackup(path, snapshotOf(db, options.domains), options);
  } finally {
    db.close();
  }
}

function snapshotOf(db: DatabaseSync, domains: Domains): Snapshot {
  const wanted = tablesOf(domains);
  return {
    domains: Object.keys(domains),
    tables: tableNames(db)
      .filter((name) => wanted.has(name))
      .map((name) => ({
        name,
        columns: readRows(db.prepare("SELECT name FROM pragma_table_info(?)"), [name]).map((row) =>
          String(row["name"]),
        ),
      })),
    read: (sql) => Promise.resolve(readRows(db.prepare(sql), [])),
    async *pages(table) {
      const statement = db.prepare(`SELECT * FROM ${table}`);
      statement.setReadBigInts(true);
      let page: Row[] = [];
      for (const row of statement.iterate()) {
        page.push(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, narrow(value)])));
        if (page.length < rowsPerPage) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    },
  };
}

/** Reads from its history which tables a schema has. */
function tablesOf(domains: Domains): ReadonlySet<string> {
  const statements = Object.values(domains).flatMap((migrations) => migrations.flatMap((each) => each.statements));
  return new Set(
    statements.flatMap((sql) =>
      [...sql.matchAll(/^\s*CREATE TABLE (?:IF NOT EXISTS )?(\w+)/gi)].map(([, name = ""]) => name),
    ),
  );
}

function narrow<T>(value: T): T | number {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Opens the file, made when missing. */
async function openTarget(storage: string): Promise<RestoreTarget> {
  makeFolder(dirname(storage));
  const db = openFile(storage, false);
  const mapped = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw mapError(cause, storage);
    }
  };
  try {
    mapped(() => db.exec("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE"));
    const prepared = new Map<string, StatementSync>();
    const prepare = (sql: string): StatementSync => {
      const known = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, known);
      return known;
    };
    const tables = new Set(mapped(() => tableNames(db)));
    return {
      tables,
      read: async (sql) => mapped(() => readRows(db.prepare(sql), [])),
      write: async (statements: readonly Statement[]) =>
        mapped(() => {
          for (const { sql, params = [] } of statements) prepare(sql).run(...params);
        }),
      commit: async () => {
        mapped(() => db.exec("COMMIT"));
        db.close();
      },
      rollback: async () => db.close(),
    };
  } catch (cause) {
    db.close();
    throw cause;
  }
}

/** Makes a copy of a SQLite database the store, where there is none yet. */
async function adoptCopy(path: string, storage: string, signal: AbortSignal | undefined): Promise<RestoreReport> {
  const createdAt = Math.round(statSync(path).mtimeMs);
  const versions = checkCopy(path);
  if (existsSync(storage)) {
    throw storageErrors.create(
      "restore_target_not_empty",
      `There is a database ${storage} already; a copy is restored beside nothing. Move it away or name another.`,
      { details: { path: storage } },
    );
  }
  makeFolder(dirname(storage));
  const { tables } = await backupSqlite(path, storage, { signal });
  return { path, createdAt, versions, tables };
}

function checkCopy(path: string): Record<string, number> {
  const db = openFile(path, true);
  try {
    const { problems } = checkConnection(db);
    if (problems[0] !== undefined) {
      throw storageErrors.create("database_corrupt", `The copy ${path} is damaged: ${problems[0]}.`, {
        details: { path },
      });
    }
    const sql = "SELECT domain, max(version) AS version FROM atlas_migration GROUP BY domain";
    return Object.fromEntries(
      readRows(db.prepare(sql), []).map((row) => [String(row["domain"]), Number(row["version"])]),
    );
  } catch (cause) {
    throw mapError(cause, path);
  } finally {
    db.close();
  }
}

function openFile(path: string, readOnly: boolean): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly, timeout: 5_000 });
  } catch (cause) {
    throw mapError(cause, path);
  }
}

/** Full-text indexes and their parts are left out: they are made of the other tables. */
function tableNames(db: DatabaseSync): string[] {
  const sql = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`;
  return readRows(db.prepare(sql), []).map((row) => String(row["name"]));
}
