import type { ErrorData, JsonObject, JsonValue } from "../base/index.ts";
import { fromErrorData } from "../base/index.ts";
import { beginnings, engineEvents, outcomes } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { RunEvent } from "./run.ts";

/** Is the outcome of something that a run did before, as its log tells it. `emitsBefore` counts the events emitted until then. */
export type Recorded = { readonly at: number; readonly emitsBefore: number } & (
  | { readonly status: "completed"; readonly output: JsonValue | undefined }
  | { readonly status: "failed"; readonly error: ErrorData }
);

/** Holds what a run did before it was taken up: each outcome is given out once, then forgotten. */
export interface RecordedSteps {
  /** The state of the last checkpoint. */
  readonly checkpoint: JsonValue | undefined;
  /** How often each name had been used at the checkpoint: keys go on from there, so that each is unique in the log. */
  readonly counts: Readonly<Record<string, number>>;
  /** How many events were emitted since the checkpoint: a function that runs again does not add them a second time. */
  readonly emits: number;
  /** How many outcomes are left to give out. */
  readonly left: number;
  /** What had begun and has no outcome yet (a timer, a child run, a wait), by key. */
  readonly open: ReadonlyMap<string, JsonObject>;
  take(key: string): Recorded | undefined;
}

/** Is what a checkpoint holds beside the function's own state. */
interface Checkpoint {
  readonly state?: JsonValue;
  readonly counts?: Readonly<Record<string, number>>;
}

/** Is the memory of a run that is new. */
export const nothingRecorded: RecordedSteps = {
  checkpoint: undefined,
  counts: {},
  emits: 0,
  left: 0,
  open: new Map(),
  take: () => undefined,
};

/** Reads a run's log from its last checkpoint on. Cost: what happened since then, not since the start. */
export async function loadRecorded(journal: Journal, runId: string, checkpointSeq: number): Promise<RecordedSteps> {
  const found = new Map<string, Recorded>();
  const open = new Map<string, JsonObject>();
  let checkpoint: Checkpoint = {};
  let emits = 0;
  for await (const event of journal.eventsAfter(runId, checkpointSeq - 1)) {
    if (event.type === "run.checkpointed") checkpoint = event.data as Checkpoint;
    if (event.key === undefined) {
      if (!engineEvents.has(event.type)) emits++;
    } else if (beginnings.has(event.type)) open.set(event.key, event.data as JsonObject);
    else if (outcomes.has(event.type)) {
      open.delete(event.key);
      found.set(event.key, outcomeOf(event, emits));
    }
  }
  return {
    checkpoint: checkpoint.state,
    counts: checkpoint.counts ?? {},
    emits,
    get left() {
      return found.size;
    },
    open,
    take(key) {
      const outcome = found.get(key);
      found.delete(key);
      return outcome;
    },
  };
}

function outcomeOf({ at, data }: RunEvent, emitsBefore: number): Recorded {
  const { output, error } = data as { readonly output?: JsonValue; readonly error?: ErrorData };
  return error ? { status: "failed", error, at, emitsBefore } : { status: "completed", output, at, emitsBefore };
}

/** Gives a recorded outcome as it was: its output, or its error thrown. */
export function replay(recorded: Recorded): JsonValue | undefined {
  if (recorded.status === "failed") throw fromErrorData(recorded.error);
  return recorded.output;
}
