import type { AgentResult, RunBudget } from "../../agents/index.ts";
import { toMicros } from "../../providers/index.ts";
import { teamErrors } from "../errors.ts";

/**
 * Bounds what one run of a pattern may do. At a limit it ends with the best result so far; `finishReason` and `metadata.limit` say why.
 *
 * Units: asks of members; rounds of those patterns that have such; tokens and US dollars of all members together.
 */
export interface PatternLimits {
  readonly maxCalls?: number;
  readonly maxRounds?: number;
  readonly maxTokens?: number;
  readonly maxCostUsd?: number;
}

/** Names the limit that ended a pattern. */
export type LimitName = "rounds" | "calls" | "tokens" | "cost";

/** Is what a pattern has done so far. Units: millionths of a US dollar, of what is known. */
export interface Done {
  readonly rounds: number;
  readonly calls: number;
  readonly tokens: number;
  readonly costMicroUsd: number;
}

const reasons: Readonly<Record<LimitName, AgentResult["finishReason"]>> = {
  rounds: "max_steps",
  calls: "max_steps",
  tokens: "max_tokens",
  cost: "budget",
};

/** Gives the `finishReason` of a result that a limit ended. */
export function reasonOf(limit: LimitName): AgentResult["finishReason"] {
  return reasons[limit];
}

/** Checks the limits of a pattern. Errors: team_invalid. */
export function checkLimits(team: string, limits: PatternLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    const whole = name !== "maxCostUsd";
    if (value === undefined || (value > 0 && (!whole || Number.isInteger(value)))) continue;
    throw teamErrors.create(
      "team_invalid",
      `The limit ${name} of the team ${team} must be a ${whole ? "whole number from 1 on" : "number above 0"}.`,
      { details: { team, limit: name } },
    );
  }
}

/** Joins the limits of a pattern with what its run may spend; the lesser of two binds. */
export function withBudget(limits: PatternLimits, budget: RunBudget = {}): PatternLimits {
  const lesser = (a: number | undefined, b: number | undefined): number => Math.min(a ?? Infinity, b ?? Infinity);
  const maxTokens = lesser(limits.maxTokens, budget.maxTokens);
  const maxCostUsd = lesser(limits.maxCostUsd, budget.maxCostUsd);
  return {
    ...limits,
    ...(maxTokens < Infinity && { maxTokens }),
    ...(maxCostUsd < Infinity && { maxCostUsd }),
  };
}

/** Tells which limit leaves no room for one more ask; undefined when none does. */
export function reachedLimit(limits: PatternLimits, done: Done): LimitName | undefined {
  const { maxCalls = Infinity, maxTokens = Infinity, maxCostUsd } = limits;
  if (done.calls >= maxCalls) return "calls";
  if (done.tokens >= maxTokens) return "tokens";
  return maxCostUsd !== undefined && done.costMicroUsd >= toMicros(maxCostUsd) ? "cost" : undefined;
}

/** Gives what one more ask may spend. */
export function leftOver({ maxTokens, maxCostUsd }: PatternLimits, done: Done): RunBudget {
  return {
    ...(maxTokens !== undefined && { maxTokens: Math.max(1, maxTokens - done.tokens) }),
    ...(maxCostUsd !== undefined && { maxCostUsd: Math.max(0.000001, maxCostUsd - done.costMicroUsd / 1_000_000) }),
  };
}
