import type { Strategy } from "../strategy.ts";

/** Makes the strategy that takes the first member that can take the call, in the order in which they were given. */
export function failover(): Strategy {
  return {
    name: "failover",
    rank: (candidates) =>
      candidates
        .toSorted((a, b) => a.index - b.index)
        .map((candidate) => ({ candidate, score: -candidate.index, reason: "first that can take the call" })),
  };
}
