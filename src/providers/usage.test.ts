import { expect, test } from "vitest";
import { noUsage, sumUsage, type Usage } from "./usage.ts";

const usage = (inputTokens: number, outputTokens: number, provenance: Usage["provenance"]): Usage => ({
  inputTokens,
  outputTokens,
  provenance,
});

test("usages add up, what none of them counts is left out", () => {
  expect(sumUsage([usage(1, 2, "reported"), usage(10, 20, "reported")])).toEqual(usage(11, 22, "reported"));
  const cached = { ...usage(1, 2, "reported"), cachedInputTokens: 1 };
  expect(sumUsage([cached, { ...usage(1, 2, "reported"), reasoningTokens: 5 }])).toEqual({
    ...usage(2, 4, "reported"),
    cachedInputTokens: 1,
    reasoningTokens: 5,
  });
  const written = { ...usage(9, 1, "reported"), cacheWriteTokens: 8, longCacheWriteTokens: 3 };
  expect(sumUsage([written, written])).toEqual({
    ...usage(18, 2, "reported"),
    cacheWriteTokens: 16,
    longCacheWriteTokens: 6,
  });
  expect(sumUsage([])).toEqual(noUsage);
});

test.each([
  ["reported", "estimated", "estimated"],
  ["estimated", "partial", "estimated"],
  ["partial", "reported", "partial"],
  ["reported", "reported", "reported"],
] as const)("a sum of %s and %s is %s, and what counted nothing does not make it less sure", (a, b, sum) => {
  expect(sumUsage([noUsage, usage(1, 0, a), usage(0, 1, b)]).provenance).toBe(sum);
  expect(sumUsage([usage(1, 0, b), usage(0, 1, a)]).provenance).toBe(sum);
});
