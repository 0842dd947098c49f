import { expect, test } from "vitest";
import { createBudget } from "../base/index.ts";
import type { RunBudget } from "./agent.ts";
import { agent } from "./agent.ts";
import { budgetOfStep, spendingLimits, spentReason } from "./limits.ts";
import { checkRunBudget } from "./limit-values.ts";

const limitsOf = (own: RunBudget, run?: RunBudget) =>
  spendingLimits(agent({ name: "guide", limits: own }), { goal: "Do it.", ...(run && { budget: run }) });
const spent = (tokens: number, knownCostMicroUsd: number) => ({
  usage: { inputTokens: tokens, outputTokens: 0 },
  knownCostMicroUsd,
});

test("a call may take what the run and the agent have left, whichever is less", () => {
  const limits = limitsOf({ maxTokens: 1_000, maxCostUsd: 0.5 }, { maxTokens: 700, maxCostUsd: 2 });
  const { left } = budgetOfStep(createBudget("all runs"), limits, spent(600, 100_000));
  expect(left).toEqual({ tokens: 100, costMicroUsd: 400_000 });
});

test("what nothing limits is not limited, and what all runs have left holds for each", () => {
  expect(budgetOfStep(createBudget("all runs"), limitsOf({}), spent(1, 1)).left).toEqual({
    tokens: Infinity,
    costMicroUsd: Infinity,
  });
  expect(budgetOfStep(createBudget("all runs", { maxTokens: 5 }), limitsOf({}), spent(1, 1)).left.tokens).toBe(5);
});

test("a limit beyond all numbers limits nothing, and more spent than a limit leaves nothing", () => {
  const huge = budgetOfStep(createBudget("all runs"), limitsOf({ maxTokens: 1e20, maxCostUsd: 1e12 }), spent(9, 9));
  expect(huge.left.tokens).toBeGreaterThan(1e15);
  const over = budgetOfStep(createBudget("all runs"), limitsOf({ maxTokens: 5 }), spent(9, 9));
  expect(over.left.tokens).toBe(0);
});

test("money smaller than half a millionth is nothing", () => {
  const tiny = budgetOfStep(createBudget("all runs"), limitsOf({ maxCostUsd: 1e-9 }), spent(0, 0));
  expect(tiny.left.costMicroUsd).toBe(0);
});

test.each([
  { own: { maxTokens: 10 }, run: {}, tokens: 9, money: 0, reason: undefined },
  { own: { maxTokens: 10 }, run: {}, tokens: 10, money: 0, reason: "max_tokens" },
  { own: {}, run: { maxTokens: 10 }, tokens: 11, money: 0, reason: "max_tokens" },
  { own: { maxCostUsd: 0.00001 }, run: {}, tokens: 99, money: 9, reason: undefined },
  { own: { maxCostUsd: 0.00001 }, run: {}, tokens: 99, money: 10, reason: "budget" },
  { own: { maxTokens: 10, maxCostUsd: 0.00001 }, run: {}, tokens: 10, money: 10, reason: "max_tokens" },
  { own: {}, run: {}, tokens: 1e9, money: 1e9, reason: undefined },
])("$tokens tokens and $money millionths spent of $own and $run end with $reason", (each) => {
  expect(spentReason(limitsOf(each.own, each.run), spent(each.tokens, each.money))).toBe(each.reason);
});

test.each([
  { maxTokens: -1 },
  { maxTokens: 1.5 },
  { maxTokens: Number.NaN },
  { maxCostUsd: Infinity },
  { maxTokens: "5" },
])("the budget %j of a run is refused by name", (budget) => {
  const [name = ""] = Object.keys(budget);
  expect(() => checkRunBudget(budget)).toThrow(expect.objectContaining({ code: "invalid_input" }));
  expect(() => checkRunBudget(budget)).toThrow(name);
});

test("a budget that names no limit, or sound ones, is taken", () => {
  for (const budget of [{}, { maxTokens: undefined }, { maxTokens: 1, maxCostUsd: 0.001 }]) checkRunBudget(budget);
});
