import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { compactLogs } from "./compaction.ts";
import type { RunEvent } from "./run.ts";
import { workflow } from "./workflow.ts";

useEngine();

/** Does steps; after every third it keeps their sum; at the end it waits. */
const counting = workflow({
  name: "counting",
  run: async (context, count: number) => {
    const begun = (context.restored ?? { index: 0, sum: 0 }) as { index: number; sum: number };
    let { sum } = begun;
    for (let { index } = begun; index < count; index++) {
      sum += await context.step("add", () => index);
      if (index % 3 === 2) await context.checkpoint({ index: index + 1, sum });
    }
    await context.waitFor("go");
    return sum;
  },
});

const sumTo = (count: number): number => (count * (count - 1)) / 2;

const placesOf = (log: readonly RunEvent[]): string[] =>
  log.map(({ seq, type }) => `${seq} ${type.replace(/^run\./, "")}`);

describe("compaction", () => {
  it("puts one entry in the place of what a checkpoint stands for, which followers see and a replay does not miss", async () => {
    const run = await runs.start(counting, 7);
    await until(run, "signal.awaited");
    const whole = await Array.fromAsync(run.events({ live: false }));
    await restart({ retention: { maxEventsPerRun: 2 } });
    runs.register(counting);
    await runs.prune();
    const left = await Array.fromAsync((await runs.open(run.id)).events({ live: false }));
    expect(placesOf(left)).toEqual([
      "1 started",
      "8 compacted",
      "9 checkpointed",
      "10 step.completed",
      "11 signal.awaited",
    ]);
    expect(left[1]?.data).toEqual({ from: 2, to: 8, count: 7 });
    expect(left.slice(2)).toEqual(whole.slice(8));
    const after = await Array.fromAsync((await runs.open(run.id)).events({ live: false, after: 5 }));
    expect(placesOf(after)[0]).toBe("8 compacted");

    const again = await runs.resume(run.id);
    await run.signal("go");
    expect(await again.result()).toBe(sumTo(7));
    expect((await events(again)).filter(({ type }) => type === "step.completed")).toHaveLength(1);
  });

  it("keeps what is young and what has few entries after it, and does nothing twice", async () => {
    const run = await runs.start(counting, 7);
    await until(run, "signal.awaited");
    const clock = manualClock(Date.now());
    const options = { keepEventsMs: 60_000, maxEventsPerRun: 100, clock, isStopped: () => false };
    expect(await compactLogs(database, options)).toBe(0);
    await clock.advance(120_000);
    expect(await compactLogs(database, options)).toBe(7);
    expect(await compactLogs(database, options)).toBe(0);
  });

  it("lets a run be forked from what is left, and from nothing that is gone", async () => {
    const run = await runs.start(counting, 7);
    await until(run, "signal.awaited");
    await restart({ retention: { maxEventsPerRun: 2 } });
    runs.register(counting);
    await runs.prune();
    const left = await runs.open(run.id);
    for (const at of [5, 8]) await expect(left.fork({ at })).rejects.toMatchObject({ code: "checkpoint_unknown" });
    const fork = await left.fork({ at: 10 });
    await fork.signal("go");
    expect(await fork.result()).toBe(sumTo(7));
  });

  it("changes no result, whenever it comes and however long the logs are", { timeout: 60_000 }, async () => {
    const length = fc.integer({ min: 1, max: 40 });
    const keep = fc.integer({ min: 0, max: 12 });
    await fc.assert(
      fc.asyncProperty(length, fc.array(keep, { minLength: 1, maxLength: 3 }), async (count, keeps) => {
        const run = await runs.start(counting, count);
        await until(run, "signal.awaited");
        for (const maxEventsPerRun of keeps) {
          await restart({ retention: { maxEventsPerRun } });
          runs.register(counting);
          await runs.prune();
          await runs.resume(run.id);
        }
        const resumed = await runs.open(run.id);
        await resumed.signal("go");
        expect(await resumed.result()).toBe(sumTo(count));
        const seqs = (await events(resumed)).map(({ seq, type }) => ({ seq, isGap: type === "run.compacted" }));
        for (const [index, { seq, isGap }] of seqs.entries()) {
          if (!isGap && index > 0) expect(seq).toBe((seqs[index - 1]?.seq ?? 0) + 1);
        }
        expect(seqs.filter(({ isGap }) => isGap).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 15 },
    );
  });

  it("deletes a long log in parts, of which each leaves a log that can be replayed", async () => {
    const long = workflow({
      name: "long",
      run: async (context) => {
        for (let n = 0; n < 1_700; n++) context.emit({ type: "told", data: n });
        await context.checkpoint(1);
        await context.waitFor("go");
      },
    });
    const run = await runs.start(long, null);
    await until(run, "signal.awaited");
    const clock = manualClock(Date.now() + 3_600_000);
    let commits = 0;
    const options = { keepEventsMs: 0, maxEventsPerRun: 10_000, clock, isStopped: () => commits++ >= 2 };
    await compactLogs(database, options);
    const half = await Array.fromAsync(run.events({ live: false }));
    expect(half.at(-3)?.type).toBe("run.compacted");
    const { from } = (half.at(-3)?.data ?? {}) as { readonly from?: number };
    expect(from).toBe((half.at(-4)?.seq ?? 0) + 1);
    await compactLogs(database, { ...options, isStopped: () => false });
    const left = await Array.fromAsync(run.events({ live: false }));
    expect(placesOf(left).slice(0, 3)).toEqual(["1 started", "1701 compacted", "1702 checkpointed"]);
    expect(left[1]?.data).toEqual({ from: 2, to: 1_701, count: 1_700 });
  });
});
