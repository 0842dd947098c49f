import { describe, expect, it } from "vitest";
import { database, events, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import { workflow } from "../index.ts";

useEngine();

const done = workflow({ name: "done", run: async () => "done" });
const waits = workflow({ name: "waits", run: async (context) => await context.step("s", () => started.promise) });
const fails = workflow({ name: "fails", run: () => Promise.reject(new Error("no")) });
let started = Promise.withResolvers<string>();
const none = { paused: false, limits: {}, ready: 0, delayed: 0, blocked: 0, running: 0, dead: 0 };

describe("a queue", () => {
  it("tells how many of its runs wait, run and are dead", async () => {
    const dead = await runs.start(fails, null, { queue: "a" });
    await dead.result().catch(() => {});
    const running = await runs.start(waits, null, { queue: "a" });
    for await (const event of running.events()) if (event.type === "run.claimed") break;
    await runs.queues.pause("a");
    await runs.start(done, null, { queue: "a" });
    await runs.start(done, null, { queue: "a", startAt: Date.now() + 1_000_000 });
    await runs.start(done, null, { queue: "a", after: { runs: [running.id] } });
    const a = { ...none, name: "a", paused: true, ready: 1, delayed: 1, blocked: 1, running: 1, dead: 1 };
    expect(await runs.queues.show("a")).toEqual(a);
    await runs.queues.limit("b", { concurrency: 2 });
    expect(await runs.queues.list()).toEqual([a, { ...none, name: "b", limits: { concurrency: 2 } }]);
    expect(await runs.queues.show("unnamed")).toEqual({ ...none, name: "unnamed" });
    started.resolve("go");
    started = Promise.withResolvers();
  });

  it("forgets the turns of what is purged: who had a long backlog does not wait for it", async () => {
    await restart({ worker: false });
    const start = async (tenant: string) => await runs.start(done, null, { queue: "q", tenant });
    for (let count = 0; count < 5; count++) await start("long");
    expect(await runs.queues.purge("q")).toBe(5);
    const made = [await start("other"), await start("other"), await start("long")];
    const turns = await database.read({ sql: "SELECT id FROM run WHERE status = 'queued' ORDER BY turn, id" });
    expect(turns.map((row) => row["id"])).toEqual([made[0]?.id, made[2]?.id, made[1]?.id]);
  });

  it("counts many ready runs without reading their rows", async () => {
    const sql = `EXPLAIN QUERY PLAN SELECT queue, count(*) FROM run
      WHERE status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL GROUP BY queue`;
    expect((await database.read({ sql })).map((row) => row["detail"])).toEqual([
      "SCAN run USING COVERING INDEX run_ready",
    ]);
  });

  it("lets a run that was paused while it waited for another one go on when both are let go", async () => {
    const first = await runs.start(waits, null, { queue: "q" });
    const second = await runs.start(done, null, { queue: "q", after: { runs: [first.id] } });
    const third = await runs.start(done, null, { queue: "q", after: { runs: [first.id] } });
    await second.pause();
    await third.pause();
    expect(await third.resume()).toMatchObject({ status: "blocked", paused: false });
    started.resolve("go");
    started = Promise.withResolvers();
    expect(await third.result()).toBe("done");
    expect(await second.record()).toMatchObject({ status: "queued", paused: true });
    await second.resume();
    expect(await second.result()).toBe("done");
  });

  it("gives out no runs while it is paused, and goes on at once when it is resumed", async () => {
    await runs.queues.pause("q");
    const run = await runs.start(done, null, { queue: "q" });
    const elsewhere = await runs.start(done, null, { queue: "other" });
    expect(await elsewhere.result()).toBe("done");
    expect(await run.record()).toMatchObject({ status: "queued" });
    await runs.queues.resume("q");
    expect(await run.result()).toBe("done");
  });

  it("gives out more at once when its limit is raised", async () => {
    await runs.queues.limit("q", { concurrency: 0 });
    const run = await runs.start(done, null, { queue: "q" });
    await runs.queues.limit("q", { concurrency: 1 });
    expect(await run.result()).toBe("done");
  });

  it("is purged of what has not begun, in batches, and what depends on that is told", async () => {
    await restart({ worker: false });
    const many = Array.from({ length: 450 }, () => ({ workflow: done, input: null, options: { queue: "q" } }));
    const [first] = await runs.startMany(many);
    const chained = await runs.start(done, null, { queue: "q", after: { runs: [first?.id ?? ""] } });
    const behind = await runs.start(done, null, { queue: "b", after: { runs: [first?.id ?? ""], onFailure: "skip" } });
    expect(await runs.queues.purge("q")).toBe(451);
    expect(await chained.record()).toMatchObject({ status: "cancelled" });
    expect(await first?.record()).toMatchObject({ status: "cancelled", error: { code: "run_cancelled" }, dead: false });
    await expect(behind.result()).rejects.toMatchObject({ code: "dependency_failed" });
    expect((await events(behind)).map(({ type }) => type)).toEqual(["run.started", "run.skipped"]);
    expect(await runs.queues.purge("q")).toBe(0);
  });

  it.each([
    { concurrency: -1 },
    { perTenant: 0.5 },
    { tenants: { a: -1 } },
    { weights: { a: 0 } },
    { tenants: { "": 1 } },
  ])("refuses the limits %j", async (limits) => {
    await expect(runs.queues.limit("q", limits)).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("refuses a name that is none", async () => {
    await expect(runs.queues.pause("a/b")).rejects.toMatchObject({ code: "invalid_input" });
    await expect(runs.queues.show("")).rejects.toMatchObject({ code: "invalid_input" });
  });
});
