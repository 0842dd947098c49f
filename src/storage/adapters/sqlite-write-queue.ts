import type { SqlValue, Statement, StatementResult } from "../database.ts";
import { storageErrors } from "../errors.ts";
import { fromFailure } from "./sqlite-engine.ts";
import type { SmallWriter } from "./sqlite-small-writer.ts";
import type { BatchResult, EncodedWrites, StatementShape } from "./sqlite-protocol.ts";
import type { SqliteThread } from "./sqlite-thread.ts";

/** Gathers writes into commits. */
export interface WriteQueue {
  /** Order: writes commit in the order in which they were given. */
  add(statements: readonly Statement[]): Promise<readonly StatementResult[]>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

interface PendingWrite {
  readonly statements: readonly Statement[];
  readonly resolve: (results: readonly StatementResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds what the event loop waits for: the work of as many callers begins at once when their commit is done. */
const maxBatchWrites = 256;
const smallBatchWrites = 32;
const maxKnownShapes = 2_000;
/** While the thread commits one batch, the next is being made and sent: neither side waits for the other. */
const maxBatchesInFlight = 2;

/**
 * Makes the queue before a writer thread. What code that is ready to run writes goes together, once all of it has run; what
 * arrives while batches are under way shares the next. A few small writes, or one alone, are committed in this thread.
 */
export function createWriteQueue(writer: SqliteThread, small: SmallWriter): WriteQueue {
  return new Queue(writer, small);
}

class Queue implements WriteQueue {
  readonly #writer: SqliteThread;
  readonly #small: SmallWriter;
  readonly #shapes = createShapes();
  readonly #pending: PendingWrite[] = [];
  readonly #whenIdle: (() => void)[] = [];
  #sentShapes = 0;
  #inFlight = 0;
  #armed = false;
  #smallCommits = 0;
  /** How many writes in a row had no company. */
  #alone = 0;

  constructor(writer: SqliteThread, small: SmallWriter) {
    this.#writer = writer;
    this.#small = small;
  }

  add(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ statements, resolve, reject });
      this.#arm();
    });
  }

  idle(): Promise<void> {
    if (this.#inFlight === 0 && this.#pending.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #arm(): void {
    if (this.#armed || this.#pending.length === 0 || this.#inFlight >= maxBatchesInFlight) return;
    this.#armed = true;
    if (this.#smallCommits < this.#small.commitsATurn) return process.nextTick(this.#send);
    this.#smallCommits = 0;
    setImmediate(this.#send);
  }

  readonly #send = (): void => {
    this.#armed = false;
    const { length } = this.#pending;
    // Half of many goes ahead, so that the thread commits one half while this side makes and settles the other.
    const size = length <= smallBatchWrites || this.#inFlight > 0 ? length : Math.ceil(length / 2);
    const batch = this.#pending.splice(0, Math.min(size, maxBatchWrites));
    const encoded = encode(batch, this.#shapes);
    this.#alone = length === 1 && this.#inFlight === 0 ? this.#alone + 1 : 0;
    if (encoded.writes > 0 && !this.#commitsHere(batch, encoded)) void this.#commitInThread(batch, encoded);
    this.#arm();
    this.#wakeIdle();
  };

  #commitsHere(batch: readonly PendingWrite[], encoded: EncodedWrites): boolean {
    const small = this.#small;
    if (this.#inFlight > 0 || !small.takes(batch, this.#alone)) return false;
    const result = small.write(encoded, this.#shapes.all);
    if (result === undefined) return false;
    this.#smallCommits++;
    settle(batch, result);
    return true;
  }

  async #commitInThread(batch: readonly PendingWrite[], encoded: EncodedWrites): Promise<void> {
    const shapes = this.#shapes.all.slice(this.#sentShapes);
    this.#inFlight++;
    try {
      const answer = this.#writer.ask<BatchResult>({ kind: "write", shapes, ...encoded });
      this.#sentShapes += shapes.length;
      settle(batch, await answer);
    } catch (error) {
      for (const write of batch) write.reject(error);
    }
    this.#inFlight--;
    this.#arm();
    this.#wakeIdle();
  }

  #wakeIdle(): void {
    if (this.#inFlight > 0 || this.#pending.length > 0) return;
    for (const wake of this.#whenIdle.splice(0)) wake();
  }
}

/** Gives each shape of statement a number that connections know it by. */
function createShapes() {
  const all: StatementShape[] = [];
  const numbers = new Map<string, number[]>();
  return {
    all: all as readonly StatementShape[],
    numberOf(sql: string, paramCount: number, expectRows: number): number {
      let same = numbers.get(sql);
      if (same === undefined) numbers.set(sql, (same = []));
      for (const number of same) {
        const shape = all[number];
        if (shape?.paramCount === paramCount && shape.expectRows === expectRows) return number;
      }
      if (all.length >= maxKnownShapes) {
        throw storageErrors.create("database_failed", "Too many different statements; pass values as parameters.");
      }
      same.push(all.length);
      return all.push({ sql, paramCount, expectRows }) - 1;
    },
  };
}

const noParams: readonly SqlValue[] = [];

/** Writes a batch flat. A write that cannot cross is rejected and leaves the batch. */
function encode(batch: PendingWrite[], shapes: ReturnType<typeof createShapes>): EncodedWrites {
  const operations: SqlValue[] = [];
  for (let index = 0; index < batch.length;) {
    const write = batch[index];
    const begin = operations.length;
    try {
      if (write !== undefined) encodeOne(write.statements, shapes, operations);
      index++;
    } catch (error) {
      operations.length = begin;
      write?.reject(error);
      batch.splice(index, 1);
    }
  }
  return { writes: batch.length, operations };
}

function encodeOne(
  statements: readonly Statement[],
  shapes: ReturnType<typeof createShapes>,
  operations: SqlValue[],
): void {
  operations.push(statements.length);
  for (const { sql, params = noParams, expectRows = -1 } of statements) {
    operations.push(shapes.numberOf(sql, params.length, expectRows));
    for (const param of params) {
      checkParam(param);
      operations.push(param);
    }
  }
}

/** A value that cannot cross to the thread, or that SQLite cannot hold, would fail its neighbours with it. */
function checkParam(param: unknown): void {
  const type = typeof param;
  if (type === "string" || type === "number" || param === null || type === "bigint") return;
  if (param instanceof Uint8Array) return;
  throw storageErrors.create("database_failed", `A parameter of type ${type} cannot be stored.`);
}

const oneChange: StatementResult = { changes: 1, rows: [] };
const oneResult: readonly StatementResult[] = [oneChange];

function settle(batch: readonly PendingWrite[], { changes, rows, failures }: BatchResult): void {
  let at = 0;
  for (const [index, { statements, resolve, reject }] of batch.entries()) {
    const failure = failures?.get(index);
    if (failure) {
      reject(fromFailure(failure));
      continue;
    }
    const first = at;
    at += statements.length;
    if (changes === undefined && rows === undefined) {
      resolve(statements.length === 1 ? oneResult : statements.map(() => oneChange));
      continue;
    }
    resolve(
      statements.map((_, offset) => ({
        changes: changes?.[first + offset] ?? 1,
        rows: rows?.get(first + offset) ?? [],
      })),
    );
  }
}
