import type { AtlasError, Random } from "../base/index.ts";
import type { RetryPolicy } from "./run.ts";

/** Is the longest wait between two attempts. Units: ms; ten years, so that no time comes out that no calendar has. */
export const longestDelayMs = 315_360_000_000;

/**
 * Tells whether what failed may be tried again: errors that say `retry: "later"`, and those that nobody foresaw, which may be
 * anything. Errors that say `never` or `changed` fail again in the same way.
 */
export function mayRetry(error: AtlasError): boolean {
  return error.retry === "later" || error.code === "internal_error";
}

/**
 * Says how long to wait after a failed attempt: between nothing and a bound that grows with each attempt (full jitter), so that what
 * failed together does not come back together.
 *
 * Units: ms; `attempt` counts from 1. 1 s grows by a factor of 2 to a minute, unless the policy says otherwise.
 */
export function retryDelay(policy: RetryPolicy, attempt: number, random: Random): number {
  const { minDelayMs = 1_000, maxDelayMs = 60_000, factor = 2 } = policy;
  const bound = Math.min(longestDelayMs, maxDelayMs, minDelayMs * Math.max(1, factor) ** (attempt - 1));
  return Math.round(random.next() * Math.max(0, bound));
}
