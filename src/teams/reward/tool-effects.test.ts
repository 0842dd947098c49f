import { expect, test } from "vitest";
import type { ArmStatistics } from "./statistics.ts";
import { noSpread } from "./statistics.ts";
import { toolEffects } from "./tool-effects.ts";

const arm = (tools: readonly string[], mean: number, { weight = 4, model = "a/one" } = {}): ArmStatistics => ({
  agent: "mender",
  model,
  tools,
  task: "code",
  runs: { positive: weight, zero: 0, negative: 0 },
  score: { weight, mean, variance: 1 },
  logReward: noSpread,
  offset: noSpread,
  tokens: 0,
  lastAt: 0,
});

test("a tool is worth what arms that differ by it alone differ by", () => {
  const arms = [
    arm(["edit"], 10),
    arm(["edit", "test"], 14),
    arm(["edit", "shell"], 4),
    arm(["shell"], 99, { model: "b/two" }),
  ];
  expect(toolEffects(arms)).toEqual([
    { task: "code", tool: "test", effect: 4, weight: 2 },
    { task: "code", tool: "shell", effect: -6, weight: 2 },
  ]);
});

test("pairs with more runs weigh more", () => {
  const arms = [
    arm([], 0, { weight: 100 }),
    arm(["test"], 2, { weight: 100 }),
    arm([], 0, { weight: 1, model: "b/two" }),
    arm(["test"], 20, { weight: 1, model: "b/two" }),
  ];
  expect(toolEffects(arms)[0]?.effect).toBeCloseTo((50 * 2 + 0.5 * 20) / 50.5, 9);
});
