import type { CandidateMember, RankedMember, Strategy } from "../strategy.ts";
import { failover } from "./failover.ts";

/** Are the options of `taskAware`. Units: strengths, 0 to 1. */
export interface TaskOptions {
  /** Members that are weaker at the task are left out, as long as one is strong enough. */
  readonly atLeast?: number | undefined;
  /** Members that are weaker than the strongest by no more than this are as good as it; 0.05 by default. */
  readonly within?: number | undefined;
  /** Decides among members that are as good as each other, such as `lowestCost()`; `failover()` by default. */
  readonly tieBreak?: Strategy | undefined;
}

/** What is assumed of a member whose strength at the task nobody knows. */
const unknownStrength = 0.5;

/**
 * Makes the strategy that takes the member that is strongest at the kind of task which the call names (`options.task`); for
 * a call that names none, the one that is strongest on the whole.
 */
export function taskAware({ atLeast = 0, within = 0.05, tieBreak = failover() }: TaskOptions = {}): Strategy {
  return {
    name: "task-aware",
    rank(candidates, call) {
      const rated = candidates
        .map((candidate) => ({ candidate, score: strengthOf(candidate, call.task) }))
        .toSorted((a, b) => b.score - a.score || a.candidate.index - b.candidate.index);
      const best = rated[0]?.score ?? 0;
      const strong = best >= atLeast ? rated.filter(({ score }) => score >= atLeast) : rated;
      const alike = strong.filter(({ score }) => score >= best - within);
      const strengths = new Map(strong.map(({ candidate, score }) => [candidate, score]));
      const decided = tieBreak
        .rank(
          alike.map((each) => each.candidate),
          call,
        )
        .map(({ candidate }) => candidate);
      const others = strong.map((each) => each.candidate).filter((each) => !decided.includes(each));
      const at = call.task === undefined ? "on the whole" : `at ${call.task}`;
      return [...decided, ...others].map((candidate): RankedMember => {
        const score = strengths.get(candidate) ?? 0;
        return { candidate, score, reason: `strength ${score.toFixed(2)} ${at}` };
      });
    },
  };
}

function strengthOf({ strengths }: CandidateMember, task: string | undefined): number {
  if (task !== undefined) return strengths[task] ?? unknownStrength;
  const all = Object.values(strengths);
  return all.length === 0 ? unknownStrength : all.reduce((sum, each) => sum + each, 0) / all.length;
}
