import { afterAll, beforeAll, describe, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import type { Database } from "../../storage/index.ts";
import { silentLogger } from "../../telemetry/index.ts";
import { brokenQueues, mustFail, queueContract, registerContract } from "../../testing/index.ts";
import type { QueueSubject } from "../../testing/index.ts";
import type { Queue } from "../queue/queue.ts";
import { runMigrations } from "../schema.ts";
import { pgBossQueue } from "./pg-boss.ts";

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(async () => await server[Symbol.asyncDispose]());

async function makeSubject(wrap: (sound: Queue) => Queue = (sound) => sound): Promise<QueueSubject & AsyncDisposable> {
  const url = await server.createDatabase("queue");
  const opened: { readonly queue: Queue; readonly database: Database }[] = [];
  return {
    async open() {
      const database = await postgres({ url });
      await database.migrate("runs", runMigrations);
      const sound = pgBossQueue({ database, logger: silentLogger });
      opened.push({ queue: sound, database });
      return { queue: wrap(sound), database };
    },
    async [Symbol.asyncDispose]() {
      for (const { queue, database } of opened) {
        await queue[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      }
    },
  };
}

describe("the queue of pg-boss keeps the contract of a queue:", () => {
  registerContract(it, { cases: queueContract, make: () => makeSubject() });
});

describe("the contract of a queue notices one on pg-boss that", () => {
  it.each(brokenQueues)("$name", { timeout: 20_000 }, async ({ wrap, noticedBy }) => {
    await mustFail({ cases: queueContract, make: () => makeSubject(wrap) }, noticedBy);
  });
});
