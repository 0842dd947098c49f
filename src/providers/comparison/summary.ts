import { quantile } from "../quantile.ts";
import type { ComparedCall } from "./compared-call.ts";

/** Is what a comparison found of one model. Units: milliseconds; millionths of a US dollar for one call; scores 0 to 1; null where nothing was measured. */
export interface ModelSummary {
  readonly model: string;
  readonly calls: number;
  readonly failed: number;
  /** Counts failures by their code. */
  readonly failures: Readonly<Record<string, number>>;
  readonly firstPartP50Ms: number | null;
  readonly durationP50Ms: number | null;
  readonly durationP95Ms: number | null;
  readonly tokensPerSecond: number | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costPerCallMicroUsd: number | null;
  readonly checkScore: number;
  readonly judgeScore: number | null;
  readonly byTask: Readonly<Record<string, number>>;
}

/** Sums up the calls of each model. Order: the best quality first, then the fastest. A failed call counts as quality 0. */
export function summarize(calls: readonly ComparedCall[], models: readonly string[]): readonly ModelSummary[] {
  return models
    .map((model) =>
      summaryOf(
        model,
        calls.filter((call) => call.model === model),
      ),
    )
    .toSorted((a, b) => qualityOf(b) - qualityOf(a) || (a.durationP50Ms ?? Infinity) - (b.durationP50Ms ?? Infinity));
}

/** Gives the quality of a model: the mean of checks and judge, or the checks alone. */
export function qualityOf({ checkScore, judgeScore }: Pick<ModelSummary, "checkScore" | "judgeScore">): number {
  return judgeScore === null ? checkScore : (checkScore + judgeScore) / 2;
}

function summaryOf(model: string, calls: readonly ComparedCall[]): ModelSummary {
  const good = calls.filter(({ ok }) => ok);
  const failures: Record<string, number> = {};
  for (const { code } of calls) if (code !== undefined) failures[code] = (failures[code] ?? 0) + 1;
  const tasks = [...new Set(calls.map(({ task }) => task))];
  const ofTask = (task: string): number => mean(calls.filter((call) => call.task === task).map(scoreOf)) ?? 0;
  const judged = calls.flatMap(({ judgeScore }) => (judgeScore === null ? [] : [judgeScore]));
  const costs = good.map(({ costMicroUsd }) => costMicroUsd);
  const durations = good.map(({ durationMs }) => durationMs);
  return {
    model,
    calls: calls.length,
    failed: calls.length - good.length,
    failures,
    firstPartP50Ms: quantile(
      good.flatMap(({ firstPartMs }) => (firstPartMs === null ? [] : [firstPartMs])),
      0.5,
    ),
    durationP50Ms: quantile(durations, 0.5),
    durationP95Ms: quantile(durations, 0.95),
    tokensPerSecond: speedOf(good),
    inputTokens: sum(good.map(({ usage }) => usage?.inputTokens ?? 0)),
    outputTokens: sum(good.map(({ usage }) => usage?.outputTokens ?? 0)),
    costPerCallMicroUsd: costs.includes(null) ? null : mean(costs.map((cost) => cost ?? 0)),
    checkScore: mean(calls.map(({ checkScore }) => checkScore)) ?? 0,
    judgeScore: mean(judged),
    byTask: Object.fromEntries(tasks.map((task) => [task, ofTask(task)])),
  };
}

function scoreOf({ checkScore, judgeScore }: ComparedCall): number {
  return qualityOf({ checkScore, judgeScore });
}

/** Only the time after the first part is the model's speed; before it, it reads. */
function speedOf(calls: readonly ComparedCall[]): number | null {
  const speeds = calls.flatMap(({ usage, firstPartMs, durationMs }) => {
    const ms = durationMs - (firstPartMs ?? durationMs);
    return usage === null || ms <= 0 || usage.outputTokens < 2 ? [] : [(usage.outputTokens * 1_000) / ms];
  });
  return quantile(speeds, 0.5);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
