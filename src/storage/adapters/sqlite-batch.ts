import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Row } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { readRows } from "./sqlite-connection.ts";
import type { BatchResult, StatementShape, ThreadFailure, WriteBatch } from "./sqlite-protocol.ts";

/** Is a statement that the thread knows by its number. It may name a table that an earlier write makes, so it is prepared when it first runs. */
export class KnownStatement {
  readonly shape: StatementShape;
  readonly #db: DatabaseSync;
  #statement: StatementSync | undefined;
  #hasRows = false;

  constructor(db: DatabaseSync, shape: StatementShape) {
    this.#db = db;
    this.shape = shape;
  }

  get hasRows(): boolean {
    return this.#hasRows;
  }

  /** Gives it prepared; `hasRows` is known from then on. */
  prepared(): StatementSync {
    if (this.#statement === undefined) {
      this.#statement = this.#db.prepare(this.shape.sql);
      this.#hasRows = this.#statement.columns().length > 0;
    }
    return this.#statement;
  }
}

/** Runs the writes of a batch one after the other, straight from the flat form in which they crossed. */
export class BatchRun {
  readonly #batch: WriteBatch;
  readonly #known: readonly KnownStatement[];
  #at = 0;
  #done = 0;
  #begin = 0;
  #changes: number[] = [];
  #allOne = true;
  #changesBefore = 0;
  readonly #rows = new Map<number, readonly Row[]>();

  constructor(batch: WriteBatch, known: readonly KnownStatement[]) {
    this.#batch = batch;
    this.#known = known;
  }

  /** Runs the next write; tells whether there is another. */
  next(): boolean {
    const { operations, writes } = this.#batch;
    this.#begin = this.#at;
    this.#changesBefore = this.#changes.length;
    const count = Number(operations[this.#at++]);
    for (let index = 0; index < count; index++) this.#runOne(index);
    return ++this.#done < writes;
  }

  #runOne(index: number): void {
    const { operations } = this.#batch;
    const known = this.#statementAt(this.#at++);
    const statement = known.prepared();
    const { paramCount, expectRows } = known.shape;
    const params = operations.slice(this.#at, this.#at + paramCount);
    this.#at += paramCount;
    let changed: number;
    if (known.hasRows) {
      const rows = readRows(statement, params);
      this.#rows.set(this.#changes.length, rows);
      changed = rows.length;
    } else {
      changed = Number(statement.run(...params).changes);
    }
    if (expectRows >= 0 && changed !== expectRows) {
      throw storageErrors.create(
        "write_conflict",
        `Statement ${index} of a write changed ${changed} rows, not ${expectRows}.`,
        { details: { statement: index, expected: expectRows, changed } },
      );
    }
    if (changed !== 1) this.#allOne = false;
    this.#changes.push(changed);
  }

  /** Leaves out the write that failed in `next`, with what it did so far; tells whether there is another. */
  skip(): boolean {
    const { operations, writes } = this.#batch;
    for (let at = this.#changesBefore; at < this.#changes.length; at++) this.#rows.delete(at);
    this.#changes.length = this.#changesBefore;
    this.#at = this.#begin;
    for (let left = Number(operations[this.#at++]); left > 0; left--) {
      this.#at += 1 + this.#statementAt(this.#at).shape.paramCount;
    }
    return ++this.#done < writes;
  }

  result(failures: ReadonlyMap<number, ThreadFailure> | undefined): BatchResult {
    return {
      changes: this.#allOne ? undefined : this.#changes,
      rows: this.#rows.size > 0 ? this.#rows : undefined,
      failures,
    };
  }

  #statementAt(at: number): KnownStatement {
    const known = this.#known[Number(this.#batch.operations[at])];
    if (known === undefined) throw storageErrors.create("database_failed", "A batch names an unknown statement.");
    return known;
  }
}
