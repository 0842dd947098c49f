import { isDeepStrictEqual } from "node:util";
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { Row, SqlValue } from "../../storage/index.ts";
import { checkpointColumns, metadataOf, tuplesOf } from "./langgraph-rows.ts";
import type { Shelf } from "./langgraph-rows.ts";

const pageSize = 64;

/** Says which checkpoints are listed; what is left out is any. */
export interface Listing {
  readonly thread?: string | undefined;
  readonly namespace?: string | undefined;
  readonly id?: string;
  /** Gives only checkpoints with a lesser id; empty for all. */
  readonly before: string;
  readonly limit?: number;
  /** Gives only checkpoints whose metadata hold these values. */
  readonly filter?: Readonly<Record<string, unknown>>;
}

/** Lists checkpoints, the latest first. Cost: a page at a time; the values of those that the filter leaves out are not read. */
export async function* listCheckpoints(shelf: Shelf, listing: Listing): AsyncGenerator<CheckpointTuple> {
  let left = listing.limit ?? Number.POSITIVE_INFINITY;
  let after: Row | undefined;
  while (left > 0) {
    const rows = await readPage(shelf, listing, {
      after,
      size: listing.filter === undefined ? Math.min(pageSize, left) : pageSize,
    });
    const fitting = listing.filter === undefined ? rows : await filtered(shelf, rows, listing.filter);
    const taken = fitting.slice(0, left);
    yield* await tuplesOf(shelf, taken);
    left -= taken.length;
    after = rows.at(-1);
    if (rows.length < Math.min(pageSize, left + taken.length)) return;
  }
}

async function readPage(
  { database }: Shelf,
  { thread, namespace, id, before }: Listing,
  { after, size }: { readonly after: Row | undefined; readonly size: number },
): Promise<readonly Row[]> {
  const tests: string[] = [];
  const params: SqlValue[] = [];
  const test = (sql: string, ...values: readonly SqlValue[]): void => {
    tests.push(sql);
    params.push(...values);
  };
  if (thread !== undefined) test("thread = ?", thread);
  if (namespace !== undefined) test("namespace = ?", namespace);
  if (id !== undefined) test("id = ?", id);
  if (before !== "") test("id < ?", before);
  if (after !== undefined)
    test("(id, thread, namespace) < (?, ?, ?)", after["id"] ?? "", after["thread"] ?? "", after["namespace"] ?? "");
  const where = tests.length === 0 ? "" : `WHERE ${tests.join(" AND ")}`;
  const sql = `SELECT ${checkpointColumns} FROM langgraph_checkpoint ${where} ORDER BY id DESC, thread DESC, namespace DESC LIMIT ?`;
  return await database.read({ sql, params: [...params, size] });
}

async function filtered(
  shelf: Shelf,
  rows: readonly Row[],
  filter: NonNullable<Listing["filter"]>,
): Promise<readonly Row[]> {
  const wanted = Object.entries(filter).filter(([, value]) => value !== undefined);
  const metadata = await Promise.all(rows.map((row) => metadataOf(shelf, row)));
  return rows.filter((_, index) => wanted.every(([key, value]) => isDeepStrictEqual(metadata[index]?.[key], value)));
}
