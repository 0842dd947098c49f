import type { Clock } from "../../base/index.ts";

/** Rings once at a moment that may be moved while it waits. */
export interface Alarm {
  /** The moment that is set; Infinity when there is none. */
  readonly atMs: number;
  /** Sets the moment, in milliseconds of the monotonic clock; Infinity sets none. */
  set(atMs: number): void;
}

/** Makes an alarm. Cost: one timer; none while no moment is set. */
export function createAlarm(clock: Clock, ring: () => void): Alarm {
  let dueMs = Number.POSITIVE_INFINITY;
  let sleeper: { readonly atMs: number; readonly stop: AbortController } | undefined;

  const wait = async (mine: { readonly stop: AbortController }): Promise<void> => {
    try {
      await clock.sleep(Math.max(0, Math.ceil(dueMs - clock.monotonic())), { signal: mine.stop.signal });
    } catch {
      return;
    }
    if (sleeper !== mine) return;
    sleeper = undefined;
    // The moment has moved on, or the timer came a little early: sleep on.
    if (clock.monotonic() < dueMs) return start();
    dueMs = Number.POSITIVE_INFINITY;
    ring();
  };
  const start = (): void => {
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const mine = { atMs: dueMs, stop: new AbortController() };
    sleeper = mine;
    void wait(mine);
  };
  return {
    get atMs() {
      return dueMs;
    },
    set(atMs) {
      dueMs = atMs;
      // A later moment is met when the sleeper wakes; but nothing sleeps, or holds the process, where there is none.
      if (sleeper !== undefined && sleeper.atMs <= atMs && atMs !== Number.POSITIVE_INFINITY) return;
      sleeper?.stop.abort();
      sleeper = undefined;
      start();
    },
  };
}
