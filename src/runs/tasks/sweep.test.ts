import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { createRuns, workflow } from "../index.ts";
import type { Queue } from "../index.ts";
import { databaseQueue } from "../queue/database-queue.ts";

const done = workflow({ name: "done", run: async () => "done" });

it("a run whose ticket was lost is offered again when an engine opens, and so are those behind the first page or with a time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-sweep-"));
  const database = await sqlite({ path: join(folder, "atlas.db") });
  const offered = new Set<string>();
  const sound = databaseQueue(database);
  // A queue of which nothing is known but that it loses what it is offered.
  const losing: Queue = {
    offer(tickets) {
      for (const { runId } of tickets) offered.add(runId);
      return Promise.resolve();
    },
    claim: () => Promise.resolve([]),
    settle: () => Promise.resolve(),
    withdraw: () => Promise.resolve(),
    release: () => Promise.resolve(),
    onReady: (ready) => sound.onReady(ready),
    [Symbol.asyncDispose]: () => sound[Symbol.asyncDispose](),
  };
  const starter = await createRuns({ database, queue: losing, worker: false });
  const many = Array.from({ length: 1_200 }, (_, n) => ({
    workflow: done,
    input: n,
    options: { queue: n % 3 === 0 ? "a" : "b", ...(n % 2 === 0 ? { startAt: Date.now() + 30_000 } : {}) },
  }));
  const made = (await starter.startMany(many)).map(({ id }) => id);
  offered.clear();

  const engine = await createRuns({ database, queue: losing });
  for (let name = 0; offered.size < 1_200; name++) {
    engine.register(workflow({ name: `more ${name}`, run: async () => null }));
    await database.read({ sql: "SELECT 1" });
  }
  expect(offered).toEqual(new Set(made));
  await engine[Symbol.asyncDispose]();
  await starter[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
