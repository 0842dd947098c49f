import type { Random } from "../../../base/index.ts";
import type { CandidateMember, RankedMember, Strategy } from "../strategy.ts";
import { drawBeta } from "./draw-beta.ts";

/** Are the options of `adaptive`. */
export interface AdaptiveOptions {
  /** Share of the calls that go to the member of which least is known lately, 0 to 1; 0.01 by default, and more for one that succeeds whenever it is tried. It is how a member that has healed is found. */
  readonly explore?: number | undefined;
}

/** Failures count for more than speed and cost: a failed attempt is paid and waited for twice. */
const reliabilityPower = 10;
/** More calls than this make no member surer: else who came first would keep the calls, and others as good could not show it. */
const enough = 50;
/** However well it does, no more than this share goes to a member only to learn of it. */
const maxExplore = 0.25;
/** What a member may lose by being slow, and by being dear. The rest it keeps whatever they are. */
const shares = { speed: 0.3, thrift: 0.2 };

/**
 * Makes the strategy that learns: each member's chance to succeed is drawn from what is known of it (Thompson sampling), so
 * that the less is known the more it is tried; speed and cost, as seen and expected, count beside it. What was seen fades
 * within minutes.
 */
export function adaptive({ explore = 0.01 }: AdaptiveOptions = {}): Strategy {
  const lastUsed = new Map<string, number>();
  let calls = 0;
  const use = (ranked: readonly RankedMember[]): readonly RankedMember[] => {
    if (ranked[0] !== undefined) lastUsed.set(ranked[0].candidate.id, ++calls);
    return ranked;
  };
  const isOlder = (a: RankedMember, b: RankedMember): boolean =>
    (lastUsed.get(a.candidate.id) ?? 0) < (lastUsed.get(b.candidate.id) ?? 0);
  return {
    name: "adaptive",
    rank(candidates, { random }) {
      const best = bestOf(candidates);
      const ranked = candidates
        .map((candidate) => scored(candidate, best, random))
        .toSorted((a, b) => b.score - a.score);
      const [first, ...others] = ranked;
      if (first === undefined || others.length === 0) return use(ranked);
      const probed = others.reduce((a, b) => (isOlder(b, a) ? b : a));
      // One that has failed and now succeeds whenever it is tried is tried more and more, until it is known to have healed.
      const { failureRate, successesInRow } = probed.candidate.stats;
      const due = failureRate === 0 ? explore : Math.min(maxExplore, explore * (1 + successesInRow) ** 2);
      if (random.next() >= due) return use(ranked);
      return use([{ ...probed, reason: "tried to learn of it" }, ...ranked.filter((each) => each !== probed)]);
    },
  };
}

interface Best {
  readonly firstPartMs: number;
  readonly costMicroUsd: number;
}

function bestOf(candidates: readonly CandidateMember[]): Best {
  const times = candidates.flatMap(({ stats }) => (stats.firstPartMs === null ? [] : [stats.firstPartMs]));
  const costs = candidates.flatMap(({ expectedCostMicroUsd: cost }) => (cost === null ? [] : [cost]));
  return { firstPartMs: Math.min(...times), costMicroUsd: Math.min(...costs) };
}

function scored(candidate: CandidateMember, best: Best, random: Random): RankedMember {
  const { calls, failureRate, firstPartMs } = candidate.stats;
  const known = Math.min(calls, enough);
  const failures = known * failureRate;
  const chance = drawBeta(1 + known - failures, 1 + failures, random);
  const cost = candidate.expectedCostMicroUsd;
  const speed = firstPartMs === null ? 1 : ratio(best.firstPartMs, firstPartMs);
  // Where no price is known it is neither for nor against a member.
  const thrift = cost === null ? 0.5 : ratio(best.costMicroUsd, cost);
  const score =
    chance ** reliabilityPower * (1 - shares.speed - shares.thrift + shares.speed * speed + shares.thrift * thrift);
  const percent = Math.round((1 - failureRate) * 100);
  return { candidate, score, reason: calls < 1 ? "little known of it" : `${percent} % of its calls succeed` };
}

function ratio(best: number, own: number): number {
  return (best + 1) / (own + 1);
}
