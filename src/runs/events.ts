/** Holds the entries that record how something ended; each has the key of what it is about. */
export const outcomes: ReadonlySet<string> = new Set([
  "step.completed",
  "step.failed",
  "call.completed",
  "call.failed",
  "timer.fired",
  "signal.received",
  "signal.timed_out",
  "run.steered",
]);

/** Holds the entries that record that something began, or how far it came, which outlives a restart. */
export const beginnings: ReadonlySet<string> = new Set([
  "timer.started",
  "call.started",
  "signal.awaited",
  "step.retried",
  "effect.started",
  "effect.parked",
  "effect.decided",
]);

/** Holds the engine's own entries without a key; every other entry without a key was emitted by the function. */
export const engineEvents: ReadonlySet<string> = new Set([
  "run.started",
  "run.claimed",
  "run.resumed",
  "run.returned",
  "run.retried",
  "run.paused",
  "run.unpaused",
  "run.forked",
  "run.cancel_asked",
  "run.checkpointed",
  "run.compacted",
  "run.completed",
  "run.failed",
  "run.cancelled",
]);

/** Holds the engine's own entries that only people read. */
const spoken: ReadonlySet<string> = new Set(["step.started", "signal.refused"]);

/** Tells whether entries of a type mean something to the engine, so that no function may emit them. */
export function isReserved(type: string): boolean {
  return engineEvents.has(type) || beginnings.has(type) || outcomes.has(type) || spoken.has(type);
}
