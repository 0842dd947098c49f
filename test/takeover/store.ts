import { pgBossQueue } from "../../src/runs/adapters/pg-boss.ts";
import type { Queue } from "../../src/runs/index.ts";
import { postgres } from "../../src/storage/adapters/postgres.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import type { Database } from "../../src/storage/index.ts";
import { silentLogger } from "../../src/telemetry/index.ts";

/** Is a database with the queue that goes with it. */
export interface Store extends AsyncDisposable {
  readonly database: Database;
  readonly queue?: Queue;
}

/** Opens what is at an address: a file, or a PostgreSQL server. */
export async function openStore(address: string): Promise<Store> {
  if (!address.startsWith("postgres:")) {
    const database = await sqlite({ path: address });
    return { database, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
  }
  const database = await postgres({ url: address });
  const queue = pgBossQueue({ database, logger: silentLogger });
  return {
    database,
    queue,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
