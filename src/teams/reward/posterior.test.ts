import { expect, test } from "vitest";
import { seededRandom } from "../../base/index.ts";
import { drawFrom, likelyBelow, posteriorOf } from "./posterior.ts";
import { addTo, noSpread } from "./statistics.ts";
import type { Spread } from "./statistics.ts";

const prior = { mean: 0, variance: 4 };

test("how likely a mean is below a value is what tables of Student's distribution say", () => {
  for (const [freedom, t, expected] of [
    [1, 1, 0.75],
    [4, 2.131847, 0.95],
    [10, -1.812461, 0.05],
    [30, 2.042272, 0.975],
    [120, 0, 0.5],
  ] as const) {
    expect(likelyBelow({ mean: 0, scale: 1, freedom }, t)).toBeCloseTo(expected, 5);
  }
  expect(likelyBelow({ mean: 3, scale: 2, freedom: 4 }, 3 + 2 * 2.131847)).toBeCloseTo(0.95, 5);
});

test("draws have the share below a value that is believed", () => {
  const random = seededRandom(7);
  const posterior = { mean: 2, scale: 3, freedom: 5 };
  const draws = Array.from({ length: 20_000 }, () => drawFrom(posterior, random));
  for (const value of [-3, 0, 2, 6]) {
    const share = draws.filter((draw) => draw < value).length / draws.length;
    expect(Math.abs(share - likelyBelow(posterior, value))).toBeLessThan(0.015);
  }
});

test("the more is seen, the nearer and surer it is", () => {
  const seen = (count: number): Spread =>
    Array.from({ length: count }, (_, index) => 10 + (index % 2)).reduce((sum, value) => addTo(sum, value), noSpread);
  const [few, many] = [posteriorOf(seen(4), prior), posteriorOf(seen(400), prior)];
  expect(Math.abs(many.mean - 10.5)).toBeLessThan(Math.abs(few.mean - 10.5));
  expect(many.scale).toBeLessThan(few.scale);
  const { weight, mean, variance } = seen(400);
  expect([weight, mean.toFixed(9), variance.toFixed(9)]).toEqual([400, "10.500000000", "0.250000000"]);
});
