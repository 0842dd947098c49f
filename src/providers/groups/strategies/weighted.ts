import type { Strategy } from "../strategy.ts";

/**
 * Makes the strategy that splits the calls by the members' weights, exactly and evenly spread: of weights 3 and 1 the second
 * gets every fourth call. A weight of 0 is used only when nothing else is left.
 */
export function weighted(): Strategy {
  // Each call gives every candidate its weight in credit; the richest is taken and pays for all.
  const credits = new Map<string, number>();
  return {
    name: "weighted",
    rank(candidates) {
      let total = 0;
      const ranked = candidates
        .map((candidate) => {
          const weight = Math.max(0, candidate.weight);
          total += weight;
          const score = (credits.get(candidate.id) ?? 0) + weight;
          credits.set(candidate.id, score);
          return { candidate, score, reason: `weight ${weight}` };
        })
        .toSorted((a, b) => Number(b.candidate.weight > 0) - Number(a.candidate.weight > 0) || b.score - a.score);
      const [first] = ranked;
      if (first !== undefined) credits.set(first.candidate.id, first.score - total);
      return ranked;
    },
  };
}
