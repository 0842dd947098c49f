import type { AtlasError, JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { Activity } from "./activity.ts";
import { runErrors } from "./errors.ts";
import type { LogWriter } from "./log-writer.ts";
import { dataOf } from "./plain.ts";
import type { Beginning } from "./recorded-steps.ts";
import type { StepOptions } from "./run.ts";
import type { Inbox } from "./signals.ts";
import { decisionOn } from "./signals.ts";

/** Is what a cut off effect is settled with. */
export interface EffectSurroundings {
  readonly writer: LogWriter;
  readonly activity: Activity;
  readonly inbox: Inbox;
}

/** Is an effect that an earlier execution began, of which the log holds no outcome. */
export interface CutEffect {
  readonly key: string;
  readonly name: string;
  readonly options: Pick<StepOptions, "onUnknown">;
  readonly begun: Beginning;
}

/** Says what becomes of an effect that was cut off: its outcome when that is decided; undefined when it is to be done. */
export async function settleUnknown(
  around: EffectSurroundings,
  effect: CutEffect,
): Promise<{ readonly output: JsonValue | undefined } | undefined> {
  const { key, name, begun, options } = effect;
  if (begun.type === "effect.decided") return await follow(around, key, readDecision(begun.data));
  if (begun.type === "effect.started") {
    if (options.onUnknown === "fail") throw await failed(around, key, unknownEffect(key));
    if (options.onUnknown !== "park") return undefined;
    await around.writer.wait({ type: "effect.parked", key, data: { key, name, ...begun.data } });
  } else if (begun.type !== "effect.parked") return undefined;
  around.activity.works(-1);
  try {
    const wait = { name: decisionOn(key), key, entryOf: (data: JsonValue) => ({ type: "effect.decided", key, data }) };
    return await follow(around, key, readDecision(await around.inbox.take(wait)));
  } finally {
    around.activity.works(1);
  }
}

async function follow(
  around: EffectSurroundings,
  key: string,
  decision: KeptDecision,
): Promise<{ readonly output: JsonValue | undefined } | undefined> {
  if (decision.outcome === "retry") return undefined;
  if (decision.outcome === "fail")
    throw await failed(around, key, unknownEffect(key, decision.reason ?? "it was decided to fail"));
  const { output } = decision;
  const result = output === undefined ? {} : { output };
  await around.writer.append({ type: "step.completed", key, data: { ...result, durationMs: 0, decided: true } });
  return { output };
}

async function failed({ writer }: EffectSurroundings, key: string, error: AtlasError): Promise<AtlasError> {
  await writer.append({ type: "step.failed", key, data: { error: dataOf(error), durationMs: 0 } });
  return error;
}

/** Makes the error of an effect of which nobody knows whether it happened. */
function unknownEffect(key: string, reason?: string): AtlasError {
  const why = reason === undefined ? "a crash cut it off before its outcome was recorded" : reason;
  return runErrors.create("effect_unknown", `Nobody knows whether the effect ${key} happened: ${why}.`, {
    details: { key },
  });
}

/** Is a decision as it is kept: what became of an effect that was parked. */
interface KeptDecision {
  readonly outcome: "done" | "retry" | "fail";
  readonly output?: JsonValue;
  readonly reason?: string;
}

/** Reads a decision. */
function readDecision(data: JsonValue): KeptDecision {
  const { outcome, output, reason } = isJsonObject(data) ? data : {};
  if (outcome === "done") return { outcome, ...(output === undefined ? {} : { output }) };
  if (outcome === "retry") return { outcome };
  return { outcome: "fail", ...(typeof reason === "string" ? { reason } : {}) };
}
