import type { Clock } from "../../base/index.ts";
import { systemClock, toAtlasError } from "../../base/index.ts";
import type { Attempt } from "../call-report.ts";
import { collect, type Generation } from "../generate.ts";
import type { Model, StreamPart } from "../model.ts";
import type { Prices } from "../money/price.ts";
import type { ComparedCall } from "./compared-call.ts";
import { judgeAnswer } from "./judge.ts";
import { type ComparisonPrompt, standardPrompts } from "./prompts.ts";
import { type ModelSummary, summarize } from "./summary.ts";

/** Is what a comparison found. Order: summaries with the best first. */
export interface Comparison {
  readonly startedAt: string;
  readonly rounds: number;
  readonly prompts: readonly string[];
  readonly judge: string | null;
  readonly priceTable: string | null;
  readonly models: readonly ModelSummary[];
  readonly calls: readonly ComparedCall[];
}

/** Are the options of `compareModels`. `rounds` is how often each prompt is asked of each model (default 3). */
export interface ComparisonOptions {
  readonly models: readonly Model[];
  readonly prompts?: readonly ComparisonPrompt[];
  readonly rounds?: number;
  /** Grades the answers; it should not be one of the compared. */
  readonly judge?: Model | undefined;
  readonly prices?: Prices | undefined;
  readonly clock?: Clock;
  readonly signal?: AbortSignal | undefined;
  readonly onCall?: (call: ComparedCall, done: number, total: number) => void;
}

/** Does what `compareModels` says. */
export async function runComparison(options: ComparisonOptions): Promise<Comparison> {
  const { models, prompts = standardPrompts, rounds = 3, judge, prices, clock = systemClock, signal } = options;
  const startedAt = new Date(clock.now()).toISOString();
  const total = models.length * prompts.length * rounds;
  const calls: ComparedCall[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const prompt of prompts) {
      for (const model of models) {
        signal?.throwIfAborted();
        const measured = await measure({ model, prompt, round, prices, clock, signal });
        const call = await withJudgement(measured, { judge, prompt, signal });
        calls.push(call);
        options.onCall?.(call, calls.length, total);
      }
    }
  }
  return {
    startedAt,
    rounds,
    prompts: prompts.map(({ id }) => id),
    judge: judge === undefined ? null : nameOf(judge),
    priceTable: prices?.version ?? null,
    models: summarize(calls, models.map(nameOf)),
    calls,
  };
}

function nameOf({ provider, name }: Model): string {
  return `${provider}/${name}`;
}

interface Measurement {
  readonly model: Model;
  readonly prompt: ComparisonPrompt;
  readonly round: number;
  readonly prices: Prices | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

type Measured = { readonly call: ComparedCall; readonly answer: Generation | undefined };

async function measure({ model, prompt, round, prices, clock, signal }: Measurement): Promise<Measured> {
  const collector = collect(model);
  const attempts: Attempt[] = [];
  const start = clock.monotonic();
  let firstPartMs: number | null = null;
  let failure: string | undefined;
  try {
    const onAttempt = (attempt: Attempt): void => void attempts.push(attempt);
    for await (const part of model.stream(prompt.request, { signal, task: prompt.task, onAttempt })) {
      if (isContent(part)) firstPartMs ??= clock.monotonic() - start;
      collector.push(part);
    }
  } catch (error) {
    signal?.throwIfAborted();
    failure = toAtlasError(error).code;
  }
  const answer = collector.result;
  const checked = answer === undefined ? { score: 0, missing: [] } : prompt.check(answer);
  const call: ComparedCall = {
    model: nameOf(model),
    prompt: prompt.id,
    task: prompt.task,
    round,
    ok: answer !== undefined && failure === undefined,
    ...(failure !== undefined && { code: failure }),
    firstPartMs,
    durationMs: clock.monotonic() - start,
    usage: answer?.usage ?? null,
    costMicroUsd: costOf({ model, answer, attempts, prices }),
    checkScore: checked.score,
    missing: checked.missing,
    judgeScore: null,
  };
  return { call, answer };
}

function isContent(part: StreamPart): boolean {
  return part.type === "text.delta" || part.type === "reasoning.delta" || part.type === "tool.started";
}

interface Priced {
  readonly model: Model;
  readonly answer: Generation | undefined;
  readonly attempts: readonly Attempt[];
  readonly prices: Prices | undefined;
}

function costOf({ model, answer, attempts, prices }: Priced): number | null {
  if (answer?.report !== undefined) return answer.report.costMicroUsd;
  if (attempts.length > 0) {
    return attempts.reduce<number | null>(
      (sum, { costMicroUsd }) => (sum === null || costMicroUsd === null ? null : sum + costMicroUsd),
      0,
    );
  }
  if (model.capabilities.cost === "free") return 0;
  if (answer === undefined || prices === undefined) return null;
  return prices.costMicroUsd({ provider: model.provider, model: model.name, usage: answer.usage });
}

async function withJudgement(
  { call, answer }: Measured,
  to: { judge: Model | undefined; prompt: ComparisonPrompt; signal: AbortSignal | undefined },
): Promise<ComparedCall> {
  if (to.judge === undefined || answer === undefined || answer.text.trim() === "") return call;
  try {
    const { question } = to.prompt;
    const found = await judgeAnswer(to.judge, { question, answer: answer.text }, { signal: to.signal });
    return found === undefined ? call : { ...call, judgeScore: found.score, judgeReason: found.reason };
  } catch (error) {
    to.signal?.throwIfAborted();
    return { ...call, judgeReason: `The judge failed: ${toAtlasError(error).code}.` };
  }
}
