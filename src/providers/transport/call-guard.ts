import type { AtlasError, Clock } from "../../base/index.ts";
import { isAtlasError, raceAbort } from "../../base/index.ts";
import type { Timeouts } from "./deadlines.ts";
import { type CallContext, type CallPhase, cancelledError, type Fault, faultError, type FaultMoment } from "./fault.ts";
import type { Usage } from "../usage.ts";
import { createWatch, type Watch } from "./watch.ts";

/** Is what a guard must know of its call. */
export interface GuardedCall {
  readonly context: CallContext;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Says what the answer has cost so far; asked when the call fails in the middle of it. */
  partial(): Usage | undefined;
  /** Reads the failure in what was thrown while waiting. */
  fault(cause: unknown, phase: CallPhase): Fault;
}

/**
 * Watches over a call that is not made over Atlas's own HTTP: whoever waits is let go at once when the caller cancels or a time
 * limit runs out, and whatever is thrown becomes the error of the call.
 */
export interface CallGuard extends Disposable {
  /** Aborts when the caller cancels or a time limit runs out. */
  readonly signal: AbortSignal;
  readonly watch: Watch;
  /** Waits for a part of the call. Errors: those of the providers table; `cancelled`. */
  wait<T>(phase: CallPhase, work: Promise<T>): Promise<T>;
  /** Throws if the caller has cancelled. */
  check(): void;
  error(fault: Fault): AtlasError;
}

/** Makes a guard. Order: its first wait ends at `firstPartMs`; call `watch.progress` when a part comes. */
export function createCallGuard(call: GuardedCall): CallGuard {
  const watch = createWatch(call.timeouts, call.clock, call.signal);
  let phase: CallPhase = "connect";
  const moment = (): FaultMoment => ({ phase, partialUsage: phase === "stream" ? call.partial() : undefined });
  const error = (fault: Fault): AtlasError => faultError(fault, call.context, moment());
  const cancelled = (): AtlasError => cancelledError(call.context, call.signal?.reason, moment());
  const translate = (cause: unknown): AtlasError => {
    if (call.signal?.aborted === true) return cancelled();
    const { expired } = watch;
    if (expired !== undefined && expired !== "tail") {
      const limit = `${call.timeouts[expired]} ms (${expired})`;
      return error({
        code: "provider_timeout",
        message: `was silent for longer than ${limit}`,
        causeCode: expired,
      });
    }
    return isAtlasError(cause) ? cause : error(call.fault(cause, phase));
  };
  return {
    signal: watch.signal,
    watch,
    error,
    async wait(name, work) {
      phase = name;
      try {
        return await raceAbort(work, watch.signal);
      } catch (cause) {
        throw translate(cause);
      }
    },
    check() {
      if (call.signal?.aborted === true) throw cancelled();
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}
