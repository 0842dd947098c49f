import { raceAbort } from "../base/index.ts";

/** Says what becomes of work when all who waited for it have left: it is stopped, or it goes on to its end. */
export type WhenAlone = "stop" | "finish";

/**
 * Makes one piece of work out of many calls for it: who comes while it is under way waits for the same outcome. A caller's own
 * signal lets go of that caller alone.
 *
 * Errors: those of the work, to all who wait for it; the signal's reason to who left.
 */
export function singleFlight<T>(
  work: (signal: AbortSignal) => Promise<T>,
  whenAlone: WhenAlone,
): (signal?: AbortSignal) => Promise<T> {
  let flight: { readonly outcome: Promise<T>; readonly stop: AbortController; waiting: number } | undefined;
  return async (signal) => {
    signal?.throwIfAborted();
    if (flight === undefined) {
      const stop = new AbortController();
      const mine = { outcome: work(stop.signal), stop, waiting: 0 };
      flight = mine;
      const land = (): void => {
        if (flight === mine) flight = undefined;
      };
      mine.outcome.then(land, land);
    }
    const joined = flight;
    joined.waiting++;
    try {
      return await raceAbort(joined.outcome, signal);
    } finally {
      joined.waiting--;
      if (joined.waiting === 0 && whenAlone === "stop") {
        if (flight === joined) flight = undefined;
        joined.stop.abort();
      }
    }
  };
}
