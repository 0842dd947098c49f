import { teamErrors } from "../errors.ts";

/**
 * Is technical_debt_offset / tokens_needed^3 in log space: `sign` times e to the power of `logMagnitude`. An offset that is 0 or
 * negative has no logarithm, so the sign stands beside it. A reward of 0 has the sign 0 and, by convention, the magnitude 0.
 */
export interface Reward {
  readonly sign: -1 | 0 | 1;
  /** Is ln|offset| - 3 ln(tokens). */
  readonly logMagnitude: number;
}

/** At a million tokens, one debt point has a score of about 1: below that, differences fade out towards 0. */
const logReference = 3 * Math.log(1_000_000);

/**
 * Computes a reward.
 *
 * Units: `offset` in debt points, negative where debt was added; `tokens` input and output, counted as at least 1.
 * Errors: reward_invalid for what is not a number, or fewer than 0 tokens. An infinite value counts as the largest number.
 */
export function rewardOf(offset: number, tokens: number): Reward {
  if (Number.isNaN(offset) || Number.isNaN(tokens) || tokens < 0) {
    throw teamErrors.create(
      "reward_invalid",
      `A reward needs an offset and a count of tokens from 0 on, not ${offset} and ${tokens}.`,
    );
  }
  if (offset === 0) return { sign: 0, logMagnitude: 0 };
  const logOffset = Math.log(Math.min(Math.abs(offset), Number.MAX_VALUE));
  const logTokens = Math.log(Math.min(Math.max(1, tokens), Number.MAX_VALUE));
  return { sign: offset > 0 ? 1 : -1, logMagnitude: logOffset - 3 * logTokens };
}

/** Compares two rewards as the numbers that they stand for. Order: the lower first; it is total. */
export function compareRewards(a: Reward, b: Reward): number {
  return a.sign - b.sign || a.sign * (a.logMagnitude - b.logMagnitude);
}

/**
 * Gives a reward as one number to average: asinh(reward / r), where r is one debt point for a million tokens. For a reward far
 * above r it is ln(reward) plus a constant, for one far below -r the mirror of that, and it passes through 0 without a gap.
 */
export function rewardScore({ sign, logMagnitude }: Reward): number {
  if (sign === 0) return 0;
  const log = logMagnitude + logReference;
  // asinh(e^x) is x + ln 2 once e^x is large, and e^x would overflow.
  return sign * (log > 20 ? log + Math.LN2 : Math.asinh(Math.exp(log)));
}
