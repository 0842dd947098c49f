import type { ArmId } from "./arm.ts";
import type { RewardRecord } from "./record.ts";
import type { Reward } from "./reward.ts";
import { rewardScore } from "./reward.ts";

/** Is a running mean and variance. Units: `weight` is the number of values, where an old one counts as less than one. */
export type Spread = { readonly weight: number; readonly mean: number; readonly variance: number };

/**
 * Is what is known of an arm, or of several taken together. Of `score`, `logReward` and `offset`, values count by half for each
 * half-life that has passed since.
 */
export type ArmStatistics = ArmId & {
  readonly task: string;
  /** How many of its runs paid debt off, left it as it was, or added to it. */
  readonly runs: { readonly positive: number; readonly zero: number; readonly negative: number };
  /** Of all runs: see `rewardScore`. */
  readonly score: Spread;
  /** Of the runs that paid debt off: ln(offset) - 3 ln(tokens). */
  readonly logReward: Spread;
  /** Units: debt points. */
  readonly offset: Spread;
  readonly tokens: number;
  /** Units: ms since the Unix epoch; 0 where there is no run. */
  readonly lastAt: number;
};

/** Counts the runs that statistics are made of. */
export function countOf({ runs }: Pick<ArmStatistics, "runs">): number {
  return runs.positive + runs.zero + runs.negative;
}

/** Is the spread of nothing. */
export const noSpread: Spread = { weight: 0, mean: 0, variance: 0 };

/** Adds a value to a spread. */
export function addTo(spread: Spread, value: number, weight = 1): Spread {
  const total = spread.weight + weight;
  if (total === 0) return spread;
  const step = value - spread.mean;
  const mean = spread.mean + (step * weight) / total;
  const variance = (spread.weight * spread.variance + weight * step * (value - mean)) / total;
  return { weight: total, mean, variance };
}

/** Computes the statistics of some records of one arm. Units: `at` and `halfLifeMs` in ms. */
export function summarise(
  records: readonly RewardRecord[],
  about: ArmId & { readonly task: string },
  { at, halfLifeMs }: { readonly at: number; readonly halfLifeMs: number },
): ArmStatistics {
  const runs = { positive: 0, zero: 0, negative: 0 };
  let [score, logReward, offset] = [noSpread, noSpread, noSpread];
  let tokens = 0;
  let lastAt = 0;
  for (const record of records) {
    const { reward } = record;
    const weight = 2 ** (-Math.max(0, at - record.at) / halfLifeMs);
    runs[nameOf(reward)]++;
    score = addTo(score, rewardScore(reward), weight);
    offset = addTo(offset, record.offset, weight);
    if (reward.sign > 0) logReward = addTo(logReward, reward.logMagnitude, weight);
    tokens += record.tokens;
    lastAt = Math.max(lastAt, record.at);
  }
  const { agent, model, tools, task } = about;
  const arm = { agent, tools, ...(model === undefined ? {} : { model }) };
  return { ...arm, task, runs, score, logReward, offset, tokens, lastAt };
}

function nameOf({ sign }: Reward): "positive" | "zero" | "negative" {
  return sign > 0 ? "positive" : sign < 0 ? "negative" : "zero";
}
