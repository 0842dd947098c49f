import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createBudget, raceAbort } from "../base/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Database } from "../storage/index.ts";
import { database, events, restart, runs, useEngine } from "../../test/lib/engine.ts";
import { createRuns, workflow } from "./index.ts";
import type { RunHandle, Runs } from "./index.ts";

useEngine();

const stuck = workflow({
  name: "stuck",
  run: async (context) => {
    const first = await context.step("first", () => 1);
    await context.waitFor("go");
    return first;
  },
});

/** Closes the engine, then makes its runs look as those of a process that was killed. */
async function crash(status = "running"): Promise<void> {
  await runs[Symbol.asyncDispose]();
  const sql = "UPDATE run SET owner = 'own_gone', status = ? WHERE finished_at IS NULL AND status <> 'blocked'";
  await database.write([{ sql, params: [status] }]);
}

async function logTypes(run: RunHandle<unknown>): Promise<string[]> {
  return (await Array.fromAsync(run.events({ live: false }))).map(({ type }) => type);
}

/** Waits for what the engine does by itself within the next seconds. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await delay(20);
}

/** Starts runs that wait, and lets their process die. */
async function startAndCrash(count: number, status?: string): Promise<readonly RunHandle<number>[]> {
  const started: RunHandle<number>[] = [];
  for (let n = 0; n < count; n++) started.push(await runs.start(stuck, null));
  for (const run of started) await until(async () => (await logTypes(run)).includes("signal.awaited"));
  await crash(status);
  return started;
}

async function open(run: RunHandle<unknown>, from: Runs = runs): Promise<RunHandle> {
  return await from.open(run.id);
}

describe("a worker", () => {
  it("takes over the runs of a process that died, and only those of workflows and versions it knows", async () => {
    const changed = await runs.start({ ...stuck, name: "changed" }, null);
    const unknown = await runs.start({ ...stuck, name: "unknown" }, null);
    const [run] = await startAndCrash(1);
    await restart();
    runs.register(stuck);
    runs.register({ ...stuck, name: "changed", version: "2" });
    if (!run) return;
    await until(async () => (await logTypes(await open(run))).includes("run.resumed"));
    await run.signal("go");
    expect(await (await open(run)).result()).toBe(1);
    for (const left of [changed, unknown]) expect(await logTypes(await open(left))).not.toContain("run.resumed");
    await expect(runs.resume(changed.id)).rejects.toMatchObject({ code: "version_unknown" });
    runs.register({ ...stuck, name: "unknown", version: "7", accepts: ["1"] });
    expect((await runs.resume(unknown.id)).id).toBe(unknown.id);
  });

  it("leaves paused runs to those who resume them, and children to their parents", async () => {
    const parent = workflow({ name: "parent", run: async (context) => await context.call(stuck, null) });
    const calling = await runs.start(parent, null);
    await until(async () => (await runs.list()).length === 2);
    await runs.start(stuck, null, { tags: { paused: true } });
    await crash();
    await database.write([{ sql: `UPDATE run SET paused = 1 WHERE tags LIKE '%paused%'` }]);
    await restart();
    for (const each of [stuck, parent]) runs.register(each);
    await until(async () => (await logTypes(await open(calling))).includes("run.resumed"));
    const child = (await runs.list({ parentId: calling.id }))[0];
    await until(async () => (await logTypes(await runs.open(child?.id ?? ""))).includes("run.resumed"));
    const paused = (await runs.list({ status: "paused" }))[0];
    expect(paused).toMatchObject({ interrupted: true });
    await (await runs.open(child?.id ?? "")).signal("go");
    expect(await (await open(calling)).result()).toBe(1);
  });

  it("gives queued runs of a dead worker back to their queue", async () => {
    const queued = await runs.start(stuck, null, { queue: "mail", priority: 3 });
    await until(async () => (await logTypes(queued)).includes("signal.awaited"));
    await crash();
    await restart({ worker: { queues: ["other"] } });
    runs.register(stuck);
    await until(async () => (await logTypes(await open(queued))).includes("run.returned"));
    expect(await (await open(queued)).record()).toMatchObject({ status: "queued", priority: 3, interrupted: false });
    await restart();
    runs.register(stuck);
    await queued.signal("go");
    expect(await (await open(queued)).result()).toBe(1);
    const claims = (await events(await open(queued))).filter(({ type }) => type === "run.claimed");
    expect(claims.map(({ data }) => data)).toMatchObject([{ epoch: 1 }, { epoch: 3 }]);
  });

  it("takes up again what it had to stop because the store failed", async () => {
    let broken = false;
    const flaky: Database = {
      ...database,
      write: (statements) => {
        const isStep = statements.some(({ params = [] }) => params.includes("step.completed"));
        return isStep && broken ? Promise.reject(new Error("disk gone")) : database.write(statements);
      },
    };
    await using engine = await createRuns({ database: flaky });
    broken = true;
    const run = await engine.start(workflow({ name: "once", run: (context) => context.step("one", () => 1) }), null);
    await expect(run.result()).rejects.toThrow("disk gone");
    broken = false;
    await until(async () => (await run.record()).status === "completed");
    expect(await logTypes(run)).toEqual(["run.started", "run.resumed", "step.completed", "run.completed"]);
  });

  it.each([
    ["begins", "run.started", undefined],
    ["claims", "run.claimed", "mail"],
    ["takes over", "run.resumed", undefined],
  ])("does not keep what it %s by a commit whose answer never came", async (_, type, queue) => {
    if (type === "run.resumed") await startAndCrash(1);
    let isLost = true;
    const silent: Database = {
      ...database,
      async write(statements) {
        const results = await database.write(statements);
        if (!isLost || !statements.some(({ params = [] }) => params.includes(type))) return results;
        isLost = false;
        throw storageErrors.create("database_unreachable", "Gone.", { details: { outcome: "unknown" } });
      },
    };
    const once = workflow({ name: "stuck", run: (context) => context.step("one", () => 1) });
    await using engine = await createRuns({ database: silent });
    engine.register(once);
    if (type !== "run.resumed") await engine.start(once, null, queue === undefined ? {} : { queue }).catch(() => {});
    await until(async () => (await engine.list()).some(({ status }) => status === "completed"));
    expect(isLost).toBe(false);
  });

  it("follows a run of a dead process until somebody has taken it over", async () => {
    const [run] = await startAndCrash(1);
    await restart();
    runs.register(stuck);
    await using watcher = await createRuns({ database, worker: false });
    if (!run) return;
    const result = (await open(run, watcher)).result();
    await until(async () => (await logTypes(await open(run))).includes("run.resumed"));
    await run.signal("go");
    expect(await result).toBe(1);
  });
});

describe("a run whose processes die", () => {
  it("fails as poisoned after five of them without an outcome, and its parent learns it", async () => {
    const deadly = workflow({
      name: "deadly",
      run: async (context) => {
        const endless = ({ signal }: { readonly signal: AbortSignal }) =>
          raceAbort(new Promise<null>(() => {}), signal);
        return await context.step("fatal", endless);
      },
    });
    const parent = workflow({
      name: "parent",
      run: async (context) => {
        try {
          await context.call(deadly, null);
          return "went well";
        } catch (error) {
          return error instanceof Error && "code" in error ? String(error.code) : "?";
        }
      },
    });
    const calling = await runs.start(parent, null);
    await until(async () => (await runs.list()).length === 2);
    for (let deaths = 0; deaths < 5; deaths++) {
      await crash();
      await restart({ worker: false });
      for (const each of [deadly, parent]) runs.register(each);
      await runs.resume(calling.id);
      const [child] = await runs.list({ workflow: "deadly" });
      const resumed = async () =>
        (await logTypes(await runs.open(child?.id ?? ""))).filter((type) => type === "run.resumed");
      await until(async () => (await resumed()).length > deaths);
    }
    expect(await (await open(calling)).result()).toBe("run_poisoned");
    expect((await runs.list({ workflow: "deadly" }))[0]).toMatchObject({ error: { code: "run_poisoned" } });
  });

  it("is not counted as dying while it only waits", async () => {
    const [run] = await startAndCrash(1, "waiting");
    await restart();
    runs.register(stuck);
    if (!run) return;
    await runs.resume(run.id);
    const log = await Array.fromAsync((await open(run)).events({ live: false }));
    expect(log.find(({ type }) => type === "run.resumed")?.data).toEqual({ epoch: 2 });
    expect(await (await open(run)).record()).toMatchObject({ status: "waiting" });
  });

  it("goes on elsewhere when its function makes a result of being stopped", async () => {
    const calm = workflow({
      name: "calm",
      run: async (context) => await context.waitFor<string>("go").catch(() => "stopped"),
    });
    const run = await runs.start(calm, null);
    await until(async () => (await logTypes(run)).includes("signal.awaited"));
    await restart();
    runs.register(calm);
    expect(await (await open(run)).record()).toMatchObject({ interrupted: true });
    await runs.resume(run.id);
    await run.signal("go", "went on");
    expect(await (await open(run)).result()).toBe("went on");
  });
});

describe("children", () => {
  it("spend below their parent's budget, and are their parent's tenant's", async () => {
    const tenant = createBudget("acme", { maxTokens: 1_000 });
    await restart({ budget: () => tenant });
    const spend = (tokens: number) =>
      workflow({
        name: `spend ${tokens}`,
        run: async ({ budget, tenant: whose }) => {
          await (await budget.reserve({ tokens, costMicroUsd: 0 })).settle({ tokens, costMicroUsd: 0 });
          return whose ?? null;
        },
      });
    const parent = workflow({
      name: "parent",
      run: async (context) => {
        const told = await context.call(spend(60), null);
        await context.call(spend(50), null);
        return told;
      },
    });
    const run = await runs.start(parent, null, { tenant: "acme", budget: { maxTokens: 100 } });
    await expect(run.result()).rejects.toMatchObject({ code: "budget_exceeded" });
    expect(tenant.spent.tokens).toBe(60);
    expect((await runs.list({ tenant: "acme" })).length).toBe(3);
  });
});
