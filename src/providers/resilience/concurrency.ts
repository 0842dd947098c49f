import type { Clock } from "../../base/index.ts";
import { baseErrors } from "../../base/index.ts";
import type { Limiter } from "./limiter.ts";
import { createLine } from "./line.ts";

/** Is a limit on calls at the same time. */
export interface ConcurrencyLimiter extends Limiter {
  readonly limit: number;
  readonly inFlight: number;
}

/** Are the options of a concurrency limiter. */
export interface ConcurrencyOptions {
  readonly clock: Clock;
  /** Calls at the same time; Infinity only counts them. */
  readonly limit: number;
}

/**
 * Makes a limit on calls at the same time. Each call holds a lease until its stream has ended; the lease is known by its
 * identity and given back once, so the count is never negative.
 *
 * Errors: invalid_input for a limit below 1.
 */
export function createConcurrencyLimiter({ clock, limit }: ConcurrencyOptions): ConcurrencyLimiter {
  if (!(limit >= 1)) {
    throw baseErrors.create("invalid_input", `concurrency is ${limit}; set it to 1 or more.`, {
      details: { option: "concurrency" },
    });
  }
  const leases = new Set<symbol>();
  const limiter: ConcurrencyLimiter = {
    reason: "concurrency",
    clock,
    limit,
    line: createLine(clock, () => limiter),
    get inFlight() {
      return leases.size;
    },
    tooLarge: () => undefined,
    waitMs: () => (leases.size + 1 <= limit ? 0 : Number.POSITIVE_INFINITY),
    leastWaitMs: () => 0,
    take() {
      const lease = Symbol("lease");
      leases.add(lease);
      return { report() {}, end: () => void leases.delete(lease) };
    },
  };
  return limiter;
}
