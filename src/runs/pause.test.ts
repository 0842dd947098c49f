import { describe, expect, it } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { createRuns, workflow } from "./index.ts";
import type { RunContext, RunHandle } from "./index.ts";

useEngine();

/** Makes a function that does three steps, the first of which lasts until it is let go. */
function threeSteps(name = "three") {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const done: string[] = [];
  const flow = workflow({
    name,
    run: async (context: RunContext) => {
      await context.step("one", async () => {
        begun.resolve();
        await go.promise;
        done.push("one");
      });
      await context.step("two", () => void done.push("two"));
      return await context.step("three", () => {
        done.push("three");
        return done.length;
      });
    },
  });
  return { flow, begun: begun.promise, go: go.resolve, done };
}

const typesOf = async (run: RunHandle<unknown>): Promise<string[]> =>
  (await Array.fromAsync(run.events({ live: false }))).map(({ type }) => type);

describe("a pause", () => {
  it("lets what is under way end, begins nothing more until the resume, and stands in the log", async () => {
    const { flow, begun, go, done } = threeSteps();
    const run = await runs.start(flow, null);
    await begun;
    expect(await run.pause()).toMatchObject({ paused: true, status: "running" });
    expect((await runs.list({ status: "paused" })).map(({ id }) => id)).toEqual([run.id]);
    go();
    await until(run, "step.completed");
    expect([done, await typesOf(run)]).toEqual([["one"], ["run.started", "run.paused", "step.completed"]]);
    expect(await run.pause()).toMatchObject({ paused: true });
    expect(await run.resume()).toMatchObject({ paused: false });
    expect(await run.result()).toBe(3);
    expect((await events(run)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect((await typesOf(run)).filter((type) => type.startsWith("run."))).toEqual([
      "run.started",
      "run.paused",
      "run.unpaused",
      "run.completed",
    ]);
    await expect(run.pause()).rejects.toMatchObject({ code: "run_finished" });
    await expect(run.resume()).rejects.toMatchObject({ code: "run_finished" });
  });

  it("ends no sleep and takes no signal", async () => {
    const clock = manualClock();
    const engine = await createRuns({ database, clock });
    const flow = workflow({
      name: "waits",
      run: async (context) => await Promise.all([context.sleep(1_000), context.waitFor("go", { timeoutMs: 5_000 })]),
    });
    const run = await engine.start(flow, null);
    await clock.waitForSleepers(2);
    await run.pause();
    await run.signal("go", "in time");
    await clock.advance(10_000);
    expect(await typesOf(run)).not.toContain("timer.fired");
    expect(await typesOf(run)).not.toContain("signal.received");
    await run.resume();
    expect(await run.result()).toEqual([null, "in time"]);
    await engine[Symbol.asyncDispose]();
  });

  it("reaches the children, and those that are started while it lasts", async () => {
    const child = workflow({ name: "child", run: async (context, n: number) => await context.step("work", () => n) });
    const inner = Promise.withResolvers<void>();
    const parent = workflow({
      name: "parent",
      run: async (context) => {
        const waits = context.call(waiting, null);
        await context.step("hold", () => inner.promise);
        return [await waits, await context.call(child, 2)];
      },
    });
    const waiting = workflow({ name: "waiting", run: async (context) => await context.waitFor("go") });
    const run = await runs.start(parent, null);
    await until(run, "call.started");
    await run.pause();
    const [paused] = await runs.list({ parentId: run.id });
    expect(paused?.paused).toBe(true);
    if (paused) await (await runs.open(paused.id)).signal("go", 1);
    inner.resolve();
    await until(run, "step.completed");
    expect(await runs.list({ parentId: run.id })).toHaveLength(1);
    await run.resume();
    expect(await run.result()).toEqual([1, 2]);
    expect((await runs.list({ parentId: run.id })).every((each) => !each.paused)).toBe(true);
  });

  it("outlives the process, is not taken up, and ends with a resume by anyone", async () => {
    const { flow, begun, go, done } = threeSteps();
    const run = await runs.start(flow, null);
    await begun;
    await run.pause();
    go();
    await until(run, "step.completed");
    await restart();
    runs.register(flow);
    expect(await runs.recover()).toEqual([]);
    const again = await runs.open(run.id);
    expect(await again.record()).toMatchObject({ paused: true, interrupted: true });
    await again.resume();
    await again.result();
    expect(done).toEqual(["one", "two", "three"]);
  });

  it("reaches a run of another engine, as does the resume", async () => {
    const { flow, begun, go, done } = threeSteps();
    const other = await createRuns({ database });
    const run = await other.start(flow, null);
    await begun;
    const seen = await runs.open(run.id);
    await seen.pause();
    go();
    await until(seen, "step.completed");
    expect(await seen.record()).toMatchObject({ paused: true });
    expect(done).toEqual(["one"]);
    await seen.resume();
    expect(await run.result()).toBe(3);
    await other[Symbol.asyncDispose]();
  });

  it("keeps a run in its queue, and one that waits for it", async () => {
    await restart({ worker: false });
    const quick = workflow({ name: "quick", run: async (context, n: number) => await context.step("n", () => n) });
    const [first, second] = await runs.startMany([
      { ref: "a", workflow: quick, input: 1, options: { queue: "q" } },
      { ref: "b", workflow: quick, input: 2, needs: ["a"], options: { queue: "q" } },
    ]);
    expect(await first?.pause()).toMatchObject({ status: "queued", paused: true });
    expect(await second?.pause()).toMatchObject({ status: "blocked", paused: true });
    const worker = await createRuns({ database });
    worker.register(quick);
    const other = await worker.start(quick, 3, { queue: "q" });
    expect(await other.result()).toBe(3);
    expect(await first?.record()).toMatchObject({ status: "queued" });
    expect(await first?.resume()).toMatchObject({ paused: false });
    expect(await first?.result()).toBe(1);
    expect(await second?.record()).toMatchObject({ paused: true });
    await second?.resume();
    expect(await second?.result()).toBe(2);
    await worker[Symbol.asyncDispose]();
  });

  it("does not keep a cancel away", async () => {
    const { flow, begun, go } = threeSteps();
    const run = await runs.start(flow, null);
    await begun;
    await run.pause();
    go();
    await until(run, "step.completed");
    expect(await run.cancel()).toMatchObject({ status: "cancelled" });
  });
});

describe("a race with the end of a run", () => {
  it.each([
    ["cancel", async (run: RunHandle<unknown>) => await run.cancel()],
    ["pause", async (run: RunHandle<unknown>) => await run.pause()],
    ["signal", async (run: RunHandle<unknown>) => await run.signal("go")],
  ] as const)("of a %s has one outcome, 350 times", { timeout: 120_000 }, async (name, ask) => {
    const flow = workflow({
      name: `race-${name}`,
      run: async (context) => {
        await context.step("one", () => 1);
        return await context.step("two", () => 2);
      },
    });
    const outcomes = new Set<string>();
    for (let n = 0; n < 350; n++) {
      const run = await runs.start(flow, null);
      for (let turn = 0; turn < n % 12; turn++) await new Promise(setImmediate);
      const asked = await ask(run).then(
        () => "done",
        (error: { code: string }) => error.code,
      );
      let record = await run.record();
      if (record.paused && record.finishedAt === undefined) await run.resume().catch(() => {});
      await run.result().catch(() => {});
      record = await run.record();
      outcomes.add(`${asked} ${record.status}`);
      const log = await events(run);
      expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
      const ends = log.filter(({ type }) => ["run.completed", "run.cancelled", "run.failed"].includes(type));
      expect(ends.map(({ type }) => type)).toEqual([`run.${record.status}`]);
      expect(log.at(-1)?.type).toBe(`run.${record.status}`);
    }
    const possible =
      name === "cancel" ? ["done completed", "done cancelled"] : ["done completed", "run_finished completed"];
    expect(possible).toEqual(expect.arrayContaining([...outcomes]));
  });
});
