import type { Strengths } from "./capability-table/model-facts.ts";
import type { ModelCapabilities } from "./model.ts";

/** Is a model that a query looks at. Units: `costMicroUsd` of a call with 3,000 input and 1,000 output tokens; null is unknown. */
export interface ModelEntry {
  /** `provider/name`. */
  readonly model: string;
  readonly capabilities: ModelCapabilities;
  readonly strengths: Strengths | undefined;
  readonly costMicroUsd: number | null;
}

/** Is what a model must be able to do. Units: tokens; `strength` 0 to 1, at the task; `maxCostMicroUsd` as ModelEntry counts. */
export interface ModelNeeds {
  readonly task?: string | undefined;
  readonly strength?: number | undefined;
  readonly tools?: boolean | undefined;
  readonly structuredOutput?: boolean | undefined;
  readonly reasoning?: boolean | undefined;
  readonly prefill?: boolean | undefined;
  /** MIME types. */
  readonly files?: readonly string[] | undefined;
  readonly contextTokens?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly maxCostMicroUsd?: number | undefined;
}

/** Asks for models. `prefer` says what the best is: the strongest, the cheapest, or the most strength for the money. */
export interface ModelQuery {
  readonly needs?: ModelNeeds | undefined;
  readonly prefer?: "strength" | "cost" | "balance" | undefined;
}

/** Is a model that fits, with how well and why. Units: `strength` 0 to 1, null where nothing is known of the model. */
export interface ModelMatch extends ModelEntry {
  readonly score: number;
  readonly strength: number | null;
  readonly reason: string;
}

/** Is the answer to a query. Order: the best first; what does not fit with the need that it misses. */
export interface ModelQueryResult {
  readonly matches: readonly ModelMatch[];
  readonly rejected: readonly { readonly model: string; readonly reason: string }[];
}

/** Finds the models that can do something, the best first. */
export function queryModels(entries: readonly ModelEntry[], query: ModelQuery = {}): ModelQueryResult {
  const { needs = {}, prefer = "strength" } = query;
  const matches: ModelMatch[] = [];
  const rejected: { readonly model: string; readonly reason: string }[] = [];
  for (const entry of entries) {
    const reason = missing(entry, needs);
    if (reason === undefined) matches.push(matchOf(entry, needs, prefer));
    else rejected.push({ model: entry.model, reason });
  }
  return { matches: matches.toSorted((a, b) => b.score - a.score || a.model.localeCompare(b.model)), rejected };
}

/** Gives how good a model is at a task; the mean of all tasks without one. */
export function strengthAt(strengths: Strengths | undefined, task: string | undefined): number | null {
  if (strengths === undefined) return null;
  if (task !== undefined) return strengths.levels[task] ?? null;
  const levels = Object.values(strengths.levels);
  return levels.length === 0 ? null : levels.reduce((sum, level) => sum + level, 0) / levels.length;
}

function missing(entry: ModelEntry, needs: ModelNeeds): string | undefined {
  const { capabilities: can, strengths, costMicroUsd } = entry;
  if (needs.tools === true && can.tools === "none") return "cannot call tools";
  if (needs.structuredOutput === true && can.structuredOutput === "none") return "has no structured output";
  if (needs.reasoning === true && !can.reasoning) return "does not reason";
  if (needs.prefill === true && !can.prefill) return "cannot go on from a given beginning";
  const file = needs.files?.find((type) => !can.files.includes(type));
  if (file !== undefined) return `does not take ${file}`;
  if (tooSmall(can.contextTokens, needs.contextTokens)) return `reads ${can.contextTokens ?? "unknown"} tokens at most`;
  if (tooSmall(can.maxOutputTokens, needs.maxOutputTokens)) return `writes ${can.maxOutputTokens} tokens at most`;
  if (needs.maxCostMicroUsd !== undefined) {
    if (costMicroUsd === null) return "has no known price";
    if (costMicroUsd > needs.maxCostMicroUsd) return `costs ${costMicroUsd} millionths of a dollar`;
  }
  if (needs.strength === undefined) return undefined;
  const strength = strengthAt(strengths, needs.task);
  if (strength === null) return "has no known strength";
  return strength < needs.strength ? `has a strength of ${strength.toFixed(2)}` : undefined;
}

/** What is not known is not held against a model. */
function tooSmall(has: number | null, needed: number | undefined): boolean {
  return needed !== undefined && has !== null && has < needed;
}

function matchOf(entry: ModelEntry, { task }: ModelNeeds, prefer: NonNullable<ModelQuery["prefer"]>): ModelMatch {
  const strength = strengthAt(entry.strengths, task);
  const { costMicroUsd } = entry;
  // A call of a cent counts as much against a model as a tenth of strength.
  const thrift = costMicroUsd === null ? null : 1 / (1 + costMicroUsd / 10_000);
  const at = task === undefined ? "over all tasks" : `at ${task}`;
  const words = [
    strength === null ? `strength ${at} unknown` : `strength ${strength.toFixed(2)} ${at} (${entry.strengths?.basis})`,
    costMicroUsd === null
      ? "price unknown"
      : costMicroUsd === 0
        ? "free"
        : `$${(costMicroUsd / 1e6).toFixed(4)} a call`,
  ];
  const scores = {
    strength: strength ?? 0,
    cost: thrift ?? 0,
    balance: thrift === null ? 0 : 0.7 * (strength ?? 0) + 0.3 * thrift,
  };
  return { ...entry, score: scores[prefer], strength, reason: words.join(", ") };
}
