import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseErrors, seededRandom, toAtlasError } from "../base/index.ts";
import type { JsonObject } from "../base/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { database, events, until, useEngine } from "../../test/lib/engine.ts";
import { createRuns, workflow } from "./index.ts";
import type { RunHandle } from "./index.ts";
import { mayRetry, retryDelay } from "./step-retry.ts";

useEngine();

const retriesOf = async (run: RunHandle<unknown>): Promise<JsonObject[]> =>
  (await events(run)).filter(({ type }) => type === "step.retried").map(({ data }) => data as JsonObject);

/** Moves time on until a run has ended, and gives how it did. */
async function endOf<T>(run: RunHandle<T>, clock: ManualClock): Promise<PromiseSettledResult<T>> {
  const ends: PromiseSettledResult<T>[] = [];
  void Promise.allSettled([run.result()]).then((settled) => ends.push(...settled));
  for (;;) {
    const [end] = ends;
    if (end !== undefined) return end;
    await clock.advance(1_000);
  }
}

describe("the retry of a step", () => {
  it("waits no longer than a calendar reaches, however it grows", () => {
    const policy = { attempts: 1_000, minDelayMs: 1e9, maxDelayMs: Infinity, factor: 10 };
    expect(retryDelay(policy, 900, { next: () => 0.5 })).toBe(157_680_000_000);
  });

  it("waits between nothing and a bound that grows with each attempt", () => {
    const policy = fc.record({
      attempts: fc.constant(9),
      minDelayMs: fc.integer({ min: 0, max: 5_000 }),
      maxDelayMs: fc.integer({ min: 0, max: 60_000 }),
      factor: fc.double({ min: 0, max: 8, noNaN: true }),
    });
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 60 }), fc.integer(), (given, attempt, seed) => {
        const delay = retryDelay(given, attempt, seededRandom(seed));
        const bound = given.minDelayMs * Math.max(1, given.factor) ** (attempt - 1);
        expect(Number.isSafeInteger(delay) && delay >= 0).toBe(true);
        expect(delay).toBeLessThanOrEqual(Math.ceil(Math.min(given.maxDelayMs, bound)));
      }),
    );
  });

  it("is for what may pass and for what nobody foresaw", () => {
    expect(mayRetry(baseErrors.create("timed_out", "Slow."))).toBe(true);
    expect(mayRetry(toAtlasError(new TypeError("?")))).toBe(true);
    expect(mayRetry(baseErrors.create("invalid_input", "No."))).toBe(false);
    expect(mayRetry(baseErrors.create("cancelled", "No."))).toBe(false);
  });

  it("tries again until it works, and leaves the chance of the function as it was", async () => {
    const clock = manualClock();
    const engine = await createRuns({ database, clock });
    const chances: number[] = [];
    const flaky = (failures: number) =>
      workflow({
        name: `flaky-${failures}`,
        run: async (context) => {
          let tries = 0;
          const retry = { attempts: 4, minDelayMs: 100, maxDelayMs: 1_000 };
          const work = (): number => {
            if (++tries <= failures) throw new Error(`no ${tries}`);
            return tries;
          };
          const result = await context.step("work", work, { retry });
          chances.push(context.random.next());
          return result;
        },
      });
    const run = await engine.start(flaky(2), null);
    expect(await endOf(run, clock)).toMatchObject({ value: 3 });
    expect(await retriesOf(run)).toMatchObject([
      { attempt: 1, error: { message: "no 1" } },
      { attempt: 2, error: { message: "no 2" } },
    ]);
    await engine[Symbol.asyncDispose]();
  });

  it("counts the attempts of earlier executions, and waits for the rest of a delay", async () => {
    const clock = manualClock();
    let tries = 0;
    const failing = workflow({
      name: "failing",
      run: async (context) => {
        const work = (): never => {
          throw new Error(`no ${++tries}`);
        };
        await context.step("work", work, { retry: { attempts: 3, minDelayMs: 60_000, maxDelayMs: 60_000 } });
      },
    });
    const first = await createRuns({ database, clock });
    const run = await first.start(failing, null);
    await until(run, "step.retried");
    await first[Symbol.asyncDispose]();
    const second = await createRuns({ database, clock, worker: false });
    second.register(failing);
    const again = await second.resume(run.id);
    expect(await endOf(again, clock)).toMatchObject({ reason: { message: "no 3" } });
    expect((await retriesOf(again)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(tries).toBe(3);
    await second[Symbol.asyncDispose]();
  });

  it("is not made of an error that says that it fails again", async () => {
    let tries = 0;
    const engine = await createRuns({ database });
    const flow = workflow({
      name: "wrong",
      run: async (context) =>
        await context.step(
          "work",
          () => {
            tries++;
            throw baseErrors.create("invalid_input", "Wrong.");
          },
          { retry: { attempts: 5 } },
        ),
    });
    await expect((await engine.start(flow, null)).result()).rejects.toMatchObject({ code: "invalid_input" });
    expect(tries).toBe(1);
    await engine[Symbol.asyncDispose]();
  });
});
