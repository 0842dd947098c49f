import type { DatabaseCheck, Row, SqlValue } from "../database.ts";

/** Is what the thread that owns a connection is started with. */
export interface SqliteThreadData {
  readonly path: string;
  readonly role: "writer" | "small-writer" | "reader";
  readonly synchronous: "full" | "normal";
  readonly busyTimeoutMs: number;
}

/** Is what is the same in every use of a statement; it crosses to the thread once, and is known by its number from then on. */
export interface StatementShape {
  readonly sql: string;
  readonly paramCount: number;
  /** How many rows it must change; -1 when any number will do. */
  readonly expectRows: number;
}

/**
 * Is some writes, flat so that they cross to a thread cheaply.
 *
 * Shape: `operations` holds, for each write, the number of its statements and for each statement: the number of its shape, then
 * its parameters.
 */
export interface EncodedWrites {
  readonly writes: number;
  readonly operations: readonly SqlValue[];
}

/** Is a batch of writes. `shapes` are those that the connection does not know yet, numbered on from those it knows. */
export interface WriteBatch extends EncodedWrites {
  readonly kind: "write";
  readonly id: number;
  readonly shapes: readonly StatementShape[];
}

/** Is a request to a thread, other than a batch of writes. */
export type ThreadRequest =
  | WriteBatch
  | { readonly kind: "read"; readonly id: number; readonly sql: string; readonly params: readonly SqlValue[] }
  | { readonly kind: "lock"; readonly id: number; readonly name: string }
  | { readonly kind: "unlock"; readonly id: number; readonly name: string }
  | { readonly kind: "isLocked"; readonly id: number; readonly name: string }
  | { readonly kind: "check"; readonly id: number }
  | { readonly kind: "close"; readonly id: number };

/** Is a failure as it crosses from the thread; `code` is one of the storage table. */
export interface ThreadFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, string | number>>;
}

/**
 * Is what a batch did: the changed rows of each statement in order (left out when each changed one), and the rows that
 * RETURNING gave, by statement index.
 */
export interface BatchResult {
  readonly changes: readonly number[] | undefined;
  readonly rows: ReadonlyMap<number, readonly Row[]> | undefined;
  /** Failed writes by their index in the batch; their statements have no entry in `changes`. */
  readonly failures: ReadonlyMap<number, ThreadFailure> | undefined;
}

/** Is the answer to a request. */
export type ThreadReply =
  | { readonly id: number; readonly value: BatchResult | readonly Row[] | DatabaseCheck | boolean | undefined }
  | { readonly id: number; readonly failure: ThreadFailure };
