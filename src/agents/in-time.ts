import { isAtlasError, raceAbort } from "../base/index.ts";

/**
 * Calls a function of the user's and leaves it behind when the signal aborts, as at the end of the agent's time: it may never end.
 *
 * Errors: those of the function; the signal's reason when it aborts.
 */
export async function inTime<T>(signal: AbortSignal, call: () => T | Promise<T>): Promise<T> {
  return await raceAbort((async () => await call())(), signal);
}

/** Tells whether an error says that the agent's time is over. */
export function isLate(error: unknown): boolean {
  return isAtlasError(error) && error.code === "agent_timed_out";
}
