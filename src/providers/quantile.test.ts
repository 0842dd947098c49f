import { expect, test } from "vitest";
import { quantile } from "./quantile.ts";

test("a quantile is one of the values, whatever their order, and null of none", () => {
  expect([0, 0.5, 0.95, 1].map((share) => quantile([3, 20, 1, 10, 2], share))).toEqual([1, 3, 20, 20]);
  expect(quantile([], 0.5)).toBeNull();
});
