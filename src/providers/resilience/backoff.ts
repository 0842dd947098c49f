import type { Random } from "../../base/index.ts";

/** Are the bounds of a growing wait. Units: milliseconds. */
export interface BackoffBounds {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * Draws a wait between 0 and a bound that doubles with each repetition ("full jitter"): many callers that failed together
 * do not come back together. `repetition` counts from 0.
 */
export function drawBackoffMs(repetition: number, { baseMs, maxMs }: BackoffBounds, random: Random): number {
  return Math.ceil(random.next() * Math.min(maxMs, baseMs * 2 ** Math.min(repetition, 60)));
}
