import type { Strategy } from "../strategy.ts";

/** Makes the strategy that takes the members in turn; one that can not take the call is passed over. */
export function roundRobin(): Strategy {
  let next = 0;
  return {
    name: "round-robin",
    rank(candidates) {
      const size = Math.max(0, ...candidates.map((each) => each.index)) + 1;
      const turns = (index: number): number => (index - next + size) % size;
      if (next >= size) next = 0;
      const ranked = candidates.toSorted((a, b) => turns(a.index) - turns(b.index));
      const scored = ranked.map((candidate) => ({ candidate, score: -turns(candidate.index), reason: "next in turn" }));
      const [first] = ranked;
      if (first !== undefined) next = first.index + 1;
      return scored;
    },
  };
}
