import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom, systemRandom } from "./random.ts";

const draw = (random: { next(): number }, count: number): number[] =>
  Array.from({ length: count }, () => random.next());

test("one seed gives one sequence, and each number lies in [0, 1)", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const numbers = draw(seededRandom(seed), 50);
      expect(draw(seededRandom(seed), 50)).toEqual(numbers);
      expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    }),
  );
});

test("the sequence of a seed is the same for ever, as recorded runs rely on it", () => {
  expect(draw(seededRandom(1), 3).map((number) => Math.floor(number * 2 ** 32))).toEqual([
    1_580_013_426, 350_525_680, 3_524_174_333,
  ]);
});

test("neighbouring seeds give different sequences", () => {
  expect(new Set(Array.from({ length: 1_000 }, (_, seed) => draw(seededRandom(seed), 2).join())).size).toBe(1_000);
});

test.each([
  ["seeded", seededRandom(7)],
  ["system", systemRandom],
])("%s numbers are spread evenly", (_, random) => {
  const numbers = draw(random, 32_000);
  const buckets = Array.from(
    { length: 16 },
    (__, bucket) => numbers.filter((number) => Math.floor(number * 16) === bucket).length,
  );
  // Chi square with 15 degrees of freedom: above 50 once in a hundred thousand times.
  const chi = buckets.reduce((sum, count) => sum + (count - 2_000) ** 2 / 2_000, 0);
  expect(chi).toBeLessThan(50);
});
