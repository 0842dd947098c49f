import { expect, test } from "vitest";
import type { Usage } from "../providers/index.ts";
import { addCost, addUsage, noUsage } from "./usage.ts";

const usage = (inputTokens: number, outputTokens: number, provenance: Usage["provenance"]): Usage => ({
  inputTokens,
  outputTokens,
  provenance,
});

test("usages add up, what neither counts is left out", () => {
  expect(addUsage(usage(1, 2, "reported"), usage(10, 20, "reported"))).toEqual(usage(11, 22, "reported"));
  const cached = { ...usage(1, 2, "reported"), cachedInputTokens: 1 };
  expect(addUsage(cached, { ...usage(1, 2, "reported"), reasoningTokens: 5 })).toEqual({
    ...usage(2, 4, "reported"),
    cachedInputTokens: 1,
    reasoningTokens: 5,
  });
  expect(addUsage(cached, cached).cachedInputTokens).toBe(2);
  expect(addUsage(noUsage, noUsage)).toEqual(noUsage);
});

test.each([
  ["reported", "estimated", "estimated"],
  ["estimated", "partial", "estimated"],
  ["partial", "reported", "partial"],
  ["reported", "reported", "reported"],
] as const)("a sum of %s and %s is %s", (a, b, sum) => {
  expect(addUsage(usage(0, 0, a), usage(0, 0, b)).provenance).toBe(sum);
  expect(addUsage(usage(0, 0, b), usage(0, 0, a)).provenance).toBe(sum);
});

test("costs add up, and one that is not known makes the sum unknown", () => {
  expect([addCost(1, 2), addCost(null, 2), addCost(1, null)]).toEqual([3, null, null]);
});
