import { rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { failpoint, isAtlasError } from "../../base/index.ts";
import type { DatabaseCheck, Row, SqlValue } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { BatchRun, KnownStatement } from "./sqlite-batch.ts";
import { baseCode, checkConnection, mapError, openConnection, readRows } from "./sqlite-connection.ts";
import type {
  BatchResult,
  SqliteThreadData,
  ThreadFailure,
  ThreadReply,
  ThreadRequest,
  WriteBatch,
} from "./sqlite-protocol.ts";

/** Executes requests on one connection; lives in a thread of its own. */
export class SqliteEngine {
  readonly #data: SqliteThreadData;
  readonly #db: DatabaseSync;
  readonly #known: KnownStatement[] = [];
  readonly #reads = new Map<string, StatementSync>();
  readonly #locks = new Map<string, DatabaseSync>();
  #broken: ThreadFailure | undefined;

  /** Opens the database. Errors: those of the storage table. */
  constructor(data: SqliteThreadData) {
    if (data.role === "writer") makeItsFolder(data.path);
    this.#data = data;
    this.#db = openConnection(data);
  }

  /** Does what is asked and gives the answer; never throws. */
  handle(request: ThreadRequest): ThreadReply {
    try {
      return { id: request.id, value: this.#execute(request) };
    } catch (cause) {
      return { id: request.id, failure: toFailure(cause, this.#data.path) };
    }
  }

  #execute(request: ThreadRequest): BatchResult | Row[] | DatabaseCheck | boolean | undefined {
    switch (request.kind) {
      case "write":
        return this.#write(request);
      case "read":
        return this.#read(request.sql, request.params);
      case "lock":
        return takeLock(this.#lockFile(request.name), request.name, this.#locks);
      case "unlock":
        return releaseLock(this.#lockFile(request.name), request.name, this.#locks);
      case "isLocked":
        return this.#locks.has(request.name) || isLockHeld(this.#lockFile(request.name));
      case "check":
        return checkConnection(this.#db);
      case "close":
        for (const name of this.#locks.keys()) releaseLock(this.#lockFile(name), name, this.#locks);
        this.retire();
        return undefined;
    }
  }

  /** True after a failed fsync: this connection takes no more writes. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /** Closes the connection and keeps the locks. */
  retire(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #write(batch: WriteBatch): BatchResult {
    if (this.#broken) throw fromFailure(this.#broken);
    for (const shape of batch.shapes) this.#known.push(new KnownStatement(this.#db, shape));
    try {
      return runTogether(this.#db, new BatchRun(batch, this.#known));
    } catch (cause) {
      this.#rollBack();
      if (!failsAlone(cause)) throw this.#stopAfter(cause);
    }
    try {
      return runApart(this.#db, new BatchRun(batch, this.#known), this.#data.path);
    } catch (cause) {
      this.#rollBack();
      throw this.#stopAfter(cause);
    }
  }

  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
  }

  /** After a failed fsync nobody knows what reached the disk: SQLite must read it anew, so this connection takes no more writes. */
  #stopAfter(cause: unknown): unknown {
    if (baseCode(cause) === 10) this.#broken = toFailure(cause, this.#data.path);
    return cause;
  }

  #read(sql: string, params: readonly SqlValue[]): Row[] {
    let statement = this.#reads.get(sql);
    if (!statement) {
      if (this.#reads.size >= maxReadStatements) this.#reads.clear();
      statement = this.#db.prepare(sql);
      this.#reads.set(sql, statement);
    }
    return readRows(statement, params);
  }

  #lockFile(name: string): string {
    return `${this.#data.path}-lock-${name}`;
  }
}

const maxReadStatements = 200;

function makeItsFolder(path: string): void {
  try {
    makeFolder(dirname(path));
  } catch (cause) {
    throw storageErrors.create("database_open_failed", `The folder of the database ${path} cannot be made.`, {
      details: { path },
      cause,
    });
  }
}

/** Runs all writes in one transaction; the first failure fails it as a whole. */
function runTogether(db: DatabaseSync, run: BatchRun): BatchResult {
  db.exec("BEGIN IMMEDIATE");
  while (run.next());
  commit(db);
  return run.result(undefined);
}

/** Runs each write under a savepoint of one transaction, so that one that fails harms no other. */
function runApart(db: DatabaseSync, run: BatchRun, path: string): BatchResult {
  const failures = new Map<number, ThreadFailure>();
  db.exec("BEGIN IMMEDIATE");
  for (let index = 0, more = true; more; index++) {
    db.exec("SAVEPOINT w");
    try {
      more = run.next();
    } catch (cause) {
      if (!failsAlone(cause)) throw cause;
      failures.set(index, toFailure(cause, path));
      more = run.skip();
      db.exec("ROLLBACK TO w");
    }
    db.exec("RELEASE w");
  }
  commit(db);
  return run.result(failures);
}

function commit(db: DatabaseSync): void {
  failpoint("commit.before");
  db.exec("COMMIT");
  failpoint("commit.after");
}

/** Tells a failure of one write's own making from one of the disk or the file, which fails all. */
function failsAlone(cause: unknown): boolean {
  if (isAtlasError(cause)) return true;
  const code = baseCode(cause);
  return code === undefined || ![5, 6, 8, 10, 11, 13, 14, 26].includes(code);
}

function toFailure(cause: unknown, path: string): ThreadFailure {
  const error = mapError(cause, path);
  return { code: error.code, message: error.message, details: error.details as ThreadFailure["details"] };
}

/** Makes an error of the storage table again from the form in which it crossed from the thread. */
export function fromFailure(failure: ThreadFailure): Error {
  const code =
    failure.code in storageErrors.table ? (failure.code as keyof typeof storageErrors.table) : "database_failed";
  return storageErrors.create(code, failure.message, { details: failure.details });
}

/**
 * Takes an exclusive lock on a small file of its own; the system drops it when the process dies. The holder deletes the file
 * before it lets go, so a lock counts only if the file under its name was the same before the open and after the lock.
 */
function takeLock(file: string, name: string, held: Map<string, DatabaseSync>): boolean {
  if (held.has(name)) return false;
  for (let attempt = 0; attempt < 100; attempt++) {
    const before = statSync(file, { throwIfNoEntry: false })?.ino;
    const lock = new DatabaseSync(file, { timeout: 0 });
    try {
      lock.exec("PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
    } catch (cause) {
      lock.close();
      if (baseCode(cause) === 5) return false;
      throw cause;
    }
    if (before !== undefined && statSync(file, { throwIfNoEntry: false })?.ino === before) {
      held.set(name, lock);
      return true;
    }
    lock.close();
  }
  return false;
}

/** Reads the lock's file, which its holder keeps everybody from; readers do not keep each other from it. */
function isLockHeld(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return false;
  const lock = new DatabaseSync(file, { timeout: 0, readOnly: true });
  try {
    lock.exec("SELECT count(*) FROM sqlite_schema");
    return false;
  } catch (cause) {
    if (baseCode(cause) === 5) return true;
    throw cause;
  } finally {
    lock.close();
  }
}

function releaseLock(file: string, name: string, held: Map<string, DatabaseSync>): undefined {
  const lock = held.get(name);
  if (!lock) return;
  held.delete(name);
  rmSync(file, { force: true });
  lock.close();
}
