import { describe, expect, it } from "vitest";
import { database, events, runs, until, useEngine } from "../../test/lib/engine.ts";
import { systemClock } from "../base/index.ts";
import { failedKeysOf, noteFailure } from "./failed-keys.ts";
import { workflow } from "./index.ts";
import { Journal, nextEvent } from "./journal.ts";
import { isPoisoned, loadRecorded } from "./recorded-steps.ts";

useEngine();

describe("what a run remembers", () => {
  it("a retry forgets the outcome that ended the attempt, and what was told after it is told anew", async () => {
    let attempt = 0;
    const told: number[] = [];
    const flow = workflow({
      name: "flow",
      run: async (context) => {
        attempt++;
        context.emit({ type: "began", data: { of: "flow" } });
        await context.step("safe", () => void told.push(attempt));
        try {
          await context.step("bad", () => {
            if (attempt === 1) throw new Error("not yet");
          });
        } catch (cause) {
          context.emit({ type: "went_wrong", data: attempt });
          throw new Error("wrapped", { cause });
        }
        context.emit({ type: "went_well", data: attempt });
        return attempt;
      },
    });
    const run = await runs.start(flow, null, { queue: "q", retry: { attempts: 2, minDelayMs: 0, maxDelayMs: 0 } });
    expect(await run.result()).toBe(2);
    expect(told).toEqual([1]);
    const log = await events(run);
    expect(log.find(({ type }) => type === "run.retried")?.data).toMatchObject({ forget: ["bad"] });
    const own = log.filter(({ type }) => ["began", "went_wrong", "went_well"].includes(type));
    expect(own.map(({ type, data }) => [type, data])).toEqual([
      ["began", { of: "flow" }],
      ["went_wrong", 1],
      ["went_well", 2],
    ]);
  });

  it("a fork forgets what was under way, but the effects of one that goes on in its origin's name", async () => {
    const flow = workflow({
      name: "open",
      run: async (context) => {
        await context.step("done", () => 1);
        const never = (): Promise<never> => new Promise(() => {});
        await Promise.all([context.waitFor("go"), context.step("pay", never, { onUnknown: "park" })]);
      },
    });
    const run = await runs.start(flow, null);
    await until(run, "effect.started");
    const journal = new Journal(database, systemClock);
    const keysAfter = async (data: { readonly redriven?: boolean; readonly forget?: string }) => {
      await journal.write([nextEvent({ runId: run.id, type: "run.forked", at: 0, data })]);
      const recorded = await loadRecorded(journal, run.id, 0);
      return [[...recorded.open.keys()], recorded.has("done")];
    };
    expect(await keysAfter({ redriven: true })).toEqual([["pay"], true]);
    expect(await keysAfter({ forget: "done" })).toEqual([[], false]);
  });

  it("an error names the keys that it came from, through what it caused", () => {
    const inner = new Error("inner");
    noteFailure(inner, "inner");
    noteFailure(inner, "outer");
    noteFailure("text", "none");
    expect(failedKeysOf(new Error("a", { cause: new Error("b", { cause: inner }) }))).toEqual(["inner", "outer"]);
    expect(failedKeysOf("text")).toEqual([]);
    const circle: Error & { cause?: unknown } = new Error("circle");
    circle.cause = circle;
    expect(failedKeysOf(circle)).toEqual([]);
  });

  it("holds no run for poisoned that dies while it waits for a person or for its children", () => {
    const begun = (type: string) => ({ open: new Map([["it", { type, at: 0, data: {} }]]) });
    expect(isPoisoned({ losses: 4, open: new Map() })).toBe(false);
    expect(isPoisoned({ losses: 5, open: new Map() })).toBe(true);
    expect(isPoisoned({ losses: 9, ...begun("call.started") })).toBe(false);
    expect(isPoisoned({ losses: 10, ...begun("call.started") })).toBe(true);
    expect(isPoisoned({ losses: 99, ...begun("signal.awaited") })).toBe(false);
  });
});
