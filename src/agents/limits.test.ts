import { expect, test } from "vitest";
import { addCost } from "./limits.ts";

test("costs add up, and one that is not known makes the sum unknown", () => {
  expect([addCost(1, 2), addCost(null, 2), addCost(1, null)]).toEqual([3, null, null]);
});
