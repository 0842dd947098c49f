import type { Clock, Random } from "../../base/index.ts";
import { seededRandom, systemClock } from "../../base/index.ts";
import { teamErrors } from "../errors.ts";
import type { Arm } from "./arm.ts";
import { armKey } from "./arm.ts";
import type { BenchRecord, RewardLedger } from "./ledger.ts";
import type { BenchChange, JudgedArm, LimiterOptions } from "./limiter.ts";
import { defaultProbationRuns, reviewBenches } from "./limiter.ts";
import type { Prior } from "./posterior.ts";
import { drawFrom, posteriorOf } from "./posterior.ts";
import { countOf } from "./statistics.ts";
import type { ArmStatistics } from "./statistics.ts";

/** Says how arms are chosen. */
export interface SelectionOptions {
  /** `thompson` draws what each arm may be worth and takes the best; `ucb` takes the best of what each may be worth at most. */
  readonly exploration?: "thompson" | "ucb";
  /** How much is explored, as a factor of what is not known; 0.5 by default, 0 takes always the best known. */
  readonly width?: number;
  /** Each arm is tried so often before anything is compared; 1 by default. */
  readonly coldRuns?: number;
  /** Adds to what an arm is believed to be worth, such as for its tools. Units: those of the score, where 0.7 doubles the reward. */
  readonly bias?: (arm: Arm) => number;
  /** When arms are benched; false benches none. */
  readonly limits?: LimiterOptions | false;
}

/** Are the options of `rewardSelector`. */
export interface SelectorOptions extends SelectionOptions {
  readonly ledger: RewardLedger;
  readonly arms: readonly Arm[];
  /** Of which kind of task rewards are looked at. */
  readonly task?: string;
  /** Draws the same choices again; where none is given, a call brings its own chance. */
  readonly seed?: number;
  readonly clock?: Clock;
}

/** Is an arm as it was looked at when one was chosen. Units: `mean`, `draw` and `bias` in scores. */
export type Candidate = {
  readonly key: string;
  readonly agent: string;
  readonly model: string;
  readonly tools: readonly string[];
  readonly runs: number;
  readonly mean: number;
  readonly draw: number;
  readonly bias: number;
  readonly state: "active" | "probation" | "benched";
};

/**
 * Is why an arm was chosen: `only` one is on the list, `cold` was not tried yet, `best` is what exploration gave the highest draw
 * and is the best known too, `explored` is not.
 */
export type ChoiceReason = "only" | "cold" | "best" | "explored";

/** Is an arm that was chosen, with what it was chosen from. */
export interface Choice {
  readonly arm: Arm;
  readonly reason: ChoiceReason;
  readonly candidates: readonly Candidate[];
  readonly changes: readonly BenchChange[];
}

/** Chooses among arms by what they earned. */
export interface RewardSelector {
  /** `by` names who asks, so that a choice that is made again after a crash finds its own changes of benches. */
  choose(options?: { readonly random?: Random; readonly by?: string }): Promise<Choice>;
}

/** What is believed at first is wide on purpose; half of it explores enough. */
const defaultWidth = 0.5;
/** Where nothing is known, the next score may be far off in either direction: a factor of e^5 in the reward. */
const firstVariance = 25;

/**
 * Makes a selector. An arm's score is believed to be normal, with a mean and a variance that are not known; a cold arm is believed
 * to be like those that share its agent, its model or its tools.
 *
 * Errors: reward_invalid for no arm, or two of one key.
 * Cost: of a choice, one read for each arm and one of the benches.
 */
export function rewardSelector(options: SelectorOptions): RewardSelector {
  const { ledger, arms, task = "", limits = {}, clock = systemClock } = options;
  const keys = arms.map((arm) => armKey(arm, task));
  checkArms(arms, keys);
  const own = options.seed === undefined ? undefined : seededRandom(options.seed);
  const asked = createAsked();
  return {
    async choose({ random = own ?? seededRandom(clock.now()), by = "" } = {}) {
      const now = clock.now();
      const benches = new Map((await ledger.benches()).map((bench) => [bench.key, bench]));
      const statistics = await Promise.all(
        arms.map((arm, index) => {
          const bench = benches.get(keys[index] ?? "");
          return ledger.statistics(arm, task, evidenceFrom(bench, now));
        }),
      );
      const variance = pooledVariance(statistics);
      const judged = statistics.map((known, index): JudgedArm => {
        const key = keys[index] ?? "";
        const prior = { mean: kinMean(statistics, index), variance };
        return { key, statistics: known, posterior: posteriorOf(known.score, prior), bench: benches.get(key) };
      });
      const { active, changes } =
        limits === false
          ? { active: new Set(keys), changes: [] }
          : await reviewBenches(judged, { ledger, limits, now, by });
      const candidates = judged.map((each, index) => candidateOf(each, arms[index], { active, random, options }));
      const underWay = judged.map(({ key, statistics: known, bench }) => asked.underWay(key, bench, countOf(known)));
      const picked = pick(arms, candidates, { options, random, underWay });
      const chosen = keys[arms.indexOf(picked.arm)] ?? "";
      asked.add(chosen, benches.get(chosen));
      return { ...picked, candidates, changes };
    },
  };
}

/** What an arm did before it came back is forgiven. */
function evidenceFrom(bench: BenchRecord | undefined, now: number): number {
  if (bench?.state !== "benched") return bench?.since ?? 0;
  return now >= bench.until ? now : 0;
}

function checkArms(arms: readonly Arm[], keys: readonly string[]): void {
  if (arms.length > 0 && new Set(keys).size === keys.length) return;
  throw teamErrors.create(
    "reward_invalid",
    arms.length === 0
      ? "A selector needs at least one arm."
      : "A selector has two arms of one agent, model and set of tools; leave one out.",
  );
}

function candidateOf(
  { key, statistics, posterior, bench }: JudgedArm,
  arm: Arm | undefined,
  { active, random, options }: { active: ReadonlySet<string>; random: Random; options: SelectionOptions },
): Candidate {
  const { agent, model = "", tools } = statistics;
  const { exploration = "thompson", width = defaultWidth, bias: biasOf } = options;
  const bias = arm === undefined ? 0 : (biasOf?.(arm) ?? 0);
  const runs = countOf(statistics);
  // Every arm draws, also one that cannot be chosen: whether it can does not shift the chance of the others.
  const drawn = drawFrom(posterior, random, width);
  const highest = posterior.mean + width * 2 * posterior.scale;
  const draw = bias + (exploration === "ucb" ? highest : drawn);
  const state = !active.has(key)
    ? "benched"
    : bench?.state === "benched" || bench?.state === "probation"
      ? "probation"
      : "active";
  return { key, agent, model, tools, runs, mean: posterior.mean + bias, draw, bias, state };
}

function pick(
  arms: readonly Arm[],
  candidates: readonly Candidate[],
  { options, random, underWay }: { options: SelectionOptions; random: Random; underWay: readonly number[] },
): Pick<Choice, "arm" | "reason"> {
  const { coldRuns = 1, limits } = options;
  const probationRuns = limits === false ? 0 : (limits?.probationRuns ?? defaultProbationRuns);
  const listed = candidates.filter(({ state }) => state !== "benched");
  const begun = (candidate: Candidate): number => candidate.runs + (underWay[candidates.indexOf(candidate)] ?? 0);
  // Who is on probation does no more than is needed to judge, also while that is under way.
  const waited = listed.filter((each) => each.state !== "probation" || begun(each) < probationRuns);
  const open = waited.length === 0 ? listed : waited;
  const cold = open.filter((each) => each.state === "active" && begun(each) < coldRuns);
  const fewest = Math.min(...cold.map(begun));
  const next = cold.filter((each) => begun(each) === fewest);
  const found = next[Math.floor(random.next() * next.length)] ?? highest(open, ({ draw }) => draw);
  const arm = arms[candidates.findIndex((each) => each === found)];
  if (found === undefined || arm === undefined) throw teamErrors.create("reward_invalid", "No arm is on the list.");
  const known = highest(open, ({ mean }) => mean);
  const reason = open.length === 1 ? "only" : cold.length > 0 ? "cold" : found === known ? "best" : "explored";
  return { arm, reason };
}

/** Counts what this selector chose and does not know the reward of yet. */
interface Asked {
  add(key: string, bench: BenchRecord | undefined): void;
  underWay(key: string, bench: BenchRecord | undefined, runs: number): number;
}

function createAsked(): Asked {
  const counts = new Map<string, { readonly revision: number; readonly count: number }>();
  // What is known of an arm begins anew with its return, and so does this.
  const revisionOf = (bench: BenchRecord | undefined): number =>
    bench?.state === "free" ? bench.revision - 1 : (bench?.revision ?? 0);
  const countOfKey = (key: string, bench: BenchRecord | undefined): number => {
    const known = counts.get(key);
    return known?.revision === revisionOf(bench) ? known.count : 0;
  };
  return {
    add: (key, bench) => void counts.set(key, { revision: revisionOf(bench), count: countOfKey(key, bench) + 1 }),
    underWay: (key, bench, runs) => Math.max(0, countOfKey(key, bench) - runs),
  };
}

function highest(of: readonly Candidate[], value: (candidate: Candidate) => number): Candidate | undefined {
  return of.toSorted((a, b) => value(b) - value(a))[0];
}

/** Gives what the scores of one arm vary by, over all arms; what nobody knows counts as a few values of a wide spread. */
function pooledVariance(all: readonly ArmStatistics[]): number {
  let [sum, weight] = [2 * firstVariance, 2];
  for (const { score } of all) {
    const freedom = Math.max(0, score.weight - 1);
    sum += score.variance * score.weight * (freedom > 0 ? 1 : 0);
    weight += freedom;
  }
  return sum / weight;
}

/** Gives the mean of the other arms, where one counts the more, the more it has in common with this one. */
function kinMean(all: readonly ArmStatistics[], index: number): Prior["mean"] {
  const own = all[index];
  let [sum, weight] = [0, 0];
  for (const [at, other] of all.entries()) {
    if (own === undefined || at === index || other.score.weight === 0) continue;
    const shared = kinship(own, other) * Math.min(1, other.score.weight);
    sum += shared * other.score.mean;
    weight += shared;
  }
  return weight === 0 ? (own?.score.mean ?? 0) : sum / weight;
}

function kinship(a: ArmStatistics, b: ArmStatistics): number {
  const union = new Set([...a.tools, ...b.tools]).size;
  const both = a.tools.filter((name) => b.tools.includes(name)).length;
  const tools = union === 0 ? 1 : both / union;
  return 0.1 + (a.agent === b.agent ? 1 : 0) + (a.model !== undefined && a.model === b.model ? 1 : 0) + tools;
}
