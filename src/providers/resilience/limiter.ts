import type { AtlasError, Clock } from "../../base/index.ts";
import type { RejectionReason } from "../call-report.ts";
import type { RateLimitReport } from "../model.ts";
import type { Alarm } from "./alarm.ts";
import type { GateNeed } from "./gate.ts";

/** Is what a call has taken of a limiter. */
export interface LimiterHold {
  /** Corrects the limiter by what the provider said about its limits when it took this call. */
  report(limits: RateLimitReport): void;
  /** Gives back what can be given back. Units: tokens really used; undefined where nobody knows. Once. */
  end(usedTokens: number | undefined): void;
}

/**
 * Is the port for something that lets only so many calls through: a rate, a number of places, a cooldown. It may be shared by
 * several gates. It decides without waiting; its line does the waiting.
 */
export interface Limiter {
  readonly reason: RejectionReason;
  readonly line: Line;
  readonly clock: Clock;
  /** Makes the error of a need that can never fit; undefined for one that can. */
  tooLarge(need: GateNeed): AtlasError | undefined;
  /** Tells how long until the need fits, if nothing else happens. Units: milliseconds; Infinity until a call ends. */
  waitMs(need: GateNeed): number;
  /** Tells how long it takes at the very least, whatever happens. */
  leastWaitMs(need: GateNeed): number;
  /** Takes what the call needs; only when `waitMs` is 0. */
  take(need: GateNeed): LimiterHold;
}

/** Waits for places of all limiters of its queue, to be taken together or not at all. */
export interface Waiter {
  readonly need: GateNeed;
  /** When it came. Units: milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  /** Its place among all that ever came, wherever they wait. */
  readonly turn: number;
  /** Is called once, when all limiters have room; it takes the places before it returns. */
  readonly go: () => void;
}

/** Holds those who wait for the same limiters, in the order of arrival. Only the first of them can be the next. */
export interface Queue {
  readonly limiters: readonly Limiter[];
  readonly waiters: Set<Waiter>;
}

/** Holds the queues in which somebody waits for one limiter. */
export interface Line {
  readonly queues: Set<Queue>;
  /** Is set to the instant at which the limiter has room for a first one of a queue. */
  readonly alarm: Alarm;
}
