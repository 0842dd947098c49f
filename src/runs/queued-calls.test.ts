import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "../storage/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import { createRuns, workflow } from "./index.ts";
import type { RunEvent } from "./index.ts";

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-queued-calls-"));
  database = await sqlite({ path: join(folder, "atlas.db") });
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const double = workflow({ name: "double", run: async (_, value: number) => value * 2 });
const queue = "work";

test("a child goes through a queue, and its outcome is the caller's", async () => {
  await using runs = await createRuns({ database });
  runs.register(double);
  const parent = workflow({
    name: "parent",
    run: async (context) => await Promise.all([1, 2, 3].map((value) => context.call(double, value, { queue }))),
  });
  const run = await runs.start(parent, null);
  expect(await run.result()).toEqual([2, 4, 6]);
  const children = await runs.list({ parentId: run.id });
  expect(children.map((child) => [child.queue, child.status])).toEqual(
    Array.from({ length: 3 }, () => [queue, "completed"]),
  );
});

test("callers and children share a queue that lets one run at a time", async () => {
  await using runs = await createRuns({ database });
  runs.register(double);
  const parent = workflow({
    name: "parent",
    run: async (context, value: number) => (await context.call(double, value, { queue })) + 1,
  });
  await runs.queues.limit(queue, { concurrency: 1 });
  const started = await runs.startMany([1, 2, 3].map((input) => ({ workflow: parent, input, options: { queue } })));
  expect(await Promise.all(started.map((run) => run.result()))).toEqual([3, 5, 7]);
});

test("a failed child fails the call with its error, once its attempts are used up", async () => {
  await using runs = await createRuns({ database });
  let tries = 0;
  const broken = workflow({
    name: "broken",
    run: () => {
      tries++;
      return Promise.reject(new Error("no luck"));
    },
  });
  runs.register(broken);
  const parent = workflow({
    name: "parent",
    run: async (context) =>
      await context.call(broken, null, { queue, retry: { attempts: 2, minDelayMs: 1, maxDelayMs: 2 } }),
  });
  await expect((await runs.start(parent, null)).result()).rejects.toThrow("no luck");
  expect(tries).toBe(2);
});

test("a caller that is taken up again waits for the child that it had called, and calls it once", async () => {
  const gate = Promise.withResolvers<number>();
  const slow = workflow({ name: "slow", run: async () => await gate.promise });
  const parent = workflow({ name: "parent", run: async (context) => await context.call(slow, null, { queue }) });
  let id: string;
  {
    // Nobody here takes anything from a queue.
    await using runs = await createRuns({ database, worker: false });
    const run = await runs.start(parent, null);
    id = run.id;
    for await (const event of run.events()) if (event.type === "call.started") break;
    await expect.poll(async () => (await run.record()).status).toBe("waiting");
  }
  await using runs = await createRuns({ database });
  runs.register(parent);
  runs.register(slow);
  const run = await runs.resume(id);
  gate.resolve(7);
  expect(await run.result()).toBe(7);
  const log: RunEvent[] = await Array.fromAsync(run.events());
  expect(log.filter(({ type }) => type === "call.started")).toHaveLength(1);
  expect(await runs.list({ parentId: id })).toHaveLength(1);
});

test("a cancel of the caller cancels a child that still waits in its queue", async () => {
  await using runs = await createRuns({ database, worker: false });
  const parent = workflow({ name: "parent", run: async (context) => await context.call(double, 1, { queue }) });
  const run = await runs.start(parent, null);
  for await (const event of run.events()) if (event.type === "call.started") break;
  await run.cancel("enough");
  const [child] = await runs.list({ parentId: run.id });
  expect(child?.status).toBe("cancelled");
});

test("a retry policy or a priority without a queue is refused", async () => {
  await using runs = await createRuns({ database });
  const parent = workflow({ name: "parent", run: async (context) => await context.call(double, 1, { priority: 3 }) });
  await expect((await runs.start(parent, null)).result()).rejects.toMatchObject({ code: "invalid_input" });
});

test("a child whose worker dies is given to another one, while its caller waits", async () => {
  const begun = Promise.withResolvers<void>();
  let times = 0;
  const fragile = workflow({
    name: "fragile",
    run: async (context) => {
      begun.resolve();
      return times++ === 0 ? await context.waitFor("never") : "done";
    },
  });
  const parent = workflow({ name: "parent", run: async (context) => await context.call(fragile, null, { queue }) });
  await using caller = await createRuns({ database, worker: false });
  caller.register(fragile);
  const run = await caller.start(parent, null);
  await using dying = await createRuns({ database });
  dying.register(fragile);
  await begun.promise;
  // As the others see a process that was killed.
  const owned = { sql: "SELECT owner FROM run WHERE workflow = 'fragile'" };
  await database.write([
    { sql: "UPDATE run_owner SET beat = 0 WHERE id = ?", params: [String((await database.read(owned))[0]?.["owner"])] },
  ]);
  await using other = await createRuns({ database });
  other.register(fragile);
  expect(await run.result()).toBe("done");
});
