import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { Database } from "../../storage/index.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { brokenQueues, mustFail, queueContract, registerContract } from "../../testing/index.ts";
import type { QueueSubject } from "../../testing/index.ts";
import { runMigrations } from "../schema.ts";
import { databaseQueue } from "./database-queue.ts";
import type { Queue } from "./queue.ts";

async function makeSubject(wrap: (sound: Queue) => Queue = (sound) => sound): Promise<QueueSubject & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-queue-"));
  const opened: { readonly queue: Queue; readonly database: Database }[] = [];
  return {
    async open() {
      const database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
      await database.migrate("runs", runMigrations);
      const sound = databaseQueue(database);
      opened.push({ queue: sound, database });
      return { queue: wrap(sound), database };
    },
    async [Symbol.asyncDispose]() {
      for (const { queue, database } of opened) {
        await queue[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe("the queue in the database keeps the contract of a queue:", () => {
  registerContract(it, { cases: queueContract, make: () => makeSubject() });
});

describe("the contract of a queue notices one that", () => {
  it.each(brokenQueues)("$name", { timeout: 20_000 }, async ({ wrap, noticedBy }) => {
    await mustFail({ cases: queueContract, make: () => makeSubject(wrap) }, noticedBy);
  });
});
