import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { raceAbort } from "../../base/index.ts";
import type {
  Database,
  DatabaseCapabilities,
  DatabaseCheck,
  DatabaseLock,
  Row,
  SqlValue,
  Statement,
  StatementResult,
} from "../database.ts";
import { storageErrors } from "../errors.ts";
import { migrateDatabase } from "../migrate.ts";
import { fileHints } from "./file-hints.ts";
import { fromFailure } from "./sqlite-engine.ts";
import type { BatchResult, SqliteThreadData } from "./sqlite-protocol.ts";
import { startThread } from "./sqlite-thread.ts";
import type { SqliteThread } from "./sqlite-thread.ts";

/** Are the options of `sqlite`. */
export interface SqliteOptions {
  /** The database file; made with its folder when missing. */
  readonly path: string;
  /** `full` (default) survives a power cut; `normal` a killed process only. */
  readonly synchronous?: "full" | "normal";
  /** Units: milliseconds to wait for another process's write; 5,000 by default. */
  readonly busyTimeoutMs?: number;
}

interface PendingWrite {
  readonly statements: readonly Statement[];
  readonly resolve: (results: readonly StatementResult[]) => void;
  readonly reject: (error: unknown) => void;
}

const capabilities: DatabaseCapabilities = { dialect: "sqlite", fullText: "fts5", shared: false };
const maxBatchWrites = 1_000;
const smallBatchWrites = 32;
const maxNameLength = 100;
const maxKnownStatements = 2_000;
/** While the thread commits one batch, the next is being made and sent: neither side waits for the other. */
const maxBatchesInFlight = 2;

/**
 * Opens a SQLite database in threads of its own: one writes, with group commit, one reads (started when first needed), so
 * that neither an fsync nor a long query stalls the event loop.
 *
 * Errors: database_open_failed, database_read_only, database_corrupt, database_busy, database_full.
 * Source: measured facts in docs/decisions/0002-sqlite-in-a-worker.md.
 */
export async function sqlite(options: SqliteOptions): Promise<Database> {
  const data = {
    path: resolve(options.path),
    synchronous: options.synchronous ?? "full",
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
  };
  const writer = await startThread({ ...data, role: "writer" });
  const hints = fileHints(`${data.path}-hints`);
  const writes = createWriteQueue(writer);
  const read = createReader(data);
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing)
      throw storageErrors.create("database_closed", `The database ${data.path} was used after it was closed.`);
  };

  const database: Database = {
    capabilities,
    async read(statement, { signal } = {}) {
      open();
      signal?.throwIfAborted();
      return await raceAbort(read.run(statement), signal);
    },
    async write(statements) {
      open();
      return await writes.add(statements);
    },
    migrate: (domain, migrations) => migrateDatabase(database, domain, migrations),
    async lock(name) {
      open();
      return (await writer.ask<boolean>({ kind: "lock", name: safeName(name) })) ? createLock(name, writer) : undefined;
    },
    async isLocked(name) {
      open();
      return await writer.ask<boolean>({ kind: "isLocked", name: safeName(name) });
    },
    notify: () => hints.notify(),
    listen: (changed) => hints.listen(changed),
    async check() {
      open();
      return await writer.ask<DatabaseCheck>({ kind: "check" });
    },
    backup: (path) => Promise.reject(storageErrors.create("backup_failed", `${path}: to be built`)),
    [Symbol.asyncDispose]() {
      closing ??= (async () => {
        hints.close();
        await writes.idle();
        await Promise.all([read.close(), writer.close()]);
      })();
      return closing;
    },
  };
  return database;
}

function createReader(data: Omit<SqliteThreadData, "role">) {
  let thread: Promise<SqliteThread> | undefined;
  return {
    async run({ sql, params = [] }: Statement): Promise<readonly Row[]> {
      thread ??= startThread({ ...data, role: "reader" });
      const starting = thread;
      const reader = await starting.catch((error: unknown) => {
        // What kept it from opening may have passed when the next read comes.
        if (thread === starting) thread = undefined;
        throw error;
      });
      if (reader.closed && thread === starting) thread = undefined;
      return await reader.ask<readonly Row[]>({ kind: "read", sql, params });
    },
    async close(): Promise<void> {
      await (await thread?.catch(() => undefined))?.close();
    },
  };
}

/** Gathers writes into batches: the first goes at once, those that arrive while batches are under way share the next. */
function createWriteQueue(writer: SqliteThread) {
  const pending: PendingWrite[] = [];
  let inFlight = 0;
  let armed = false;
  const whenIdle: (() => void)[] = [];
  const numbering = createNumbering();

  const send = async (): Promise<void> => {
    armed = false;
    if (pending.length === 0 || inFlight >= maxBatchesInFlight) return;
    // Half of many goes ahead, so that the thread commits one half while this side makes and settles the other.
    const size = pending.length <= smallBatchWrites || inFlight > 0 ? pending.length : Math.ceil(pending.length / 2);
    const batch = pending.splice(0, Math.min(size, maxBatchWrites));
    inFlight++;
    arm();
    try {
      const answer = writer.ask<BatchResult>({ kind: "write", ...encode(batch, numbering) });
      numbering.sent();
      settle(batch, await answer);
    } catch (error) {
      for (const write of batch) write.reject(error);
    } finally {
      inFlight--;
      arm();
      if (inFlight === 0 && pending.length === 0) {
        for (const wake of whenIdle.splice(0)) wake();
      }
    }
  };
  const arm = (): void => {
    if (armed || pending.length === 0 || inFlight >= maxBatchesInFlight) return;
    armed = true;
    setImmediate(() => void send());
  };
  return {
    add(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
      return new Promise((resolve, reject) => {
        for (const { sql, params = [] } of statements) {
          for (const param of params) checkParam(param);
          numbering.number(sql);
        }
        pending.push({ statements, resolve, reject });
        arm();
      });
    },
    idle(): Promise<void> {
      if (inFlight === 0 && pending.length === 0) return Promise.resolve();
      return new Promise((resolve) => whenIdle.push(resolve));
    },
  };
}

/** Gives each SQL text a number that the thread knows it by; new texts cross with the next batch. */
function createNumbering() {
  const numbers = new Map<string, number>();
  let fresh: string[] = [];
  return {
    number(sql: string): number {
      let number = numbers.get(sql);
      if (number === undefined) {
        number = numbers.size;
        if (number >= maxKnownStatements) {
          throw storageErrors.create("database_failed", "Too many different statements; pass values as parameters.");
        }
        numbers.set(sql, number);
        fresh.push(sql);
      }
      return number;
    },
    /** The texts that have not crossed yet. */
    fresh: (): readonly string[] => fresh,
    sent(): void {
      fresh = [];
    },
  };
}

function encode(batch: readonly PendingWrite[], numbering: ReturnType<typeof createNumbering>) {
  const operations: SqlValue[] = [];
  for (const { statements } of batch) {
    operations.push(statements.length);
    for (const { sql, params = [], expectRows = -1 } of statements) {
      operations.push(numbering.number(sql), expectRows, params.length);
      for (const param of params) operations.push(param);
    }
  }
  return { texts: numbering.fresh(), operations, writes: batch.length };
}

function settle(batch: readonly PendingWrite[], result: BatchResult): void {
  let at = 0;
  for (const [index, write] of batch.entries()) {
    const failure = result.failures?.get(index);
    if (failure) {
      write.reject(fromFailure(failure));
      continue;
    }
    const first = at;
    at += write.statements.length;
    write.resolve(
      write.statements.map((_, offset) => ({
        changes: result.changes?.[first + offset] ?? 1,
        rows: result.rows?.get(first + offset) ?? [],
      })),
    );
  }
}

function createLock(name: string, writer: SqliteThread): DatabaseLock {
  return {
    name,
    async [Symbol.asyncDispose]() {
      if (!writer.closed) await writer.ask({ kind: "unlock", name: safeName(name) });
    },
  };
}

/** A value that cannot cross to the thread, or that SQLite cannot hold, would fail its neighbours with it. */
function checkParam(param: unknown): void {
  if (param === null || ["string", "number", "bigint"].includes(typeof param) || param instanceof Uint8Array) return;
  throw storageErrors.create("database_failed", `A parameter of type ${typeof param} cannot be stored.`);
}

/** Names become file names, whose length is bounded. */
function safeName(name: string): string {
  const plain = encodeURIComponent(name).replaceAll("*", "%2A");
  if (plain.length <= maxNameLength) return plain;
  return `${plain.slice(0, 40)}-${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
}
