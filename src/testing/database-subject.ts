import assert from "node:assert/strict";
import { isAtlasError } from "../base/index.ts";
import type { Database, SqlValue, Statement } from "../storage/index.ts";

/** Is one empty store. Each `open` connects to it anew, as another process would; the subject's end closes what was opened. */
export interface DatabaseSubject {
  open(): Promise<Database>;
}

/** Makes a table of items. */
export const createItems = "CREATE TABLE items(id INTEGER PRIMARY KEY, value TEXT)";

/** Opens a store and makes the table of items. */
export async function openItems(subject: DatabaseSubject): Promise<Database> {
  const database = await subject.open();
  await database.write([{ sql: createItems }]);
  return database;
}

/** Gives the statement that inserts an item. */
export function insert(id: number, value = ""): Statement {
  return { sql: "INSERT INTO items(id, value) VALUES(?, ?)", params: [id, value] };
}

/** Reads the ids of all items, in order. */
export async function idsOf(database: Database): Promise<readonly SqlValue[]> {
  const rows = await database.read({ sql: "SELECT id FROM items ORDER BY id" });
  return rows.map((row) => Number(row["id"]));
}

/** Checks that work fails with a code. */
export async function failsWith(code: string, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert(isAtlasError(error), `Expected the error ${code} and got ${String(error)}.`);
    assert.equal(error.code, code);
    return true;
  });
}

/** Makes values that can be compared. */
export function plain(value: SqlValue | undefined): unknown {
  if (value instanceof Uint8Array) return [...value.subarray(0, 10), value.length];
  return typeof value === "bigint" ? Number(value) : value;
}
