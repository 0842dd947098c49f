import type { Clock } from "../../base/index.ts";
import { createDeadlines, type Expiry, type Timeouts } from "./deadlines.ts";

/** Bounds how long the end of a stream may still bring a usage record once the answer itself is whole. */
export const tailMs = 250;

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

/** Makes a watch, for calls to what takes a signal. Its clocks run at once. */
export function createWatch(timeouts: Timeouts, clock: Clock, outer?: AbortSignal): Watch {
  const controller = new AbortController();
  let expired: Expiry | undefined;
  const deadlines = createDeadlines(timeouts, clock, (bound) => {
    expired = bound;
    controller.abort();
  });
  const abort = (): void => {
    controller.abort(outer?.reason);
    deadlines.stop();
  };
  if (outer?.aborted === true) abort();
  else {
    outer?.addEventListener("abort", abort, { once: true });
    deadlines.run();
  }
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    progress: () => deadlines.progress(),
    enterTail: () => deadlines.enterTail(tailMs),
    pause: () => deadlines.stop(),
    resume() {
      if (!controller.signal.aborted) deadlines.run();
    },
    [Symbol.dispose]() {
      outer?.removeEventListener("abort", abort);
      deadlines[Symbol.dispose]();
    },
  };
}
