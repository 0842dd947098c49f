import { afterAll, beforeAll, describe, it } from "vitest";
import { startPglite } from "../../../test/lib/pglite.ts";
import type { PgliteServer } from "../../../test/lib/pglite.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import type { Database } from "../../storage/index.ts";
import { silentLogger } from "../../telemetry/index.ts";
import { queueContract, registerContract } from "../../testing/index.ts";
import type { QueueSubject } from "../../testing/index.ts";
import type { Queue } from "../queue/queue.ts";
import { runMigrations } from "../schema.ts";
import { pgBossQueue } from "./pg-boss.ts";

let server: PgliteServer;
beforeAll(async () => void (server = await startPglite()), 120_000);
afterAll(async () => await server[Symbol.asyncDispose]());

/** Empties the tables and leaves them: to make those of pg-boss anew for each case takes longer than the cases. */
const empty = `DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('public', 'atlas_queue') AND tablename NOT IN ('version', 'atlas_migration')
  LOOP EXECUTE 'TRUNCATE ' || one || ' CASCADE'; END LOOP; END $$`;

async function makeSubject(): Promise<QueueSubject & AsyncDisposable> {
  const opened: { readonly queue: Queue; readonly database: Database }[] = [];
  return {
    async open() {
      const database = await postgres({ url: server.url, poolSize: 2 });
      await database.migrate("runs", runMigrations);
      if (opened.length === 0) await database.query(empty);
      const queue = pgBossQueue({ database, logger: silentLogger, backend: "pglite" });
      opened.push({ queue, database });
      return { queue, database };
    },
    async [Symbol.asyncDispose]() {
      for (const { queue, database } of opened) {
        await queue[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      }
    },
  };
}

describe("the queue of pg-boss keeps the contract of a queue on PGlite:", () => {
  registerContract(it, { cases: queueContract, make: makeSubject });
});
