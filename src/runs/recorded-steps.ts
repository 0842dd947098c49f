import type { ErrorData, JsonObject, JsonValue } from "../base/index.ts";
import { fromErrorData, stringifyJson } from "../base/index.ts";
import { beginnings, engineEvents, outcomes } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { EmittedEvent, RunEvent } from "./run.ts";
import { createUpcaster } from "./upcasters.ts";

/** Is the outcome of something that a run did before, as its log tells it. `emitsBefore` counts the events emitted until then. */
export type Recorded = { readonly at: number; readonly emitsBefore: number } & (
  | { readonly status: "completed"; readonly output: JsonValue | undefined }
  | { readonly status: "failed"; readonly error: ErrorData }
);

/** Is the last word of the log on something that began and has no outcome yet. Units: `at` in ms since the Unix epoch. */
export interface Beginning {
  readonly type: string;
  readonly at: number;
  readonly data: JsonObject;
}

/** Holds what a run did before it was taken up: each outcome is given out once, then forgotten. */
export interface RecordedSteps {
  /** The state of the last checkpoint. */
  readonly checkpoint: JsonValue | undefined;
  /** How often each name had been used at the checkpoint: keys go on from there, so that each is unique in the log. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many outcomes are left to give out. */
  readonly left: number;
  /** What had begun and has no outcome yet (a timer, a child run, a wait, an effect, a step between two attempts), by key. */
  readonly open: ReadonlyMap<string, Beginning>;
  /** How often the run's process died since the last outcome. */
  readonly losses: number;
  /** Tells whether an outcome of this key is left to give out. */
  has(key: string): boolean;
  take(key: string): Recorded | undefined;
  /**
   * Tells whether the log lacks an event that the function emits: one that runs again does not add it a second time. Each is known
   * by what it says, not by its turn, which is another where branches go on at the same time.
   */
  isNewEmit(event: EmittedEvent): boolean;
  /** Gives what the log knows of something that has begun, once: who asks again begins it anew. */
  takeOpen(key: string): Beginning | undefined;
}

/** Is what a checkpoint holds beside the function's own state. */
interface Checkpoint {
  readonly state?: JsonValue;
  readonly counts?: Readonly<Record<string, number>>;
}

/** How many processes a run may end without getting any further. */
const maxLosses = 5;

/** Is the memory of a run that is new. */
export const nothingRecorded: RecordedSteps = {
  checkpoint: undefined,
  counts: {},
  left: 0,
  open: new Map(),
  losses: 0,
  has: () => false,
  take: () => undefined,
  isNewEmit: () => true,
  takeOpen: () => undefined,
};

/** Reads a run's log from its last checkpoint on. Cost: what happened since then, not since the start. */
export async function loadRecorded(journal: Journal, runId: string, checkpointSeq: number): Promise<RecordedSteps> {
  const found = new Map<string, Recorded>();
  const open = new Map<string, Beginning>();
  let checkpoint: Checkpoint = {};
  const emits: string[] = [];
  let losses = 0;
  const upcast = createUpcaster();
  for await (const stored of journal.eventsAfter(runId, checkpointSeq - 1)) {
    const event = upcast(stored);
    const { type, key, at, data } = event;
    if (type === "run.checkpointed") checkpoint = data as Checkpoint;
    if (key === undefined) {
      if (!engineEvents.has(type)) emits.push(signOf(event));
      if (type === "run.retried" || type === "run.forked") forget(forgottenBy(event), found, emits);
      if (type === "run.forked") beginAnew(event, open);
      if (isLoss(event)) losses++;
      // A run that was made of this one has ended no process yet; nor did the attempts that failed by themselves.
      else if (type === "run.forked" || type === "run.retried") losses = 0;
    } else if (beginnings.has(type)) {
      open.set(key, { type, at, data: data as JsonObject });
      // What its body asked for and what failed in there is asked for anew; the rest is given to the next attempt.
      if (type === "step.retried") for (const failed of forgottenBy(event)) found.delete(failed);
    } else if (outcomes.has(type)) {
      open.delete(key);
      losses = 0;
      found.set(key, outcomeOf(event, emits.length));
    }
  }
  const emitted = countEach(emits);
  return {
    checkpoint: checkpoint.state,
    counts: checkpoint.counts ?? {},
    get left() {
      return found.size;
    },
    open,
    losses,
    has: (key) => found.has(key),
    take(key) {
      const outcome = found.get(key);
      found.delete(key);
      return outcome;
    },
    isNewEmit(event) {
      if (emitted.size === 0) return true;
      const sign = signOf(event);
      const count = emitted.get(sign);
      if (count === undefined) return true;
      if (count === 1) emitted.delete(sign);
      else emitted.set(sign, count - 1);
      return false;
    },
    takeOpen(key) {
      const begun = open.get(key);
      open.delete(key);
      return begun;
    },
  };
}

/** Names the outcomes that an entry makes the run forget. */
function forgottenBy({ data }: RunEvent): readonly string[] {
  const { forget: keys = [] } = data as { readonly forget?: string | readonly string[] };
  return typeof keys === "string" ? [keys] : keys;
}

/** Forgets outcomes, and what was emitted after the first of them, which is emitted anew. */
function forget(keys: readonly string[], found: Map<string, Recorded>, emits: string[]): void {
  for (const key of keys) {
    emits.length = Math.min(emits.length, found.get(key)?.emitsBefore ?? emits.length);
    found.delete(key);
  }
}

/** Makes what an event is known by: short, whatever it says. */
function signOf({ type, data = null }: EmittedEvent): string {
  // Taken when it is needed: an import of node:crypto takes some milliseconds.
  const { hash } = process.getBuiltinModule("node:crypto");
  return `${type} ${hash("sha1", stringifyJson(data, `data of ${type}`), "base64")}`;
}

function countEach(signs: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const sign of signs) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  return counts;
}

/** What the run that was forked had begun is its own business; only effects count for a fork that goes on in its name. */
function beginAnew(event: RunEvent, open: Map<string, Beginning>): void {
  const { redriven = false } = event.data as { readonly redriven?: boolean };
  for (const [key, { type }] of open) if (!redriven || !type.startsWith("effect.")) open.delete(key);
}

function isLoss({ type, data }: RunEvent): boolean {
  return (type === "run.resumed" || type === "run.returned") && (data as { readonly lost?: boolean }).lost === true;
}

function outcomeOf({ at, data }: RunEvent, emitsBefore: number): Recorded {
  const { output, error } = data as { readonly output?: JsonValue; readonly error?: ErrorData };
  return error ? { status: "failed", error, at, emitsBefore } : { status: "completed", output, at, emitsBefore };
}

/**
 * Tells whether a run ended its process again and again without getting any further. One with children under way is given twice as
 * many: if it is a child that does it, the child is found out first. One that waits for a time or a person has hardly done it.
 */
export function isPoisoned({ losses, open }: Pick<RecordedSteps, "losses" | "open">): boolean {
  if (losses < maxLosses) return false;
  const types = new Set([...open.values()].map(({ type }) => type));
  if (types.has("timer.started") || types.has("signal.awaited") || types.has("effect.parked"))
    return losses >= 20 * maxLosses;
  return losses >= (types.has("call.started") ? 2 * maxLosses : maxLosses);
}

/** Gives a recorded outcome as it was: its output, or its error thrown. */
export function replay(recorded: Recorded): JsonValue | undefined {
  if (recorded.status === "failed") throw fromErrorData(recorded.error);
  return recorded.output;
}
