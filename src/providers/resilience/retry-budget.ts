import type { Clock } from "../../base/index.ts";
import { createRollingCounts } from "./rolling-counts.ts";

/** Bounds the retries of one provider, so that an outage is not made worse by those who suffer from it. */
export interface RetryBudget {
  /** Counts a call that was sent to the provider for the first time. */
  request(): void;
  /** Takes one retry; false when they are used up. */
  tryRetry(): boolean;
}

/** Are the options of a retry budget. Units: milliseconds; `ratio` retries for one request. */
export interface RetryBudgetOptions {
  readonly clock: Clock;
  /** 0.2 by default: at most one retry for five requests. */
  readonly ratio?: number;
  /** 60,000 by default. */
  readonly windowMs?: number;
  /** Retries in a window that are allowed however few requests there were; 3 by default. */
  readonly floor?: number;
}

/** Makes a retry budget: in any window at most `ratio` × requests retries, or `floor` where that is more. */
export function createRetryBudget(options: RetryBudgetOptions): RetryBudget {
  const { clock, ratio = 0.2, windowMs = 60_000, floor = 3 } = options;
  const counts = createRollingCounts<"request" | "retry">(windowMs);
  return {
    request: () => counts.add("request", clock.monotonic()),
    tryRetry() {
      const now = clock.monotonic();
      const allowed = Math.max(floor, Math.floor(counts.count("request", now) * ratio));
      if (counts.count("retry", now) >= allowed) return false;
      counts.add("retry", now);
      return true;
    },
  };
}
