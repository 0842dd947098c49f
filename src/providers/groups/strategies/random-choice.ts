import type { Strategy } from "../strategy.ts";

/** Makes the strategy that takes any member that can take the call, each as likely as the others. */
export function randomChoice(): Strategy {
  return {
    name: "random",
    rank: (candidates, { random }) =>
      candidates
        .map((candidate) => ({ candidate, score: random.next(), reason: "drawn by lot" }))
        .toSorted((a, b) => b.score - a.score),
  };
}
