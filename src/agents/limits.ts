import type { Budget, BudgetLimits } from "../base/index.ts";
import type { Model, ModelRequest, Usage } from "../providers/index.ts";
import { estimateNeed, toMicros } from "../providers/index.ts";
import type { AgentInput, AnyAgent, RunBudget } from "./agent.ts";

/** Is what a run may spend: as its starter says, and as its agent says. */
export interface SpendingLimits {
  readonly run: RunBudget;
  readonly agent: RunBudget;
  readonly agentName: string;
}

/** Is what a run has spent. Units: millionths of a US dollar; of calls whose price is not known, nothing. */
export interface Spent {
  readonly usage: Pick<Usage, "inputTokens" | "outputTokens">;
  readonly knownCostMicroUsd: number;
}

/** Adds what two calls cost; a sum with an unknown part is unknown. Units: millionths of a US dollar, null where no price is known. */
export function addCost(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** Gathers what bounds the spending of a run. */
export function spendingLimits(agent: AnyAgent, input: AgentInput): SpendingLimits {
  return { run: input.budget ?? {}, agent: agent.limits, agentName: agent.name };
}

/**
 * Makes the budget of one model call: what the run and its agent have left, below what all runs together have left. It is made
 * anew for each call out of the run's own log, so a run that is taken up again has spent what it had spent.
 */
export function budgetOfStep(budget: Budget, limits: SpendingLimits, spent: Spent): Budget {
  const ofRun = isLimited(limits.run) ? budget.child("the run", left(limits.run, spent)) : budget;
  return isLimited(limits.agent) ? ofRun.child(limits.agentName, left(limits.agent, spent)) : ofRun;
}

function isLimited({ maxTokens, maxCostUsd }: RunBudget): boolean {
  return maxTokens !== undefined || maxCostUsd !== undefined;
}

/** Less than this is no answer worth asking for. Units: tokens. */
const leastAnswerTokens = 16;

/**
 * Gives how long an answer may be where the budget has less left than is set aside for one that nobody bounds: asked of the
 * provider as a bound, a small budget buys a short answer instead of none. Undefined where there is enough. Units: tokens.
 */
export function answerBound({ left }: Budget, request: ModelRequest, model: Model): number | undefined {
  if (left.tokens === Infinity) return undefined;
  const { inputTokens, maxOutputTokens } = estimateNeed(request, model);
  const rest = left.tokens - inputTokens;
  return rest >= maxOutputTokens ? undefined : Math.max(leastAnswerTokens, rest);
}

/** Tells which limit is used up, so that no further call can be made; undefined when none is. */
export function spentReason({ run, agent }: SpendingLimits, spent: Spent): "max_tokens" | "budget" | undefined {
  if (!isLimited(run) && !isLimited(agent)) return undefined;
  const rests = [left(run, spent), left(agent, spent)];
  if (rests.some(({ maxTokens = 1 }) => maxTokens <= 0)) return "max_tokens";
  return rests.some(({ maxCostMicroUsd = 1 }) => maxCostMicroUsd <= 0) ? "budget" : undefined;
}

function left({ maxTokens, maxCostUsd }: RunBudget, { usage, knownCostMicroUsd }: Spent): BudgetLimits {
  const tokens = usage.inputTokens + usage.outputTokens;
  return {
    ...(maxTokens !== undefined && { maxTokens: rest(maxTokens, tokens) }),
    ...(maxCostUsd !== undefined && { maxCostMicroUsd: rest(toMicros(maxCostUsd), knownCostMicroUsd) }),
  };
}

/** Budgets count in whole numbers; a limit that is larger than any of them limits nothing. */
function rest(limit: number, spent: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, limit - spent));
}
