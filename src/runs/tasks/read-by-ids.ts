import type { Database, Row } from "../../storage/index.ts";

const sizes = [1, 8, 64];
const largest = 64;

/**
 * Reads what a query finds for some ids; `(?)` in its SQL stands for them.
 *
 * Cost: one read for each 64 ids. The lists have three lengths only, filled up with the last id, so that statements stay prepared.
 */
export async function readByIds(database: Database, sql: string, ids: readonly string[]): Promise<readonly Row[]> {
  const reads: Promise<readonly Row[]>[] = [];
  for (let from = 0; from < ids.length; from += largest) {
    const some = ids.slice(from, from + largest);
    const size = sizes.find((each) => each >= some.length) ?? largest;
    const params = Array.from({ length: size }, (_, index) => some[index] ?? some.at(-1) ?? "");
    reads.push(database.read({ sql: sql.replace("(?)", `(${params.map(() => "?").join(",")})`), params }));
  }
  return (await Promise.all(reads)).flat();
}
