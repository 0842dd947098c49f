import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { manualClock } from "./manual-clock.ts";

describe("the manual clock", () => {
  it("stands still until it is moved", async () => {
    const clock = manualClock(1_000);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
    await clock.advance(250);
    expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250]);
  });

  it("wakes a sleeper at its time and not before", async () => {
    const clock = manualClock(0);
    let woke = -1;
    void clock.sleep(100).then(() => (woke = clock.now()));
    await clock.advance(99);
    expect([woke, clock.sleeping]).toEqual([-1, 1]);
    await clock.advance(50);
    expect([woke, clock.sleeping, clock.now()]).toEqual([100, 0, 149]);
  });

  it("lets a sleeper sleep again within one move", async () => {
    const clock = manualClock(0);
    const ticks: number[] = [];
    const tick = async (): Promise<void> => {
      for (let index = 0; index < 3; index++) {
        await clock.sleep(10);
        ticks.push(clock.now());
      }
    };
    const done = tick();
    await clock.advance(100);
    await done;
    expect(ticks).toEqual([10, 20, 30]);
  });

  it("rejects a sleep with the reason of its signal", async () => {
    const clock = manualClock();
    const control = new AbortController();
    const sleep = clock.sleep(10, { signal: control.signal });
    control.abort(new Error("enough"));
    await expect(sleep).rejects.toThrow("enough");
    await expect(clock.sleep(10, { signal: control.signal })).rejects.toThrow("enough");
    expect(clock.sleeping).toBe(0);
  });

  it("tells when somebody sleeps", async () => {
    const clock = manualClock();
    const waiting = clock.waitForSleepers(2);
    const sleeps = [clock.sleep(1), clock.sleep(2)];
    await waiting;
    await clock.waitForSleepers(1);
    await clock.advance(2);
    await Promise.all(sleeps);
  });

  it("wakes sleepers in the order of their ends", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1_000), { maxLength: 20 }), async (delays) => {
        const clock = manualClock(0);
        const woken: number[] = [];
        for (const delay of delays) void clock.sleep(delay).then(() => woken.push(delay));
        await clock.advance(1_000);
        expect(woken).toEqual([...delays].sort((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });
});
