import { resolve } from "node:path";
import { raceAbort } from "../../base/index.ts";
import type { Database, DatabaseCapabilities, DatabaseCheck, DatabaseLock, Row, Statement } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { migrateDatabase } from "../migrate.ts";
import { fileHints } from "./file-hints.ts";
import type { SqliteThreadData } from "./sqlite-protocol.ts";
import { createSmallWriter } from "./sqlite-small-writer.ts";
import type { SqliteThread } from "./sqlite-thread.ts";
import { createWriteQueue } from "./sqlite-write-queue.ts";
import { openWriter } from "./sqlite-writer.ts";

/** Are the options of `sqlite`. */
export interface SqliteOptions {
  /** The database file; made with its folder when missing. */
  readonly path: string;
  /** `full` (default) survives a power cut; `normal` a killed process only. */
  readonly synchronous?: "full" | "normal";
  /** Units: milliseconds to wait for another process's write; 5,000 by default. */
  readonly busyTimeoutMs?: number;
}

const capabilities: DatabaseCapabilities = { dialect: "sqlite", fullText: "fts5", shared: false };
/** What a read may keep commits waiting, or commits a read. */
const quickReadMs = 5;
const maxNameLength = 100;
/**
 * Opens a SQLite database. It soon works in threads of its own: one writes, with group commit (started when there is work), one
 * reads (started when reads take long), so that neither an fsync nor a long query stalls the event loop.
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
  const writer = await openWriter(data);
  const hints = fileHints(`${data.path}-hints`);
  const small = createSmallWriter(data);
  const writes = createWriteQueue(writer, small);
  const read = createReader(data, writer);
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing) throw closedError(data.path);
  };

  const database: Database = {
    capabilities,
    async read(statement, { signal } = {}) {
      open();
      signal?.throwIfAborted();
      return await raceAbort(read.run(statement), signal);
    },
    write: (statements) => (closing ? Promise.reject(closedError(data.path)) : writes.add(statements)),
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
    async backup(path, backupOptions) {
      open();
      const { backupSqlite } = await import("./sqlite-backup.ts");
      return await backupSqlite(data.path, path, backupOptions);
    },
    [Symbol.asyncDispose]() {
      closing ??= (async () => {
        hints.close();
        await writes.idle();
        small.close();
        await Promise.all([read.close(), writer.close()]);
      })();
      return closing;
    },
  };
  return database;
}

/** Reads in the writer's thread as long as that is quick: a thread takes memory and time to start. Then in one of its own. */
function createReader(data: Omit<SqliteThreadData, "role">, writer: SqliteThread) {
  let thread: Promise<SqliteThread> | undefined;
  let isQuick = true;
  const own = async (): Promise<SqliteThread> => {
    thread ??= startReader(data);
    const starting = thread;
    const reader = await starting.catch((error: unknown) => {
      // What kept it from opening may have passed when the next read comes.
      if (thread === starting) thread = undefined;
      throw error;
    });
    if (reader.closed && thread === starting) thread = undefined;
    return reader;
  };
  return {
    async run({ sql, params = [] }: Statement): Promise<readonly Row[]> {
      const request = { kind: "read", sql, params } as const;
      if (!isQuick) return await (await own()).ask<readonly Row[]>(request);
      const begin = performance.now();
      try {
        return await writer.ask<readonly Row[]>(request);
      } finally {
        isQuick &&= performance.now() - begin < quickReadMs;
      }
    },
    async close(): Promise<void> {
      await (await thread?.catch(() => undefined))?.close();
    },
  };
}

async function startReader(data: Omit<SqliteThreadData, "role">): Promise<SqliteThread> {
  const { startThread } = await import("./sqlite-thread.ts");
  return await startThread({ ...data, role: "reader" });
}

function closedError(path: string): Error {
  return storageErrors.create("database_closed", `The database ${path} was used after it was closed.`);
}

function createLock(name: string, writer: SqliteThread): DatabaseLock {
  return {
    name,
    async [Symbol.asyncDispose]() {
      if (!writer.closed) await writer.ask({ kind: "unlock", name: safeName(name) });
    },
  };
}

/** Names become file names, whose length is bounded. */
function safeName(name: string): string {
  const plain = encodeURIComponent(name).replaceAll("*", "%2A");
  if (plain.length <= maxNameLength) return plain;
  // Taken when it is needed: an import of node:crypto takes some milliseconds.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return `${plain.slice(0, 40)}-${createHash("sha256").update(name).digest("hex").slice(0, 32)}`;
}
