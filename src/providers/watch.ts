import type { Clock } from "../base/index.ts";

/**
 * Bounds the waits of one call. Units: milliseconds. `connectMs` until there is a connection; `firstPartMs` from the start to
 * the first part of the answer; `idleMs` between parts; `totalMs` for all of it. Time in which the reader is busy does not count.
 */
export interface Timeouts {
  readonly connectMs: number;
  readonly firstPartMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

/** Are the bounds of a call that names none. */
export const defaultTimeouts: Timeouts = {
  connectMs: 10_000,
  firstPartMs: 180_000,
  idleMs: 120_000,
  totalMs: 3_600_000,
};

/** How long the end of a stream may still bring a usage record once the answer itself is whole. */
const tailMs = 250;

/** Names the bound that ran out. `tail` is no failure: the answer was whole. */
export type Expiry = "firstPartMs" | "idleMs" | "totalMs" | "tail";

/** Watches over the time of one call; its signal aborts when a bound runs out or the caller's signal aborts. */
export interface Watch extends Disposable {
  readonly signal: AbortSignal;
  readonly expired: Expiry | undefined;
  /** Says that a part came: the idle time starts again. */
  progress(): void;
  /** Says that the answer is whole and only its tail may follow. */
  enterTail(): void;
  /** Stops all clocks while the reader is busy. */
  pause(): void;
  resume(): void;
}

/** Makes a watch. Cost: one timer for the whole call, however many parts come. */
export function createWatch(timeouts: Timeouts, clock: Clock, outer?: AbortSignal): Watch {
  const controller = new AbortController();
  const start = clock.monotonic();
  let totalDue = start + timeouts.totalMs;
  let due = start + timeouts.firstPartMs;
  let bound: Expiry = "firstPartMs";
  let expired: Expiry | undefined;
  let pausedAt: number | undefined;
  let sleeper: AbortController | undefined;

  const abort = (): void => {
    controller.abort(outer?.reason);
    sleeper?.abort();
  };
  const run = async (mine: AbortController): Promise<void> => {
    while (!mine.signal.aborted && pausedAt === undefined) {
      const left = Math.min(due, totalDue) - clock.monotonic();
      if (left <= 0) {
        expired = totalDue < due ? "totalMs" : bound;
        controller.abort();
        break;
      }
      try {
        await clock.sleep(left, { signal: mine.signal, keepAlive: false });
      } catch {
        break;
      }
    }
    if (sleeper === mine) sleeper = undefined;
  };
  const restart = (): void => {
    sleeper?.abort();
    sleeper = new AbortController();
    void run(sleeper);
  };

  if (outer?.aborted === true) abort();
  else {
    outer?.addEventListener("abort", abort, { once: true });
    restart();
  }
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    progress() {
      if (bound === "tail") return;
      const first = bound === "firstPartMs";
      bound = "idleMs";
      due = clock.monotonic() + timeouts.idleMs;
      // A later bound is met when the sleeper wakes and looks again; only the first idle bound can be an earlier one.
      if (first) restart();
    },
    enterTail() {
      if (bound === "tail") return;
      bound = "tail";
      due = clock.monotonic() + tailMs;
      restart();
    },
    pause() {
      pausedAt = clock.monotonic();
    },
    resume() {
      if (pausedAt === undefined) return;
      const pausedMs = clock.monotonic() - pausedAt;
      pausedAt = undefined;
      due += pausedMs;
      totalDue += pausedMs;
      if (sleeper === undefined && !controller.signal.aborted) restart();
    },
    [Symbol.dispose]() {
      outer?.removeEventListener("abort", abort);
      sleeper?.abort();
      pausedAt ??= 0;
    },
  };
}
