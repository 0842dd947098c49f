import type { Comparison, ComparisonOptions } from "./compare-models.ts";
import type { ComparisonTable } from "./comparison-table.ts";
import type { ComparisonPrompt } from "./prompts.ts";
import type { ModelSummary } from "./summary.ts";

/**
 * Asks several models the same prompts and measures latency, first part, tokens, cost, and quality by checks and by a judge.
 * One call at a time, and the models take turns, so that what else goes on meets all of them alike.
 *
 * Errors: a model's failure is a result; only an abort of the signal is thrown.
 * Cost: what does the work is loaded here.
 */
export async function compareModels(options: ComparisonOptions): Promise<Comparison> {
  const { runComparison } = await import("./compare-models.ts");
  return await runComparison(options);
}

/** Writes a comparison as one HTML page that needs nothing else. All text in it is escaped. */
export async function comparisonHtml(comparison: Comparison): Promise<string> {
  const { htmlOf } = await import("./comparison-html.ts");
  return htmlOf(comparison);
}

/** Gives the summaries of a comparison as a table for people. */
export async function comparisonTable(models: readonly ModelSummary[]): Promise<ComparisonTable> {
  const { tableOf } = await import("./comparison-table.ts");
  return tableOf(models);
}

/** Gives the standard prompts, to choose from or to add to. */
export async function comparisonPrompts(): Promise<readonly ComparisonPrompt[]> {
  return (await import("./prompts.ts")).standardPrompts;
}
