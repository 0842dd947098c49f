import type { Clock } from "../../base/index.ts";
import { createRollingCounts } from "./rolling-counts.ts";

/** Is the state of a breaker: it lets all calls through, none, or one to try. */
export type BreakerState = "closed" | "open" | "half_open";

/** Are the options of a breaker. Units: milliseconds; `failureRate` 0 to 1. */
export interface BreakerOptions {
  /** Opens when more than this share of the calls in the window failed; 0.5 by default. */
  readonly failureRate: number;
  /** Calls in the window below which the share says nothing; 10 by default. */
  readonly minimumCalls: number;
  /** Opens at this many failures in a row; 5 by default. */
  readonly consecutiveFailures: number;
  /** 60,000 by default. */
  readonly windowMs: number;
  /**
   * How long it stays open before one call may try; 10,000 by default. Doubles with each try that fails. A try that has not
   * ended after this time lets another one try.
   */
  readonly openMs: number;
  /** 300,000 by default. */
  readonly maxOpenMs: number;
}

/** Are the options of a breaker that names none. */
export const defaultBreaker: BreakerOptions = {
  failureRate: 0.5,
  minimumCalls: 10,
  consecutiveFailures: 5,
  windowMs: 60_000,
  openMs: 10_000,
  maxOpenMs: 300_000,
};

/** Is how a call ended. A stream is a success only when it has finished; `ignored` is a cancel, or a request that was wrong. */
export type CallVerdict = "success" | "failure" | "ignored";

/** Is one call as the breaker sees it. */
export interface BreakerCall {
  /** Tells the breaker how the call ended; once. */
  end(kind: CallVerdict): void;
}

/** Stops calling what keeps failing, and tries it again with one call at a time. */
export interface Breaker {
  readonly state: BreakerState;
  /** When a call may be tried, in milliseconds of the monotonic clock; 0 when calls go through. */
  readonly opensAtMs: number;
  /** Begins a call; undefined when none may be made now. */
  begin(): BreakerCall | undefined;
}

/** Is what a breaker is made of; what is not named is as in `defaultBreaker`. */
export interface BreakerSetup extends Partial<BreakerOptions> {
  readonly clock: Clock;
  readonly onChange?: ((state: BreakerState) => void) | undefined;
}

/**
 * Makes a breaker. A call counts only for the state in which it began: a success from before it opened does not close it, and
 * a failure from then does not open it again.
 */
export function createBreaker(options: BreakerSetup): Breaker {
  const { clock, onChange } = options;
  const limits = { ...defaultBreaker, ...options };
  const tally = createTally(limits);
  let state: BreakerState = "closed";
  let epoch = 0;
  let tries = 0;
  /** The call that tries, and until when nobody else does: one that hangs or is left must not keep the provider closed. */
  let probe: { readonly untilMs: number } | undefined;
  let dueMs = 0;

  const enter = (next: BreakerState): void => {
    state = next;
    epoch++;
    probe = undefined;
    tally.clear();
    if (next === "closed") tries = 0;
    if (next === "open") {
      dueMs = clock.monotonic() + Math.min(limits.maxOpenMs, limits.openMs * 2 ** Math.min(tries++, 30));
    }
    onChange?.(next);
  };
  /** Time alone turns open into half-open; nobody needs a timer to see it. */
  const look = (): BreakerState => {
    if (state === "open" && clock.monotonic() >= dueMs) enter("half_open");
    return state;
  };
  const end = (kind: CallVerdict, mine: typeof probe): void => {
    if (state === "half_open") {
      if (probe === mine) probe = undefined;
      if (kind !== "ignored") enter(kind === "success" ? "closed" : "open");
      if (kind === "success") tally.isTooMuch(kind, clock.monotonic());
    } else if (tally.isTooMuch(kind, clock.monotonic())) enter("open");
  };
  const breaker: Breaker = {
    get state() {
      return look();
    },
    get opensAtMs() {
      if (look() === "open") return dueMs;
      return probe !== undefined && clock.monotonic() < probe.untilMs ? probe.untilMs : 0;
    },
    begin() {
      if (breaker.opensAtMs > 0) return undefined;
      if (state === "half_open") probe = { untilMs: clock.monotonic() + limits.openMs };
      const [mine, myProbe] = [epoch, probe];
      let ended = false;
      return {
        end(kind) {
          if (ended || mine !== epoch) return;
          ended = true;
          end(kind, myProbe);
        },
      };
    },
  };
  return breaker;
}

interface Tally {
  /** Counts the end of a call and tells whether there are too many failures now. */
  isTooMuch(kind: CallVerdict, nowMs: number): boolean;
  clear(): void;
}

function createTally({ failureRate, minimumCalls, consecutiveFailures, windowMs }: BreakerOptions): Tally {
  const counts = createRollingCounts<"success" | "failure">(windowMs);
  let inRow = 0;
  return {
    isTooMuch(kind, nowMs) {
      if (kind === "ignored") return false;
      counts.add(kind, nowMs);
      inRow = kind === "failure" ? inRow + 1 : 0;
      const failures = counts.count("failure", nowMs);
      const calls = failures + counts.count("success", nowMs);
      const byRate = calls >= minimumCalls && failures > failureRate * calls;
      return kind === "failure" && (inRow >= consecutiveFailures || byRate);
    },
    clear() {
      inRow = 0;
      counts.clear();
    },
  };
}
