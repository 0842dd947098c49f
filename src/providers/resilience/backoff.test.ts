import { expect, test } from "vitest";
import { drawBackoffMs } from "./backoff.ts";

test("the bound doubles from its base to its cap, and never leaves the range of numbers", () => {
  const highest = { next: () => 0.999_999 };
  const bounds = { baseMs: 100, maxMs: 1_000 };
  expect([0, 1, 2, 3, 4, 10_000].map((repetition) => drawBackoffMs(repetition, bounds, highest))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(drawBackoffMs(3, bounds, { next: () => 0 })).toBe(0);
});
