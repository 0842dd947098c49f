import type { ErrorData, JsonObject, JsonValue } from "../base/index.ts";
import { fromErrorData } from "../base/index.ts";
import type { Journal } from "./journal.ts";
import type { RunEvent } from "./run.ts";

/** Is the outcome of something that a run did before, as its log tells it. */
export type Recorded =
  | { readonly status: "completed"; readonly output: JsonValue | undefined; readonly at: number }
  | { readonly status: "failed"; readonly error: ErrorData; readonly at: number };

/** Holds what a run did before it was taken up: each outcome is given out once, then forgotten. */
export interface RecordedSteps {
  /** The state of the last checkpoint. */
  readonly checkpoint: JsonValue | undefined;
  /** How often each name had been used at the checkpoint: keys go on from there, so that each is unique in the log. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many outcomes are left to give out; zero means that the run does new work. */
  readonly left: number;
  take(key: string): Recorded | undefined;
  /** Gives the data of something that had begun and has no outcome yet (a timer, a child run, a wait). */
  begun(key: string): JsonObject | undefined;
}

const completed = new Set(["step.completed", "call.completed", "timer.fired", "signal.received"]);
const failed = new Set(["step.failed", "call.failed", "signal.timed_out"]);
const begun = new Set(["timer.started", "call.started", "signal.awaited"]);

/** Is the memory of a run that is new. */
export const nothingRecorded: RecordedSteps = {
  checkpoint: undefined,
  counts: {},
  left: 0,
  take: () => undefined,
  begun: () => undefined,
};

/** Reads a run's log from its last checkpoint on. Cost: what happened since then, not since the start. */
export async function loadRecorded(journal: Journal, runId: string, checkpointSeq: number): Promise<RecordedSteps> {
  const outcomes = new Map<string, Recorded>();
  const open = new Map<string, JsonObject>();
  let checkpoint: { readonly state?: JsonValue; readonly counts?: Readonly<Record<string, number>> } = {};
  for await (const event of journal.eventsAfter(runId, checkpointSeq - 1)) {
    if (event.type === "run.checkpointed") checkpoint = event.data as typeof checkpoint;
    if (event.key === undefined) continue;
    const outcome = outcomeOf(event);
    if (outcome) outcomes.set(event.key, outcome);
    else if (begun.has(event.type)) open.set(event.key, event.data as JsonObject);
  }
  return {
    checkpoint: checkpoint.state,
    counts: checkpoint.counts ?? {},
    get left() {
      return outcomes.size;
    },
    take(key) {
      const outcome = outcomes.get(key);
      outcomes.delete(key);
      return outcome;
    },
    begun: (key) => open.get(key),
  };
}

function outcomeOf({ type, at, data }: RunEvent): Recorded | undefined {
  const { output, error } = data as { readonly output?: JsonValue; readonly error?: ErrorData };
  if (completed.has(type)) return { status: "completed", output, at };
  return failed.has(type) && error ? { status: "failed", error, at } : undefined;
}

/** Gives a recorded outcome as it was: its output, or its error thrown. */
export function replay(recorded: Recorded): JsonValue | undefined {
  if (recorded.status === "failed") throw fromErrorData(recorded.error);
  return recorded.output;
}
