import type { RunEvent } from "../../src/runs/index.ts";

/** Holds the entries with which a run gets another owner. */
export const ownerships: ReadonlySet<string> = new Set(["run.claimed", "run.resumed"]);

/** Holds the entries that record how something ended, once for each key. */
export const outcomeTypes: ReadonlySet<string> = new Set([
  "step.completed",
  "step.failed",
  "call.completed",
  "call.failed",
  "timer.fired",
  "signal.received",
  "signal.timed_out",
]);

/** Counts the executions that a log allows: one for each owner, and the first of a run that began at once. */
export function executionsOf(log: readonly RunEvent[]): number {
  return 1 + log.filter(({ type }) => ownerships.has(type)).length;
}
