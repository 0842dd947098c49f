import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSlidingWindow } from "./sliding-window.ts";

const spanMs = 60_000;

test("what is taken leaves after its span, not before, and tells when there is room", () => {
  const window = createSlidingWindow({ limit: 10, spanMs });
  window.take(6, 0);
  window.take(4, 1_000);
  expect(window.waitMs(1, 1_000)).toBe(59_000);
  expect(window.waitMs(6, 1_000)).toBe(59_000);
  expect(window.waitMs(7, 1_000)).toBe(60_000);
  expect(window.waitMs(11, 1_000)).toBe(Number.POSITIVE_INFINITY);
  expect(window.waitMs(1, 59_999)).toBe(1);
  expect(window.waitMs(6, 60_000)).toBe(0);
  expect(window.used(60_000)).toBe(4);
});

test("what was not used is given back, what was used beyond is charged from now on (acceptance 25)", () => {
  const window = createSlidingWindow({ limit: 100, spanMs });
  window.take(80, 0).correct(30, 10_000);
  expect(window.used(10_000)).toBe(30);
  window.take(50, 10_000).correct(70, 40_000);
  expect(window.used(40_000)).toBe(100);
  expect(window.used(60_000)).toBe(70);
  expect(window.used(70_000)).toBe(20);
  expect(window.used(100_000)).toBe(0);
});

test("what is given back after its span changes nothing", () => {
  const window = createSlidingWindow({ limit: 100, spanMs });
  const charge = window.take(80, 0);
  charge.correct(10, 60_000);
  expect(window.used(60_000)).toBe(0);
});

describe("a report of the provider", () => {
  test("that less is left makes wait until its reset, and not longer (acceptance 25)", () => {
    const window = createSlidingWindow({ limit: 100, spanMs });
    window.take(1, 0).reported(2, 20_000, 0);
    expect(window.waitMs(2, 0)).toBe(0);
    expect(window.waitMs(3, 0)).toBe(20_000);
    window.take(2, 5_000);
    expect(window.waitMs(1, 5_000)).toBe(15_000);
    expect(window.waitMs(1, 20_000)).toBe(0);
  });

  test("that more is left ends an earlier one, and never raises the limit (acceptance 25)", () => {
    const window = createSlidingWindow({ limit: 3, spanMs });
    const first = window.take(1, 0);
    const second = window.take(1, 0);
    first.reported(0, 30_000, 10);
    expect(window.waitMs(1, 10)).toBe(29_990 + 10);
    second.reported(1_000, 30_000, 20);
    expect(window.waitMs(1, 20)).toBe(0);
    window.take(1, 20);
    // What was taken in the same thousandth of the span leaves together, with the last of it.
    expect(window.waitMs(1, 20)).toBe(60_000);
  });

  test("counts what was taken after the call that brought it", () => {
    const window = createSlidingWindow({ limit: 100, spanMs });
    const first = window.take(1, 0);
    window.take(3, 0);
    first.reported(5, 20_000, 100);
    expect(window.waitMs(2, 100)).toBe(0);
    expect(window.waitMs(3, 100)).toBe(20_000);
  });

  test("of an earlier call does not overrule that of a later one", () => {
    const window = createSlidingWindow({ limit: 100, spanMs });
    const first = window.take(1, 0);
    window.take(1, 0).reported(1, 20_000, 100);
    first.reported(90, 20_000, 110);
    expect(window.waitMs(2, 110)).toBe(19_990);
  });

  test("bounds also what is not limited here", () => {
    const window = createSlidingWindow({ limit: Number.POSITIVE_INFINITY, spanMs });
    const charge = window.take(1_000_000, 0);
    expect(window.waitMs(1_000_000_000, 0)).toBe(0);
    charge.reported(0, 7_000, 0);
    expect(window.waitMs(1, 0)).toBe(7_000);
  });
});

test("whatever comes in whatever order, no window holds more than the limit, and the log is exact or late (acceptance 25)", () => {
  const step = fc.record({
    afterMs: fc.nat(9_000),
    amount: fc.integer({ min: 1, max: 40 }),
    usedShare: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const limit = 100;
      const window = createSlidingWindow({ limit, spanMs });
      const taken: { atMs: number; used: number }[] = [];
      let now = 0;
      for (const { afterMs, amount, usedShare } of steps) {
        now += afterMs;
        const waitMs = window.waitMs(amount, now);
        if (waitMs > 0) expect(window.waitMs(amount, now + waitMs - 0.5)).toBeGreaterThan(0);
        now += waitMs;
        expect(window.waitMs(amount, now)).toBe(0);
        const charge = window.take(amount, now);
        const used = Math.floor(amount * usedShare);
        charge.correct(used, now);
        taken.push({ atMs: now, used });
        const inWindow = taken.filter(({ atMs }) => atMs > now - spanMs);
        expect(inWindow.reduce((sum, { used: one }) => sum + one, 0)).toBeLessThanOrEqual(limit);
        expect(window.used(now)).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 300 },
  );
});
