import { type ModelSummary, qualityOf } from "./summary.ts";

/** Is the table of a comparison for people. Shape: as many cells in each row as in the head. */
export interface ComparisonTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const columns: readonly (readonly [title: string, cell: (model: ModelSummary) => string])[] = [
  ["model", ({ model }) => model],
  ["quality", (model) => percent(qualityOf(model))],
  ["checks", ({ checkScore }) => percent(checkScore)],
  ["judge", ({ judgeScore }) => percent(judgeScore)],
  ["failed", ({ failed, calls }) => `${failed}/${calls}`],
  ["first part", ({ firstPartP50Ms }) => milliseconds(firstPartP50Ms)],
  ["answer", ({ durationP50Ms }) => milliseconds(durationP50Ms)],
  ["p95", ({ durationP95Ms }) => milliseconds(durationP95Ms)],
  ["tokens/s", ({ tokensPerSecond }) => tokensPerSecond?.toFixed(0) ?? none],
  ["in/out", ({ inputTokens, outputTokens }) => `${inputTokens}/${outputTokens}`],
  ["cost/call", ({ costPerCallMicroUsd }) => dollars(costPerCallMicroUsd)],
];

/** Writes what was found of each model as a table. Names of models are as they were given, not made harmless. */
export function tableOf(models: readonly ModelSummary[]): ComparisonTable {
  return {
    head: columns.map(([title]) => title),
    rows: models.map((model) => columns.map(([, cell]) => cell(model))),
  };
}

const none = "-";

/** Writes a share, 0 to 1. */
export function percent(share: number | null): string {
  return share === null ? none : `${Math.round(100 * share)} %`;
}

/** Writes a time. */
export function milliseconds(ms: number | null): string {
  if (ms === null) return none;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Writes a cost. Units: millionths of a US dollar, null where no price is known. */
export function dollars(microUsd: number | null): string {
  if (microUsd === null) return "unknown";
  return microUsd === 0 ? "free" : `$${(microUsd / 1_000_000).toFixed(6)}`;
}
