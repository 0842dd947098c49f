import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import type { Database } from "../../src/storage/index.ts";

/** Opens the database that a campaign runs on: a path, or the address of a PostgreSQL server. */
export async function openStorage(storage: string): Promise<Database> {
  return await sqlite({ path: storage });
}
