import type { ErrorData, JsonObject } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { Journal, StoredRun } from "./journal.ts";
import type { EffectRecord, RunEvent } from "./run.ts";

/** Is what listing effects needs of the engine. */
interface EffectsHost {
  readonly journal: Journal;
  placeOf(run: StoredRun): Promise<string>;
}

/** Lists a run's effects in the order in which they began, each with what is known of it. Cost: reads the run's log. */
export async function listEffects(engine: EffectsHost, run: StoredRun): Promise<readonly EffectRecord[]> {
  const effects = await readEffects(engine.journal, run.id);
  const place = await engine.placeOf(run);
  // Nobody is at it any more, and nobody recorded how it ended.
  const isCut = place !== "here" && place !== "elsewhere";
  return effects.map((effect) => (isCut && effect.state === "begun" ? { ...effect, state: "unknown" } : effect));
}

/** Reads a run's effects from its log alone: one that began and has no outcome is `begun`. */
export async function readEffects(journal: Journal, runId: string): Promise<readonly EffectRecord[]> {
  const effects = new Map<string, EffectRecord>();
  for await (const event of journal.eventsAfter(runId, 0)) {
    const { key } = event;
    if (key === undefined) continue;
    const known = effects.get(key);
    const next = known === undefined ? begunBy(event, key) : changedBy(event, known);
    if (next !== undefined) effects.set(key, next);
  }
  return [...effects.values()];
}

function begunBy({ type, at, data }: RunEvent, key: string): EffectRecord | undefined {
  if (type !== "effect.started") return undefined;
  const { name = key, attempt = 1 } = data as { readonly name?: string; readonly attempt?: number };
  return { key, name, state: "begun", attempt, startedAt: at };
}

function changedBy(event: RunEvent, effect: EffectRecord): EffectRecord | undefined {
  const { type, at, data } = event;
  const { error, decided } = isJsonObject(data) ? data : {};
  const { error: _, endedAt: __, ...begun } = effect;
  switch (type) {
    case "effect.started":
      return { ...begun, state: "begun", attempt: Number((data as JsonObject)["attempt"]) };
    case "effect.parked":
      return { ...begun, state: "parked" };
    case "effect.decided":
      return { ...begun, state: "decided" };
    case "step.completed":
      return { ...begun, state: decided === true ? "decided" : "completed", endedAt: at };
    case "step.retried":
      return { ...begun, state: "failed", error: error as ErrorData };
    case "step.failed":
      return { ...begun, state: "failed", error: error as ErrorData, endedAt: at };
    default:
      return undefined;
  }
}
