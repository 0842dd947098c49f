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

  const left = (): number | undefined =>
    pausedAt === undefined && !controller.signal.aborted ? Math.min(due, totalDue) - clock.monotonic() : undefined;
  const alarm = createAlarm(clock, left, () => {
    expired = totalDue < due ? "totalMs" : bound;
    controller.abort();
  });
  const enter = (next: Expiry, ms: number): void => {
    if (bound === "tail") return;
    const moved = bound !== next;
    bound = next;
    due = clock.monotonic() + ms;
    // A later end is met when the alarm wakes and looks again; only another bound can have an earlier one.
    if (moved) alarm.restart();
  };
  const abort = (): void => {
    controller.abort(outer?.reason);
    alarm.stop();
  };

  if (outer?.aborted === true) abort();
  else {
    outer?.addEventListener("abort", abort, { once: true });
    alarm.restart();
  }
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    progress: () => enter("idleMs", timeouts.idleMs),
    enterTail: () => enter("tail", tailMs),
    pause() {
      pausedAt = clock.monotonic();
    },
    resume() {
      if (pausedAt === undefined) return;
      const pausedMs = clock.monotonic() - pausedAt;
      pausedAt = undefined;
      due += pausedMs;
      totalDue += pausedMs;
      if (!alarm.set) alarm.restart();
    },
    [Symbol.dispose]() {
      outer?.removeEventListener("abort", abort);
      alarm.stop();
    },
  };
}

interface Alarm {
  readonly set: boolean;
  restart(): void;
  stop(): void;
}

/** Makes an alarm that rings when `left` comes to 0; it looks again whenever it wakes, and is unset when there is no end. */
function createAlarm(clock: Clock, left: () => number | undefined, ring: () => void): Alarm {
  let sleeper: AbortController | undefined;
  const run = async (mine: AbortController): Promise<void> => {
    for (let ms = left(); ms !== undefined && !mine.signal.aborted; ms = left()) {
      if (ms <= 0) {
        ring();
        break;
      }
      try {
        await clock.sleep(ms, { signal: mine.signal, keepAlive: false });
      } catch {
        break;
      }
    }
    if (sleeper === mine) sleeper = undefined;
  };
  return {
    get set() {
      return sleeper !== undefined;
    },
    restart() {
      sleeper?.abort();
      sleeper = new AbortController();
      void run(sleeper);
    },
    stop() {
      sleeper?.abort();
      sleeper = undefined;
    },
  };
}
