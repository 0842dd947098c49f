import { randomBytes } from "node:crypto";
import type { Statement, StatementResult } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { makeBatch } from "./postgres-batch.ts";
import type { PostgresBatch } from "./postgres-batch.ts";
import { isHopeless, openConnection, pauseBefore } from "./postgres-connection.ts";
import type { PostgresConnection, PostgresSurroundings } from "./postgres-connection.ts";
import type { PostgresQuery } from "./postgres-dialect.ts";
import { failsAll, isConnectionLoss, isTransient, mapPostgresError, sqlState } from "./postgres-errors.ts";

interface PendingWrite {
  readonly bytes: number;
  readonly statements: readonly Statement[];
  readonly resolve: (results: readonly StatementResult[]) => void;
  readonly reject: (error: unknown) => void;
}

type Results = readonly (readonly StatementResult[])[];

const maxBatchWrites = 1_000;
/** A batch becomes a few texts in memory, and PostgreSQL takes no message of 1 GB. */
const maxBatchBytes = 32 * 2 ** 20;
const maxWriteBytes = 2 ** 28;
const maxTransientRetries = 20;
const marksKept = 1_000;
const begin: PostgresQuery = { text: "BEGIN", values: [] };
const commit: PostgresQuery = { text: "COMMIT", values: [] };
const rollback: PostgresQuery = { text: "ROLLBACK", values: [] };

/**
 * Commits writes in groups, in the order in which they were given: those that arrive while a commit is under way share the next.
 *
 * Every transaction inserts a mark, its number, so that after a lost connection the next one can tell whether it was committed:
 * docs/decisions/0013-marked-commits.md.
 */
export class PostgresWriter {
  readonly #surroundings: PostgresSurroundings;
  readonly #id = String(randomBytes(8).readBigInt64LE());
  readonly #pending: PendingWrite[] = [];
  readonly #whenIdle: (() => void)[] = [];
  #connection: PostgresConnection | undefined;
  #number = 0;
  #busy = false;
  #lostSince: number | undefined;

  constructor(surroundings: PostgresSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Adds a write. Errors: those of the storage table. */
  add(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    return new Promise((resolve, reject) => {
      let bytes = 0;
      for (const { params = [] } of statements) for (const param of params) bytes += checkedBytes(param);
      if (bytes > maxWriteBytes) {
        const text = `A write of ${bytes} bytes is larger than the ${maxWriteBytes} that are taken at once.`;
        throw storageErrors.create("database_failed", text);
      }
      if (statements.length === 0) return resolve([]);
      this.#pending.push({ statements, bytes, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#commitAll());
    });
  }

  /** Waits for the writes that were given, and closes the connection. */
  async close(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    if (this.#connection && !this.#connection.lost && this.#number > 0)
      await this.#connection.run([this.#forgetMarks(this.#number)]).catch(() => {});
    await this.#connection?.close();
  }

  async #commitAll(): Promise<void> {
    while (this.#pending.length > 0) await this.#commit(this.#takeBatch());
    this.#busy = false;
    for (const wake of this.#whenIdle.splice(0)) wake();
  }

  #takeBatch(): readonly PendingWrite[] {
    let total = 0;
    const end = this.#pending.findIndex(({ bytes }, index) => {
      total += bytes;
      return index === maxBatchWrites || (index > 0 && total > maxBatchBytes);
    });
    return this.#pending.splice(0, end === -1 ? this.#pending.length : end);
  }

  /** Commits writes together; when they fail for what one of them is, in two halves, and so on, so that each fails alone. */
  async #commit(writes: readonly PendingWrite[]): Promise<void> {
    let results: Results;
    try {
      results = await this.#attempt(writes.map(({ statements }) => statements));
    } catch (cause) {
      const half = Math.ceil(writes.length / 2);
      if (writes.length > 1 && !failsAll(cause) && !isConnectionLoss(cause)) {
        await this.#commit(writes.slice(0, half));
        await this.#commit(writes.slice(half));
        return;
      }
      const error = mapPostgresError(cause, this.#surroundings.address);
      for (const write of writes) write.reject(error);
      return;
    }
    for (const [index, write] of writes.entries()) write.resolve(results[index] ?? []);
  }

  /** Carries out a transaction, again when it came to nothing for reasons of the server. */
  async #attempt(writes: readonly (readonly Statement[])[]): Promise<Results> {
    const transaction: Transaction = { number: ++this.#number, batch: makeBatch(writes), unknown: undefined };
    for (let attempt = 0, losses = 0; ; attempt++) {
      try {
        const results = await this.#carryOut(transaction);
        this.#lostSince = undefined;
        return results;
      } catch (cause) {
        if (isConnectionLoss(cause)) {
          await this.#waitForServer(cause, losses++, transaction);
          continue;
        }
        // The server answered: nothing was committed.
        transaction.unknown = undefined;
        if (isStale(cause) && attempt === 0) {
          await this.#dropConnection();
        } else if (isTransient(cause) && attempt < maxTransientRetries) {
          await this.#surroundings.clock.sleep(Math.random() * pauseBefore(Math.min(attempt, 4)));
        } else if (writes.length === 1 && transaction.batch.foretold && isUnexpectedCount(cause)) {
          transaction.batch = makeBatch(writes, true);
        } else {
          throw cause;
        }
      }
    }
  }

  async #carryOut(transaction: Transaction): Promise<Results> {
    const { batch, number, unknown } = transaction;
    const connection = await this.#connect();
    if (!batch.foretold || unknown) return await this.#carryOutStepwise(connection, transaction);
    transaction.unknown = batch.foretold;
    const [only, ...others] = batch.queries;
    const forget = number % marksKept === 0 ? [this.#forgetMarks(number)] : [];
    if (only && others.length === 0 && forget.length === 0) await connection.run([withMark(only, this.#id, number)]);
    else await connection.run([begin, markQuery(this.#id, number), ...forget, ...batch.queries, commit]);
    return batch.foretold;
  }

  /** Looks at the answers, and at the mark of an earlier attempt, before it commits. */
  async #carryOutStepwise(connection: PostgresConnection, transaction: Transaction): Promise<Results> {
    const { batch, number, unknown } = transaction;
    const opening = [begin, markQuery(this.#id, number)];
    try {
      if (unknown && (await isMarked(connection, opening))) return unknown;
      transaction.unknown = undefined;
      const answers = await connection.run(unknown ? batch.queries : [...opening, ...batch.queries]);
      const results = batch.foretold ?? batch.results(answers.slice(-batch.queries.length));
      transaction.unknown = results;
      await connection.run([commit]);
      return results;
    } catch (cause) {
      if (!isConnectionLoss(cause)) await connection.run([rollback]).catch(() => connection.close());
      throw cause;
    }
  }

  async #connect(): Promise<PostgresConnection> {
    if (this.#connection && !this.#connection.lost) return this.#connection;
    const connection = await openConnection(this.#surroundings);
    try {
      await makeMarks(connection);
    } catch (cause) {
      await connection.close();
      throw cause;
    }
    this.#connection = connection;
    return connection;
  }

  async #dropConnection(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  async #waitForServer(cause: unknown, losses: number, { unknown }: Transaction): Promise<void> {
    const { address, clock, patienceMs } = this.#surroundings;
    void this.#dropConnection();
    this.#lostSince ??= clock.monotonic();
    const pauseMs = pauseBefore(losses);
    if (!isHopeless(cause) && clock.monotonic() + pauseMs - this.#lostSince <= patienceMs) {
      // The first attempt after a loss goes at once: often it is one connection only.
      return losses === 0 ? undefined : await clock.sleep(pauseMs);
    }
    if (!unknown) throw mapPostgresError(cause, address);
    throw storageErrors.create(
      "database_unreachable",
      `The database server at ${address} went away while it committed; whether the write was kept can only be read when it is back.`,
      { details: { address, outcome: "unknown" } },
    );
  }

  #forgetMarks(before: number): PostgresQuery {
    return { text: "DELETE FROM atlas_commit WHERE writer = $1 AND number < $2", values: [this.#id, String(before)] };
  }
}

/** Is a transaction that is being carried out; `unknown` holds its results while nobody knows whether it was committed. */
interface Transaction {
  readonly number: number;
  batch: PostgresBatch;
  unknown: Results | undefined;
}

const insertMark = "INSERT INTO atlas_commit(writer, number) VALUES";

function markQuery(id: string, number: number): PostgresQuery {
  return { name: "atlas_mark", text: `${insertMark}($1, $2)`, values: [id, String(number)] };
}

/** Joins a statement with its mark, so that one round trip does for both. */
function withMark(query: PostgresQuery, id: string, number: number): PostgresQuery {
  const at = query.values.length;
  const mark = `WITH mark AS (${insertMark}($${at + 1}, $${at + 2}))`;
  const text = query.text.startsWith("WITH ") ? `${mark}, ${query.text.slice(5)}` : `${mark} ${query.text}`;
  const name = query.name === undefined ? {} : { name: `${query.name}_m` };
  return { text, values: [...query.values, id, String(number)], ...name };
}

/** Begins a transaction with its mark; where the mark is there already, the transaction is committed, and this one is ended. */
async function isMarked(connection: PostgresConnection, opening: readonly PostgresQuery[]): Promise<boolean> {
  try {
    await connection.run(opening);
    return false;
  } catch (cause) {
    if (sqlState(cause) !== "23505") throw cause;
    await connection.run([rollback]);
    return true;
  }
}

/** Makes the table of marks, and deletes those of writers that ended long ago. */
async function makeMarks(connection: PostgresConnection): Promise<void> {
  const [found] = await connection.run([
    { text: "SELECT to_regclass('atlas_commit') IS NOT NULL AS there", values: [] },
  ]);
  if (found?.rows[0]?.["there"] === 1) {
    await connection.run([{ text: "DELETE FROM atlas_commit WHERE at < now() - interval '1 day'", values: [] }]);
    return;
  }
  const statements = [
    "BEGIN",
    "SELECT pg_advisory_xact_lock(4716238910)",
    `CREATE TABLE IF NOT EXISTS atlas_commit(
      writer BIGINT, number BIGINT, at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY(writer, number))`,
    "COMMIT",
  ];
  await connection.run(statements.map((text) => ({ text, values: [] })));
}

/** Tells whether the server found another count of rows than was expected; what it was only its own answers say. */
function isUnexpectedCount(cause: unknown): boolean {
  return sqlState(cause) === "22012";
}

/** Tells whether a statement was prepared before its table was changed; on a new connection it is prepared anew. */
function isStale(cause: unknown): boolean {
  return ["0A000", "26000"].includes(sqlState(cause) ?? "");
}

/** Gives about how many bytes a value has. One that the server cannot hold would fail its neighbours with it. */
function checkedBytes(param: unknown): number {
  if (typeof param === "string" && param.includes("\0"))
    throw storageErrors.create("database_failed", "A text with the character U+0000 cannot be stored in PostgreSQL.");
  if (typeof param === "string") return param.length;
  if (param instanceof Uint8Array) return param.byteLength;
  if (param === null || typeof param === "number" || typeof param === "bigint") return 8;
  throw storageErrors.create("database_failed", `A parameter of type ${typeof param} cannot be stored.`);
}
