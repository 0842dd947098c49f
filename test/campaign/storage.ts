import type { Queue } from "../../src/runs/index.ts";
import { isPostgresAddress } from "../../src/storage/index.ts";
import type { Database } from "../../src/storage/index.ts";
import { silentLogger } from "../../src/telemetry/index.ts";

/** Is what runs of a campaign are kept in. */
export interface Storage extends AsyncDisposable {
  readonly database: Database;
  readonly queue?: Queue;
}

/** Opens the storage of a campaign: a file, or a PostgreSQL database with its queue engine. */
export async function openStorage(storage: string): Promise<Storage> {
  await using parts = new AsyncDisposableStack();
  if (!isPostgresAddress(storage)) {
    const { sqlite } = await import("../../src/storage/adapters/sqlite.ts");
    const database = parts.use(await sqlite({ path: storage }));
    const held = parts.move();
    return { database, [Symbol.asyncDispose]: () => held.disposeAsync() };
  }
  const { postgres } = await import("../../src/storage/adapters/postgres.ts");
  const { pgBossQueue } = await import("../../src/runs/adapters/pg-boss.ts");
  const database = parts.use(await postgres({ url: storage }));
  const queue = parts.use(pgBossQueue({ database, logger: silentLogger }));
  const held = parts.move();
  return { database, queue, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
