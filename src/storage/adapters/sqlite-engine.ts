import { rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { failpoint, isAtlasError } from "../../base/index.ts";
import type { DatabaseCheck, Row, SqlValue } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { baseCode, checkConnection, mapError, openConnection, readRows } from "./sqlite-connection.ts";
import type {
  BatchResult,
  SqliteThreadData,
  ThreadFailure,
  ThreadReply,
  ThreadRequest,
  WriteBatch,
} from "./sqlite-protocol.ts";

interface Prepared {
  readonly statement: StatementSync;
  readonly hasRows: boolean;
}

interface Operation {
  readonly prepared: Prepared;
  readonly expectRows: number;
  readonly params: readonly SqlValue[];
}

/** Executes requests on one connection; lives in a thread of its own. */
export class SqliteEngine {
  readonly #data: SqliteThreadData;
  readonly #db: DatabaseSync;
  readonly #known: Prepared[] = [];
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
        this.#db.close();
        return undefined;
    }
  }

  #write(batch: WriteBatch): BatchResult {
    if (this.#broken) throw fromFailure(this.#broken);
    for (const text of batch.texts) this.#known.push(lazily(() => this.#prepare(text)));
    try {
      return runTogether(this.#db, decode(batch, this.#known));
    } catch (cause) {
      this.#rollBack();
      if (!failsAlone(cause)) throw this.#stopAfter(cause);
    }
    try {
      return runApart(this.#db, decode(batch, this.#known), this.#data.path);
    } catch (cause) {
      this.#rollBack();
      throw this.#stopAfter(cause);
    }
  }

  #prepare(sql: string): Prepared {
    const statement = this.#db.prepare(sql);
    return { statement, hasRows: statement.columns().length > 0 };
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

/** A statement may name a table that an earlier write of the same batch makes, so it is prepared when it is first run. */
function lazily(make: () => Prepared): Prepared {
  let made: Prepared | undefined;
  const get = (): Prepared => (made ??= make());
  return {
    get statement() {
      return get().statement;
    },
    get hasRows() {
      return get().hasRows;
    },
  };
}

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

function decode(batch: WriteBatch, known: readonly Prepared[]): Operation[][] {
  const { operations } = batch;
  let at = 0;
  const number = (): number => Number(operations[at++]);
  return Array.from({ length: batch.writes }, () =>
    Array.from({ length: number() }, () => {
      const prepared = known[number()];
      const expectRows = number();
      const count = number();
      const params = operations.slice(at, at + count);
      at += count;
      if (prepared === undefined) throw storageErrors.create("database_failed", "A batch names an unknown statement.");
      return { prepared, expectRows, params };
    }),
  );
}

/** Runs all writes in one transaction; the first failure fails it as a whole. */
function runTogether(db: DatabaseSync, writes: readonly (readonly Operation[])[]): BatchResult {
  const changes: number[] = [];
  const rows = new Map<number, Row[]>();
  db.exec("BEGIN IMMEDIATE");
  for (const write of writes) runOne(write, changes, rows);
  failpoint("commit.before");
  db.exec("COMMIT");
  failpoint("commit.after");
  const allOne = changes.every((count) => count === 1);
  return { changes: allOne ? undefined : changes, rows: rows.size > 0 ? rows : undefined, failures: undefined };
}

/** Runs each write under a savepoint of one transaction, so that one that fails harms no other. */
function runApart(db: DatabaseSync, writes: readonly (readonly Operation[])[], path: string): BatchResult {
  const changes: number[] = [];
  const rows = new Map<number, Row[]>();
  const failures = new Map<number, ThreadFailure>();
  db.exec("BEGIN IMMEDIATE");
  for (const [index, write] of writes.entries()) {
    const before = changes.length;
    db.exec("SAVEPOINT w");
    try {
      runOne(write, changes, rows);
    } catch (cause) {
      if (!failsAlone(cause)) throw cause;
      failures.set(index, toFailure(cause, path));
      for (let at = before; at < changes.length; at++) rows.delete(at);
      changes.length = before;
      db.exec("ROLLBACK TO w");
    }
    db.exec("RELEASE w");
  }
  failpoint("commit.before");
  db.exec("COMMIT");
  failpoint("commit.after");
  return { changes, rows: rows.size > 0 ? rows : undefined, failures };
}

function runOne(write: readonly Operation[], changes: number[], rows: Map<number, Row[]>): void {
  for (const [index, { prepared, expectRows, params }] of write.entries()) {
    let changed: number;
    if (prepared.hasRows) {
      const found = readRows(prepared.statement, params);
      rows.set(changes.length, found);
      changed = found.length;
    } else {
      changed = Number(prepared.statement.run(...params).changes);
    }
    if (expectRows >= 0 && changed !== expectRows) {
      throw storageErrors.create(
        "write_conflict",
        `Statement ${index} of a write changed ${changed} rows, not ${expectRows}.`,
        {
          details: { statement: index, expected: expectRows, changed },
        },
      );
    }
    changes.push(changed);
  }
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
