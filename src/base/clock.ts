import { setTimeout as delay } from "node:timers/promises";

/** Is the only source of time. Units: milliseconds; `now` since the Unix epoch, `monotonic` since an arbitrary start. */
export interface Clock {
  now(): number;
  monotonic(): number;
  /** Waits; rejects with the signal's reason when it aborts. Does not keep the process alive if `keepAlive` is false. */
  sleep(ms: number, options?: SleepOptions): Promise<void>;
}

/** Holds the options of `Clock.sleep`. */
export interface SleepOptions {
  readonly signal?: AbortSignal | undefined;
  readonly keepAlive?: boolean;
}

const maxTimerMs = 2_147_483_647;

/** Reads the machine's clocks. Waits longer than a timer can hold (24 days) are waited in parts. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, options = {}) {
    const { signal, keepAlive = true } = options;
    for (let left = ms; left > 0 || left === ms; left -= maxTimerMs) {
      signal?.throwIfAborted();
      try {
        await delay(Math.max(0, Math.min(left, maxTimerMs)), undefined, {
          ref: keepAlive,
          ...(signal ? { signal } : {}),
        });
      } catch (cause) {
        signal?.throwIfAborted();
        throw cause;
      }
      if (left <= maxTimerMs) return;
    }
  },
};
