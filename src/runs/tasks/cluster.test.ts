import { afterAll, beforeAll, expect, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { silentLogger } from "../../telemetry/index.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import { croner } from "../adapters/croner.ts";
import { pgBossQueue } from "../adapters/pg-boss.ts";
import type { RunHandle, Runs, RunsOptions } from "../index.ts";
import { createRuns, workflow } from "../index.ts";

let server: PostgresServer;
let url: string;
const engines = new AsyncDisposableStack();
beforeAll(async () => {
  server = await startPostgres();
  url = await server.createDatabase("tasks");
}, 60_000);
afterAll(async () => {
  await engines.disposeAsync();
  await server[Symbol.asyncDispose]();
}, 60_000);

let works = false;
const done = workflow({ name: "done", run: async (context) => await context.step("s", () => "done") });
const flaky = workflow({
  name: "flaky",
  retry: { attempts: 2, minDelayMs: 0 },
  run: async (context) => {
    if (!works) throw new Error("not yet");
    return context.attempt;
  },
});

async function open(options: Partial<RunsOptions> = {}): Promise<Runs> {
  const database = engines.use(await postgres({ url }));
  const queue = engines.use(pgBossQueue({ database, logger: silentLogger }));
  const calendar = () => Promise.resolve(croner());
  const runs = engines.use(await createRuns({ database, queue, calendar, ...options }));
  for (const each of [done, flaky]) runs.register(each);
  return runs;
}

async function statusOf(run: RunHandle | undefined): Promise<string> {
  await run?.result().catch(() => {});
  return (await run?.record())?.status ?? "none";
}

it("what a dead owner claims after it was released and forgotten is released again", async () => {
  const starter = await open({ worker: false });
  const run = await starter.start(done, null, { queue: "late" });
  const database = engines.use(await postgres({ url }));
  const queue = engines.use(pgBossQueue({ database, logger: silentLogger }));
  const limits = { concurrency: Infinity, perTenant: Infinity, tenants: {}, perWorkflow: {} };
  const request = { queue: "late", limit: 1, owner: "own_forgotten", workflows: ["done"], ...limits };
  while ((await queue.claim(request)).length === 0);
  const worker = await open();
  expect(await (await worker.open(run.id)).result()).toBe("done");
}, 30_000);

it("everything that waits goes alike on a cluster: dependencies, retries, dead letters, purges and schedules", async () => {
  const runs = await open();
  const queue = "q";
  const [first, bad, failed, skipped, waiting, behind] = await runs.startMany([
    { ref: "first", workflow: done, input: null, options: { queue, tenant: "a", priority: 3 } },
    { ref: "bad", workflow: flaky, input: null, needs: ["first"], options: { queue, tenant: "b" } },
    { workflow: done, input: null, needs: ["bad"], options: { queue } },
    { workflow: done, input: null, needs: ["bad"], options: { queue, after: { runs: [], onFailure: "skip" } } },
    {
      ref: "w",
      workflow: done,
      input: null,
      needs: ["bad"],
      options: { queue, after: { runs: [], onFailure: "wait" } },
    },
    { workflow: done, input: null, needs: ["w"], options: { queue, startAt: Date.now() + 500 } },
  ]);
  expect(await first?.result()).toBe("done");
  expect(await statusOf(bad)).toBe("failed");
  expect(await bad?.record()).toMatchObject({ attempt: 2, dead: true });
  expect(await statusOf(failed)).toBe("failed");
  expect(await statusOf(skipped)).toBe("skipped");
  expect(await runs.queues.show(queue)).toMatchObject({ blocked: 2, dead: 2 });
  works = true;
  expect((await runs.deadLetters.list({ code: "internal_error" })).map(({ id }) => id)).toEqual([bad?.id]);
  const [again = ""] = await runs.deadLetters.redrive({ workflow: "flaky" });
  expect(await (await runs.open(again)).result()).toBe(3);
  expect(await waiting?.result()).toBe("done");
  expect(await behind?.result()).toBe("done");
  expect(await runs.deadLetters.purge({})).toBe(1);

  const keyed = await Promise.all(
    [1, 2, 3].map(() => runs.start(done, null, { queue: "later", key: "k", startAt: Date.now() + 1e6 })),
  );
  expect(new Set(keyed.map(({ id }) => id)).size).toBe(1);
  await runs.startMany(
    Array.from({ length: 300 }, () => ({
      workflow: done,
      input: null,
      options: { queue: "later", startAt: Date.now() + 1e6 },
    })),
  );
  expect(await runs.queues.show("later")).toMatchObject({ delayed: 301 });
  expect(await runs.queues.purge("later")).toBe(301);

  await open();
  await runs.schedules.set({ name: "tick", workflow: "done", input: null, cron: "* * * * * *", queue: "ticks" });
  let fired: readonly (string | undefined)[] = [];
  while (fired.length < 2) fired = (await runs.list({ queue: "ticks" })).map(({ key }) => key);
  await runs.schedules.remove("tick");
  expect(new Set(fired).size).toBe(fired.length);
  await runs.prune();
}, 60_000);
