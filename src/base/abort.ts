import type { Clock } from "./clock.ts";

/**
 * Waits for a promise, but no longer than until the signal aborts. What the promise does afterwards is nobody's.
 *
 * Errors: those of the promise; the signal's reason when it aborts or has aborted.
 */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    // Also a promise that has lost the race is listened to, so that its failure is no unhandled rejection.
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Holds the options of `createDeadline`. */
export interface DeadlineOptions {
  readonly clock: Clock;
  /** Makes what the signal aborts with when the time is over. */
  readonly reason: () => unknown;
  /** Aborts the deadline's signal too. */
  readonly signal?: AbortSignal | undefined;
  /** False lets the process end while the deadline is open. */
  readonly keepAlive?: boolean;
}

/** Bounds the time of some work; disposing of it gives its timer back. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Tells whether the time was over, whatever aborted the signal. */
  readonly expired: boolean;
}

/** Makes a deadline. Units: milliseconds from now; 0 or less is over at once. */
export function createDeadline(ms: number, options: DeadlineOptions): Deadline {
  const { clock, reason, signal, keepAlive = true } = options;
  const timer = new AbortController();
  const disposed = new AbortController();
  const end = (): void => timer.abort(reason());
  if (ms > 0) clock.sleep(ms, { signal: disposed.signal, keepAlive }).then(end, () => {});
  else end();
  return {
    signal: signal === undefined ? timer.signal : AbortSignal.any([signal, timer.signal]),
    get expired() {
      return timer.signal.aborted;
    },
    [Symbol.dispose]: () => disposed.abort("disposed"),
  };
}
