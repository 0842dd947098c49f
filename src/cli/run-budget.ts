import type { RunBudget } from "../agents/index.ts";

/** Reads what a run may spend from `--max-tokens` and `--max-cost`; undefined where neither is given. */
export function budgetOf(options: { readonly maxTokens?: number; readonly maxCost?: number }): RunBudget | undefined {
  const { maxTokens, maxCost } = options;
  if (maxTokens === undefined && maxCost === undefined) return undefined;
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(maxCost === undefined ? {} : { maxCostUsd: maxCost }),
  };
}
