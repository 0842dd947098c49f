import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { isAtlasError } from "../../base/index.ts";
import type { AtlasError } from "../../base/index.ts";
import type { DatabaseCheck, Row, SqlValue } from "../database.ts";
import { storageErrors } from "../errors.ts";
import type { SqliteThreadData } from "./sqlite-protocol.ts";

/** Caps the size up to which the file is checked page by page at open; larger ones are checked by `check()` alone. */
const openCheckMaxBytes = 32 * 1024 * 1024;

/**
 * Opens a connection with WAL and checks that the file is sound. Errors: those of the storage table.
 *
 * The file is never opened by other means than SQLite: POSIX drops all of a process's locks on a file when it closes any
 * descriptor of it.
 */
export function openConnection(data: SqliteThreadData): DatabaseSync {
  const synchronous = data.synchronous === "normal" ? "NORMAL" : "FULL";
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(data.path, { timeout: data.busyTimeoutMs });
    if (data.role === "reader") {
      db.exec("PRAGMA query_only=1; PRAGMA cache_size=-16000");
      return db;
    }
    if (data.role === "small-writer") {
      // It commits in the calling thread, which must not wait long: moving the log into the database is left to the writer.
      db.exec(`PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=${synchronous}; PRAGMA cache_size=-4000`);
      return db;
    }
    db.exec("PRAGMA page_size=8192");
    setWal(db, data.busyTimeoutMs);
    db.exec(`PRAGMA synchronous=${synchronous}; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY`);
    checkAtOpen(db, data.path);
    checkWritable(db);
    return db;
  } catch (cause) {
    db?.close();
    throw mapError(cause, data.path);
  }
}

/** Two processes that open a new file at once can collide here without SQLite's own wait taking effect. */
function setWal(db: DatabaseSync, timeoutMs: number): void {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    try {
      db.exec("PRAGMA journal_mode=WAL");
      return;
    } catch (cause) {
      if (baseCode(cause) !== 5 || performance.now() > deadline) throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

function checkAtOpen(db: DatabaseSync, path: string): void {
  const pages = Number(firstValue(db, "PRAGMA page_count"));
  const sizeBytes = pages * Number(firstValue(db, "PRAGMA page_size"));
  if (sizeBytes > openCheckMaxBytes) {
    if (walIsEmpty(path) && statSync(path).size < sizeBytes) throw corrupt(path, "it is shorter than its header says");
    return;
  }
  const result = String(firstValue(db, "PRAGMA quick_check(1)"));
  if (result !== "ok") throw corrupt(path, result);
}

function checkWritable(db: DatabaseSync): void {
  db.exec("BEGIN IMMEDIATE; ROLLBACK");
}

function walIsEmpty(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

function corrupt(path: string, reason: string): AtlasError {
  return storageErrors.create("database_corrupt", `The database ${path} is damaged: ${reason}.`, { details: { path } });
}

function firstValue(db: DatabaseSync, sql: string): SqlValue | undefined {
  const row = db.prepare(sql).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

/** Runs a statement and gives its rows; integers beyond 2^53 come as BigInt, all others as numbers. */
export function readRows(statement: StatementSync, params: readonly SqlValue[]): Row[] {
  try {
    return statement.all(...params);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    statement.setReadBigInts(true);
    try {
      return statement
        .all(...params)
        .map((row) => Object.fromEntries(Object.entries(row).map(([key, value]) => [key, narrow(value)])));
    } finally {
      statement.setReadBigInts(false);
    }
  }
}

function narrow(value: SqlValue): SqlValue {
  return typeof value === "bigint" && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
    ? Number(value)
    : value;
}

/** Checks every page and index of the database. */
export function checkConnection(db: DatabaseSync): DatabaseCheck {
  const sizeBytes = Number(firstValue(db, "PRAGMA page_count")) * Number(firstValue(db, "PRAGMA page_size"));
  try {
    const found = db
      .prepare("PRAGMA integrity_check(20)")
      .all()
      .map((row) => String(Object.values(row)[0]));
    return { sizeBytes, problems: found.filter((line) => line !== "ok") };
  } catch (cause) {
    return { sizeBytes, problems: [cause instanceof Error ? cause.message : String(cause)] };
  }
}

/** Gives SQLite's primary result code of an error, or undefined if it is none of SQLite's. */
export function baseCode(cause: unknown): number | undefined {
  if (typeof cause !== "object" || cause === null || !("errcode" in cause)) return undefined;
  return typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined;
}

const codes: Readonly<Record<number, [Parameters<typeof storageErrors.create>[0], string]>> = {
  5: ["database_busy", "Another process holds the database"],
  6: ["database_busy", "Another process holds the database"],
  8: ["database_read_only", "The database cannot be written to"],
  10: ["database_failed", "The disk failed while the database was read or written"],
  11: ["database_corrupt", "The database is damaged"],
  13: ["database_full", "There is no space left for the database"],
  14: ["database_open_failed", "The database cannot be opened"],
  19: ["write_conflict", "The row is there already or breaks a constraint"],
  26: ["database_corrupt", "The file is not a database"],
};

/** SQLite cannot open a database in a folder where it cannot put its log beside it, and says only that much. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
  }
}

/** Maps SQLite's failures to the storage table; an AtlasError stays as it is. */
export function mapError(cause: unknown, path: string): AtlasError {
  if (isAtlasError(cause)) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const readOnly = baseCode(cause) === 14 && !isWritable(dirname(path));
  const [code, text] = codes[readOnly ? 8 : (baseCode(cause) ?? -1)] ?? [
    "database_failed",
    "The database refused a statement",
  ];
  return storageErrors.create(code, `${text} (${path}): ${message}.`, { details: { path }, cause });
}
