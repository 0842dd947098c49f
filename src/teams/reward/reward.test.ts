import fc from "fast-check";
import { expect, test } from "vitest";
import { compareRewards, rewardOf, rewardScore } from "./reward.ts";
import type { Reward } from "./reward.ts";

const offsets = fc.double({ noNaN: true });
const tokens = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true }));
const rewards = fc.tuple(offsets, tokens).map(([offset, used]) => rewardOf(offset, used));

const numberOf = ({ sign, logMagnitude }: Reward): number => (sign === 0 ? 0 : sign * Math.exp(logMagnitude));

test("a reward is the offset by the cube of the tokens", () => {
  fc.assert(
    fc.property(fc.integer({ min: -10_000, max: 10_000 }), fc.integer({ min: 1, max: 100_000 }), (offset, used) => {
      const expected = offset / used ** 3;
      expect(Math.abs(numberOf(rewardOf(offset, used)) - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected));
    }),
  );
});

test("no number makes it overflow or become no number", () => {
  fc.assert(
    fc.property(rewards, (reward) => {
      expect([Number.isFinite(reward.logMagnitude), Number.isFinite(rewardScore(reward))]).toEqual([true, true]);
    }),
  );
  expect(rewardOf(Infinity, Infinity).sign).toBe(1);
  expect(rewardOf(-5, 0)).toEqual({ sign: -1, logMagnitude: Math.log(5) });
  expect(rewardOf(-0, 7)).toEqual({ sign: 0, logMagnitude: 0 });
});

test("what is no number is refused, and so are fewer than no tokens", () => {
  for (const [offset, used] of [
    [NaN, 1],
    [1, NaN],
    [1, -1],
  ] as const) {
    expect(() => rewardOf(offset, used)).toThrow(expect.objectContaining({ code: "reward_invalid" }));
  }
});

test("the order is total, and that of the numbers", () => {
  const sign = (value: number): number => (value > 0 ? 1 : value < 0 ? -1 : 0);
  fc.assert(
    fc.property(rewards, rewards, rewards, (a, b, c) => {
      expect(sign(compareRewards(a, b))).toBe(-sign(compareRewards(b, a)) || 0);
      const [low, middle, high] = [a, b, c].toSorted(compareRewards);
      if (low && middle && high) expect(compareRewards(low, high)).toBeLessThanOrEqual(0);
      if (low && middle) expect(compareRewards(low, middle)).toBeLessThanOrEqual(0);
      const [x, y] = [numberOf(a), numberOf(b)];
      if (Number.isFinite(x) && Number.isFinite(y) && x < y) expect(compareRewards(a, b)).toBeLessThan(0);
    }),
  );
});

test("scores keep the order, mirror the sign, and are a logarithm far from 0", () => {
  fc.assert(
    fc.property(rewards, rewards, (a, b) => {
      if (compareRewards(a, b) <= 0) expect(rewardScore(a)).toBeLessThanOrEqual(rewardScore(b));
    }),
  );
  expect(rewardScore(rewardOf(-8, 9000))).toBe(-rewardScore(rewardOf(8, 9000)));
  expect(rewardScore(rewardOf(20, 9000)) - rewardScore(rewardOf(10, 9000))).toBeCloseTo(Math.LN2, 6);
  expect(rewardScore(rewardOf(1, 1_000_000))).toBeCloseTo(Math.asinh(1), 12);
});
