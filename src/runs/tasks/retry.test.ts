import { describe, expect, it } from "vitest";
import { events, inTime, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import { baseErrors } from "../../base/index.ts";
import { manualClock } from "../../testing/index.ts";
import { workflow } from "../index.ts";

useEngine();

/** Makes a workflow whose second step fails until its `attempts`-th attempt, with a record of what was done. */
function flaky(attempts: number, fail: () => Error = () => new Error("not yet")) {
  const done: string[] = [];
  const flow = workflow({
    name: "flaky",
    retry: { attempts: 3, minDelayMs: 0 },
    run: async (context) => {
      await context.step("first", () => void done.push("first"));
      await context.step("second", () => {
        done.push(`second ${context.attempt}`);
        if (context.attempt < attempts) throw fail();
      });
      return context.attempt;
    },
  });
  return { flow, done };
}

describe("a queued run that fails", () => {
  it("is tried again, and does only the step again that failed", async () => {
    const { flow, done } = flaky(3);
    const run = await runs.start(flow, null, { queue: "q" });
    expect(await run.result()).toBe(3);
    expect(done).toEqual(["first", "second 1", "second 2", "second 3"]);
    expect(await run.record()).toMatchObject({ status: "completed", attempt: 3, dead: false });
    const retried = (await events(run)).filter(({ type }) => type === "run.retried");
    expect(retried.map(({ data }) => data)).toMatchObject([
      { attempt: 2, forget: ["second"], error: { message: "not yet" } },
      { attempt: 3, forget: ["second"] },
    ]);
  });

  it("fails for good when its attempts are used up, and is a dead letter then", async () => {
    const { flow, done } = flaky(9);
    const run = await runs.start(flow, null, { queue: "q", retry: { attempts: 2, minDelayMs: 0 } });
    await expect(run.result()).rejects.toThrow("not yet");
    expect(done).toHaveLength(3);
    expect(await run.record()).toMatchObject({ status: "failed", attempt: 2, dead: true });
  });

  it("is not tried again when its error says that this would not help", async () => {
    const { flow, done } = flaky(9, () => baseErrors.create("invalid_input", "Never."));
    const run = await runs.start(flow, null, { queue: "q" });
    await expect(run.result()).rejects.toThrow("Never.");
    expect(done).toEqual(["first", "second 1"]);
    expect(await run.record()).toMatchObject({ dead: true, attempt: 1 });
  });

  it("waits before it is tried again, for a time that the policy bounds", async () => {
    const clock = manualClock();
    await restart({ clock, random: { next: () => 0.5 } });
    const begun = clock.now();
    const { flow, done } = flaky(2);
    const run = await runs.start(flow, null, { queue: "q", retry: { attempts: 2, minDelayMs: 10_000 } });
    for await (const event of run.events()) if (event.type === "run.retried") break;
    expect(await run.record()).toMatchObject({ status: "queued", attempt: 2, dueAt: clock.now() + 5_000 });
    expect(done).toHaveLength(2);
    expect(await inTime(clock, run.result())).toBe(2);
    expect(clock.now() - begun).toBeGreaterThanOrEqual(5_000);
  });

  it("is no dead letter when it was not started through a queue, and is not tried again", async () => {
    const { flow } = flaky(2);
    const run = await runs.start(flow, null);
    await expect(run.result()).rejects.toThrow("not yet");
    expect(await run.record()).toMatchObject({ status: "failed", dead: false, attempt: 1 });
  });
});
