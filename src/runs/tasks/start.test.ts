import { describe, expect, it } from "vitest";
import { z } from "zod";
import { database, inTime, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import { manualClock } from "../../testing/index.ts";
import { workflow } from "../index.ts";

useEngine();

const double = workflow({
  name: "double",
  input: z.number(),
  run: async (context, n) => await context.step("s", () => 2 * n),
});
const waits = workflow({ name: "waits", run: async (context) => await context.waitFor("go") });
const q = { queue: "q" };

describe("a run that is started through a queue", () => {
  it("waits until a worker takes it, then gives its result to whoever started it", async () => {
    await restart({ worker: false });
    const run = await runs.start(double, 4, { queue: "q", priority: 3, tenant: "acme" });
    expect(await run.record()).toMatchObject({ status: "queued", queue: "q", priority: 3, interrupted: false });
    expect(await runs.recover()).toEqual([]);
    await restart();
    runs.register(double);
    expect(await (await runs.open(run.id)).result()).toBe(8);
  });

  it("does not begin before its time", async () => {
    const clock = manualClock();
    await restart({ clock });
    const run = await runs.start(double, 1, { queue: "q", startAt: clock.now() + 5_000 });
    expect(await run.record()).toMatchObject({ status: "queued", dueAt: clock.now() + 5_000 });
    expect(await runs.queues.show("q")).toMatchObject({ delayed: 1, ready: 0 });
    const dueAt = clock.now() + 5_000;
    expect(await inTime(clock, run.result())).toBe(2);
    expect(clock.now()).toBeGreaterThanOrEqual(dueAt);
  });

  it("is refused when its input does not fit, is too long, or its options are wrong, and leaves nothing", async () => {
    await expect(runs.start(double, "x" as unknown as number, q)).rejects.toMatchObject({ code: "invalid_input" });
    const long = runs.start(waits, "x".repeat(16 * 1024 * 1024), q);
    await expect(long).rejects.toThrow("input of waits is 16777218 characters as JSON; the limit is 16777216");
    await expect(runs.start(double, 1, { queue: "q", startAt: 5 })).rejects.toMatchObject({ code: "time_past" });
    await expect(runs.start(double, 1, { priority: 1 })).rejects.toMatchObject({ code: "invalid_input" });
    expect(await runs.list()).toEqual([]);
  });

  it("is found by its key as long as it is unfinished, in its tenant", async () => {
    await restart({ worker: false });
    const first = await runs.start(double, 1, { ...q, key: "k", tenant: "a" });
    const again = await runs.start(double, 2, { ...q, key: "k", tenant: "a" });
    const other = await runs.start(double, 3, { ...q, key: "k", tenant: "b" });
    expect([again.id, again.isNew, other.isNew]).toEqual([first.id, false, true]);
    expect(await first.record()).toMatchObject({ status: "queued", input: 1 });
    await first.cancel();
    expect((await runs.start(double, 4, { ...q, key: "k", tenant: "a" })).isNew).toBe(true);
  });

  it("shares its queue with other tenants by turns, whatever their backlogs", async () => {
    await restart({ worker: false });
    await runs.queues.limit("q", { weights: { b: 2 } });
    const of = (tenant: string, count: number) =>
      runs.startMany(Array.from({ length: count }, () => ({ workflow: double, input: 1, options: { ...q, tenant } })));
    await of("a", 6);
    await of("b", 6);
    const rows = await database.read({ sql: "SELECT tenant FROM run ORDER BY priority DESC, turn, id" });
    const first = rows.slice(0, 6).map((row) => row["tenant"]);
    expect(first.filter((tenant) => tenant === "b")).toHaveLength(4);
  });
});

describe("runs that are started together", () => {
  it("are all accepted, those without a queue beginning at once", async () => {
    const handles = await runs.startMany([
      { workflow: double, input: 1 },
      { workflow: double, input: 2, options: q },
      { workflow: double, input: 3 },
    ]);
    expect(await Promise.all(handles.map((run) => run.result()))).toEqual([2, 4, 6]);
    expect(await runs.startMany([])).toEqual([]);
  });

  it("are none when one is wrong", async () => {
    const wrong = runs.startMany([
      { workflow: double, input: 1 },
      { workflow: double, input: "2", options: q },
    ]);
    await expect(wrong).rejects.toMatchObject({ code: "invalid_input" });
    const cycle = runs.startMany([
      { ref: "a", workflow: double, input: 1, needs: ["b"], options: q },
      { ref: "b", workflow: double, input: 1, needs: ["a"], options: q },
    ]);
    await expect(cycle).rejects.toMatchObject({ code: "dependency_cycle" });
    const unknown = runs.startMany([{ workflow: double, input: 1, options: { ...q, after: { runs: ["run_none"] } } }]);
    await expect(unknown).rejects.toMatchObject({ code: "dependency_unknown", details: { needs: "run_none" } });
    const noQueue = runs.startMany([
      { ref: "a", workflow: double, input: 1, options: q },
      { workflow: double, input: 1, needs: ["a"] },
    ]);
    await expect(noQueue).rejects.toThrow("name the queue that it waits in");
    expect(await runs.list()).toEqual([]);
  });

  it("are one where they have one key, and the others' needs mean that one", async () => {
    const first = await runs.start(waits, null, { ...q, key: "k" });
    const [same, alias, next] = await runs.startMany([
      { ref: "a", workflow: waits, input: null, options: { ...q, key: "k" } },
      { workflow: waits, input: null, options: { ...q, key: "k" } },
      { workflow: double, input: 5, needs: ["a"], options: q },
    ]);
    expect([same?.id, alias?.id, same?.isNew, alias?.isNew, next?.isNew]).toEqual([
      first.id,
      first.id,
      false,
      false,
      true,
    ]);
    expect(await next?.record()).toMatchObject({ status: "blocked" });
    await first.signal("go");
    expect(await next?.result()).toBe(10);
  });

  it("are accepted fast enough in batches", async () => {
    await restart({ worker: false });
    const batch = Array.from({ length: 1_000 }, (_, n) => ({
      workflow: double,
      input: n,
      options: { ...q, tenant: `t${n % 7}` },
    }));
    for (let round = 0; round < 5; round++) await runs.startMany(batch);
    expect(await runs.queues.show("q")).toMatchObject({ ready: 5_000 });
  });
});
