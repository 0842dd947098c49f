/** Holds the entries that record how something ended; each has the key of what it is about. */
export const outcomes: ReadonlySet<string> = new Set([
  "step.completed",
  "step.failed",
  "call.completed",
  "call.failed",
  "timer.fired",
  "signal.received",
  "signal.timed_out",
]);

/** Holds the entries that record that something began which outlives a restart. */
export const beginnings: ReadonlySet<string> = new Set(["timer.started", "call.started", "signal.awaited"]);

/** Holds the engine's own entries without a key; every other entry without a key was emitted by the function. */
export const engineEvents: ReadonlySet<string> = new Set([
  "run.started",
  "run.claimed",
  "run.resumed",
  "run.cancel_asked",
  "run.checkpointed",
  "run.completed",
  "run.failed",
  "run.cancelled",
]);

/** Tells whether entries of a type mean something to the engine, so that no function may emit them. */
export function isReserved(type: string): boolean {
  return engineEvents.has(type) || beginnings.has(type) || outcomes.has(type) || type === "step.started";
}
