import type { Clock, JsonObject, JsonValue, Random } from "../base/index.ts";
import { failpoint, isJsonObject, toAtlasError } from "../base/index.ts";
import type { AtlasError } from "../base/index.ts";
import type { Activity } from "./activity.ts";
import { failedKeysOf } from "./failed-keys.ts";
import type { Gate } from "./gate.ts";
import type { LogWriter } from "./log-writer.ts";
import { dataOf, toPlain, toText } from "./plain.ts";
import type { Beginning } from "./recorded-steps.ts";
import type { StepContext, StepOptions } from "./run.ts";
import type { Inbox } from "./signals.ts";
import { isWithin } from "./step-scopes.ts";
import { mayRetry, retryDelay } from "./step-retry.ts";

/** Is what doing a step works with. */
export interface StepSurroundings {
  /** Begins the idempotency key of each step. */
  readonly idempotencyId: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Spreads retries; not the run's own chance, which a replay must find as it was. */
  readonly random: Random;
  readonly writer: LogWriter;
  readonly gate: Gate;
  readonly activity: Activity;
  readonly inbox: Inbox;
  /** Makes certain that the run is still this process's; undefined, at no cost, when that is known. Errors: run_fenced. */
  readonly held: () => Promise<void> | undefined;
}

/** Is a step that is to be done. `begun` is what the log knows of it, if it was begun before. */
export interface Step<T> {
  readonly key: string;
  readonly name: string;
  readonly body: (step: StepContext) => T | Promise<T>;
  readonly options: StepOptions;
  readonly begun: Beginning | undefined;
}

/** Does a step and records its outcome. Errors: what the body failed with; effect_unknown; step_not_json. */
export function doStep<T>(around: StepSurroundings, step: Step<T>): Promise<JsonValue | undefined> {
  const isNew = step.begun === undefined && step.options.onUnknown === undefined && step.options.retry === undefined;
  return isNew ? attempts(around, step, 1) : goOn(around, step);
}

/** Goes on with a step that may have been begun before; attempts of earlier executions count. */
async function goOn<T>(around: StepSurroundings, step: Step<T>): Promise<JsonValue | undefined> {
  const { begun } = step;
  let next = Math.max(1, Number(begun?.data["attempt"] ?? 0));
  around.activity.works(1);
  try {
    if (begun?.type.startsWith("effect.") === true) {
      const { settleUnknown } = await import("./settle-unknown.ts");
      const settled = await settleUnknown(around, { ...step, begun });
      if (settled !== undefined) return settled.output;
    }
    if (begun?.type === "step.retried") {
      await rest(around, begun.at + Number(begun.data["delayMs"]) - around.clock.now());
      next++;
    }
  } finally {
    around.activity.works(-1);
  }
  return await attempts(around, step, next);
}

/** Does a step as often as its policy allows. */
async function attempts<T>(around: StepSurroundings, step: Step<T>, first: number): Promise<JsonValue | undefined> {
  const { signal, clock, writer, activity } = around;
  const { key, name, options } = step;
  const { announce, onUnknown } = options;
  const begin = clock.monotonic();
  activity.works(1);
  try {
    if (announce !== undefined) writer.emit({ type: "step.started", data: { key, ...asObject(announce) } }, key);
    for (let count = first; ; count++) {
      if (onUnknown !== undefined)
        await writer.append({ type: "effect.started", key, data: { name, attempt: count, onUnknown } });
      const what = `result of the step ${key}`;
      let value: JsonValue | undefined;
      let text: string | undefined;
      const held = around.held();
      if (held !== undefined) await held;
      failpoint("step.before");
      try {
        const result = step.body({ signal, idempotencyKey: `${around.idempotencyId}:${key}` });
        value = toPlain(result instanceof Promise ? await result : result, what);
        if (options.deferred !== true) text = toText(value, what);
      } catch (cause) {
        // What a stop interrupted has not failed: the next execution does it again.
        if (signal.aborted) throw signal.reason;
        const error = toAtlasError(cause);
        const within = failedKeysOf(cause).filter((failed) => isWithin(failed, key));
        if (await triesAgain(around, step, { attempt: count, error, within })) continue;
        const durationMs = passedMs(clock, begin);
        await writer.append({ type: "step.failed", key, data: { error: dataOf(error), durationMs } });
        throw error;
      }
      failpoint("step.after");
      const durationMs = passedMs(clock, begin);
      if (options.deferred === true) {
        // It goes with whatever is written next, or by itself in a moment; a store that fails ends the run, whoever waits.
        const data = value === undefined ? { durationMs } : { output: value, durationMs };
        writer.emit({ type: "step.completed", data }, key);
        return value;
      }
      // The output is written as JSON once, here and nowhere else.
      const output = text === undefined ? "" : `"output":${text},`;
      await writer.append({ type: "step.completed", key, text: `{${output}"durationMs":${durationMs}}` });
      return value;
    }
  } finally {
    activity.works(-1);
  }
}

function passedMs(clock: Clock, begin: number): number {
  return Math.round((clock.monotonic() - begin) * 10) / 10;
}

/** Records a failed attempt and waits, when the policy allows another one. */
async function triesAgain<T>(
  around: StepSurroundings,
  { key, options: { retry } }: Step<T>,
  failed: { readonly attempt: number; readonly error: AtlasError; readonly within: readonly string[] },
): Promise<boolean> {
  if (retry === undefined || failed.attempt >= retry.attempts || !mayRetry(failed.error)) return false;
  const delayMs = retryDelay(retry, failed.attempt, around.random);
  const forget = failed.within.length === 0 ? {} : { forget: failed.within };
  const data = { attempt: failed.attempt, error: dataOf(failed.error), delayMs, ...forget };
  await around.writer.append({ type: "step.retried", key, data });
  await rest(around, delayMs);
  return true;
}

/** Waits between two attempts; a pause of the run holds the next one back. */
async function rest({ activity, clock, gate, signal }: StepSurroundings, ms: number): Promise<void> {
  activity.works(-1);
  try {
    if (ms > 0) await activity.wait(clock.sleep(ms, { signal }));
    const passed = gate.passed(signal);
    if (passed !== undefined) await activity.wait(passed);
  } finally {
    activity.works(1);
  }
}

function asObject(value: JsonValue): JsonObject {
  return isJsonObject(value) ? value : { detail: value };
}
