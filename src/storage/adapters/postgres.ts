import { Pool } from "pg";
import type { ClientConfig } from "pg";
import { raceAbort, systemClock } from "../../base/index.ts";
import type { Clock } from "../../base/index.ts";
import { isPostgresAddress, shownAddress } from "../address.ts";
import type { Database, DatabaseCapabilities, Row, Statement } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { migrateDatabase } from "../migrate.ts";
import { checkPostgres } from "./postgres-check.ts";
import { withPatience } from "./postgres-connection.ts";
import type { PostgresSurroundings } from "./postgres-connection.ts";
import { toPostgres } from "./postgres-dialect.ts";
import { sqlState } from "./postgres-errors.ts";
import { alone, execute, transact } from "./postgres-executor.ts";
import type { PostgresExecutor } from "./postgres-executor.ts";
import { postgresTypes } from "./postgres-results.ts";
import { PostgresSession } from "./postgres-session.ts";
import { PostgresWriter } from "./postgres-writer.ts";

/** Are the options of `postgres`. */
export interface PostgresOptions {
  /** Is the address, as in postgres://user@host:5432/database?sslmode=verify-full; a password may stand in PGPASSWORD. */
  readonly url: string;
  /** How many connections reads share; 8 by default, 2 at least. Writes, and locks with notifications, have one each beside them. */
  readonly poolSize?: number;
  /** Units: milliseconds to wait for a connection; 10,000 by default. */
  readonly connectTimeoutMs?: number;
  /** Units: milliseconds that the server may take for a statement; 30,000 by default. */
  readonly statementTimeoutMs?: number;
  /** Units: milliseconds for which a server that went away is waited for, such as while it restarts; 30,000 by default. */
  readonly patienceMs?: number;
  readonly clock?: Clock;
}

/** Stores rows in PostgreSQL, and gives queue engines that speak its dialect the same connections. */
export interface PostgresDatabase extends Database, PostgresExecutor {
  /** Runs work in one transaction of its own, which is rolled back when the work rejects. Not retried. */
  transaction<T>(work: (executor: PostgresExecutor) => Promise<T>): Promise<T>;
}

const capabilities: DatabaseCapabilities = { dialect: "postgres", fullText: "none", shared: true };
const maxOpenPatienceMs = 5_000;

/**
 * Opens a PostgreSQL database: writes go through one connection with group commit, reads through a pool, locks and
 * notifications through a connection of their own. It needs sessions: a pooler between must not share them by transaction.
 *
 * Errors: database_unreachable, database_denied.
 * Source: how a commit of unknown outcome is resolved stands in docs/decisions/0013-marked-commits.md.
 */
export async function postgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const surroundings = readOptions(options);
  const { config, answerMs } = surroundings;
  const pool = new Pool({
    ...config,
    max: Math.max(2, options.poolSize ?? 8),
    query_timeout: answerMs,
    idleTimeoutMillis: 30_000,
  });
  // A connection that breaks while nobody uses it is replaced; one that breaks between two statements of a transaction fails the
  // next of them, and must not end the process.
  pool.on("error", () => {}).on("connect", (client) => client.on("error", () => {}));
  const patient = { ...surroundings, patienceMs: Math.min(surroundings.patienceMs, maxOpenPatienceMs) };
  try {
    await withPatience(patient, () => pool.query("SELECT 1"));
  } catch (error) {
    await pool.end();
    throw error;
  }
  return createDatabase(pool, surroundings);
}

function readOptions(options: PostgresOptions): PostgresSurroundings {
  const { url, connectTimeoutMs = 10_000, statementTimeoutMs = 30_000, patienceMs = 30_000 } = options;
  const address = shownAddress(url);
  if (!isPostgresAddress(url) || !URL.canParse(url)) {
    throw storageErrors.create(
      "database_denied",
      "The address of the database server cannot be read; it has the form postgres://user@host:5432/database.",
    );
  }
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    fallback_application_name: "atlas",
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  };
  return { config, address, patienceMs, answerMs: statementTimeoutMs + 5_000, clock: options.clock ?? systemClock };
}

function createDatabase(pool: Pool, surroundings: PostgresSurroundings): PostgresDatabase {
  const { address } = surroundings;
  const writer = new PostgresWriter(surroundings);
  const session = new PostgresSession(surroundings);
  let closing: Promise<void> | undefined;
  const inTurn = takeTurns();
  const open = (): void => {
    if (closing) throw storageErrors.create("database_closed", `The database ${address} was used after it was closed.`);
  };
  const read = (statement: Statement): Promise<readonly Row[]> =>
    withPatience(surroundings, () => readRows(pool, statement));
  const database: PostgresDatabase = {
    capabilities,
    async read(statement, { signal } = {}) {
      open();
      signal?.throwIfAborted();
      return await raceAbort(read(statement), signal);
    },
    async write(statements) {
      open();
      return await writer.add(statements);
    },
    async migrate(domain, migrations) {
      open();
      await inTurn(() => alone(pool, address, () => migrateDatabase(database, domain, migrations)));
    },
    async lock(name) {
      open();
      return await session.lock(name);
    },
    async isLocked(name) {
      open();
      return await session.isLocked(name);
    },
    notify: () => session.notify(),
    listen: (changed) => session.listen(changed),
    async check() {
      open();
      return await checkPostgres(read);
    },
    async backup(path, backupOptions) {
      open();
      const { backupPostgres } = await import("./postgres-backup.ts");
      return await backupPostgres(pool, address, { ...backupOptions, path });
    },
    async query(text, values = []) {
      open();
      return await execute(pool, address, { text, values });
    },
    async transaction(work) {
      open();
      return await transact(pool, address, work);
    },
    [Symbol.asyncDispose]() {
      return (closing ??= closeAll(writer, session, pool));
    },
  };
  return database;
}

/** Lets one migration wait for the other: each holds a connection and needs another, and together they could hold all. */
function takeTurns(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return async (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    await done;
  };
}

async function closeAll(writer: PostgresWriter, session: PostgresSession, pool: Pool): Promise<void> {
  await writer.close();
  await session.close();
  await pool.end();
}

async function readRows(pool: Pool, statement: Statement): Promise<readonly Row[]> {
  const query = toPostgres(statement.sql, statement.params);
  const values = [...query.values];
  try {
    return (await pool.query<Row>({ ...query, values, types: postgresTypes })).rows;
  } catch (cause) {
    // A statement that was prepared before a table was changed.
    if (!["0A000", "26000"].includes(sqlState(cause) ?? "")) throw cause;
    return (await pool.query<Row>({ text: query.text, values, types: postgresTypes })).rows;
  }
}
