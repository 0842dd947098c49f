import type { ErrorData, JsonObject } from "../../base/index.ts";
import type { DeadAttempt } from "../queues.ts";
import type { RunEvent } from "../run.ts";

/** Holds the entries with which somebody takes a run. */
const takings: ReadonlySet<string> = new Set(["run.claimed", "run.resumed"]);
/** Holds the entries with which an attempt ends. */
const ends: ReadonlySet<string> = new Set(["run.retried", "run.failed", "run.cancelled", "run.completed"]);

/** Reads from a run's log each attempt: when it began and ended, who had it last, what it failed with. */
export function attemptsOf(events: readonly RunEvent[]): readonly DeadAttempt[] {
  const attempts: DeadAttempt[] = [];
  let open: DeadAttempt | undefined;
  for (const { type, at, data } of events) {
    const told = data as JsonObject;
    if (takings.has(type)) {
      const worker = told["worker"];
      open = { attempt: attempts.length + 1, startedAt: at, ...open };
      if (typeof worker === "string") open = { ...open, owner: worker };
    } else if (open !== undefined && (ends.has(type) || told["redriven"] === true)) {
      const error = told["error"] as ErrorData | undefined;
      attempts.push({ ...open, endedAt: at, ...(error === undefined ? {} : { error }) });
      open = undefined;
    }
  }
  return open === undefined ? attempts : [...attempts, open];
}
