import type { CandidateMember, RankedMember, Strategy } from "../strategy.ts";

/** Are the options of `lowestLatency`. */
export interface LatencyOptions {
  /** What counts: the time to the first part (default), or the speed of the answer after it. */
  readonly by?: "firstPart" | "tokensPerSecond" | undefined;
  /** Share of the calls that try a member that is not the fastest, 0 to 1; 0.05 by default. */
  readonly explore?: number | undefined;
}

/** How much a failing member is slowed down in the reckoning: one that always fails by this many times. */
const failurePenalty = 10;
/** How much each call that is under way at a member slows it down, as a share. */
const loadPenalty = 0.05;

/**
 * Makes the strategy that takes the faster of two members drawn by lot (so that not all calls run to the same one), of two
 * members that is the faster of both. Times are those of the last minutes, failures and load count against a member, and one
 * that was never measured goes first.
 */
export function lowestLatency({ by = "firstPart", explore = 0.05 }: LatencyOptions = {}): Strategy {
  return {
    name: "lowest-latency",
    rank(candidates, { random }) {
      const ranked = candidates
        .map((candidate) => rankedBy(by, candidate))
        .toSorted((a, b) => b.score - a.score || a.candidate.stats.inFlight - b.candidate.stats.inFlight);
      if (ranked.length < 2) return ranked;
      const draw = random.next();
      if (draw < explore) {
        // Any but the first; what is left of the draw says which.
        return toFront(ranked, 1 + Math.floor((draw / explore) * (ranked.length - 1)), "tried to see how fast it is");
      }
      const one = Math.floor(random.next() * ranked.length);
      const two = (one + 1 + Math.floor(random.next() * (ranked.length - 1))) % ranked.length;
      return toFront(ranked, Math.min(one, two), undefined);
    },
  };
}

function rankedBy(by: "firstPart" | "tokensPerSecond", candidate: CandidateMember): RankedMember {
  const { firstPartMs, tokensPerSecond, failureRate, inFlight } = candidate.stats;
  const slower = (1 + failurePenalty * failureRate) * (1 + loadPenalty * inFlight);
  if (by === "firstPart") {
    if (firstPartMs === null) return { candidate, score: failureRate > 0 ? -Infinity : 0, reason: "not measured yet" };
    return { candidate, score: -firstPartMs * slower, reason: `first part after ${Math.round(firstPartMs)} ms` };
  }
  if (tokensPerSecond === null) {
    return { candidate, score: failureRate > 0 ? 0 : Infinity, reason: "not measured yet" };
  }
  return { candidate, score: tokensPerSecond / slower, reason: `${Math.round(tokensPerSecond)} tokens a second` };
}

function toFront(ranked: readonly RankedMember[], index: number, reason: string | undefined): readonly RankedMember[] {
  const chosen = ranked[index];
  if (chosen === undefined) return ranked;
  const first = reason === undefined ? chosen : { ...chosen, reason };
  return [first, ...ranked.filter((each) => each !== chosen)];
}
