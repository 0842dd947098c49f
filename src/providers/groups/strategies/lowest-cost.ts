import type { Strategy } from "../strategy.ts";

/** A member that fails nearly always would make the expected cost infinite. */
const leastSuccess = 0.05;

/**
 * Makes the strategy that takes the member whose answer is expected to cost least: its price for the input (with the share
 * that came from its prompt cache lately) and for an answer as long as its last ones, divided by the share of its calls that
 * succeed. Members whose price is not known are left out.
 */
export function lowestCost(): Strategy {
  return {
    name: "lowest-cost",
    rank: (candidates) =>
      candidates
        .flatMap((candidate) => {
          const { expectedCostMicroUsd: cost, stats } = candidate;
          if (cost === null) return [];
          const expected = cost / Math.max(leastSuccess, 1 - stats.failureRate);
          return [{ candidate, score: -expected, reason: `expected to cost ${Math.round(expected)} µ$` }];
        })
        .toSorted((a, b) => b.score - a.score || a.candidate.stats.failureRate - b.candidate.stats.failureRate),
  };
}
