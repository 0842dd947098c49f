import type { MemberStats } from "./strategy.ts";

/** How fast what was seen fades: what is this old counts half. Long enough to learn from, short enough to forgive. */
const halfLifeMs = { speed: 180_000, failures: 600_000 };
/** How much of the record of successes and failures is left after each further call: a busy member forgets by calls, not by minutes. */
const keptByCall = 0.95;
/** A row of successes that is less likely than this by the record of failures shows that the record is of the past. */
const unlikely = 0.05;

/** Is one call that ended, as the statistics see it. Units: milliseconds; tokens a second. */
export interface Sample {
  readonly failed: boolean;
  readonly firstPartMs: number | null;
  readonly tokensPerSecond: number | null;
  /** Share of the input that came from a prompt cache, and tokens of the answer; null where the provider said nothing. */
  readonly cachedShare: number | null;
  readonly outputTokens: number | null;
}

/** Remembers how a member's calls went lately. Recent calls weigh more; nothing is kept for each call. */
export interface StatsKeeper {
  readonly inFlight: number;
  /** Counts a call that is under way; what it returns ends that, once. */
  lease(): () => void;
  add(sample: Sample, nowMs: number): void;
  read(nowMs: number): MemberStats;
  /** Share of the input that came from a prompt cache, 0 to 1. */
  readonly cachedShare: number;
  /** Tokens of an answer; null before the first. */
  readonly outputTokens: number | null;
}

/** Makes an empty memory. */
export function createStats(): StatsKeeper {
  const failed = fadingMean(halfLifeMs.failures, keptByCall);
  const firstPartMs = fadingMean(halfLifeMs.speed);
  const tokensPerSecond = fadingMean(halfLifeMs.speed);
  const cachedShare = fadingMean(halfLifeMs.speed);
  const outputTokens = fadingMean(halfLifeMs.speed);
  let inFlight = 0;
  let inRow = 0;
  const count = (isFailure: boolean, nowMs: number): void => {
    inRow = isFailure ? 0 : inRow + 1;
    failed.add(isFailure ? 1 : 0, nowMs);
    const rate = failed.mean ?? 0;
    if (rate > 0 && (1 - rate) ** inRow < unlikely) failed.reset(inRow);
  };
  return {
    get inFlight() {
      return inFlight;
    },
    lease() {
      let held = true;
      inFlight++;
      return () => {
        if (!held) return;
        held = false;
        inFlight--;
      };
    },
    add(sample, nowMs) {
      count(sample.failed, nowMs);
      if (sample.firstPartMs !== null) firstPartMs.add(sample.firstPartMs, nowMs);
      if (sample.tokensPerSecond !== null) tokensPerSecond.add(sample.tokensPerSecond, nowMs);
      if (sample.cachedShare !== null) cachedShare.add(sample.cachedShare, nowMs);
      if (sample.outputTokens !== null) outputTokens.add(sample.outputTokens, nowMs);
    },
    read: (nowMs) => ({
      inFlight,
      calls: failed.weight(nowMs),
      failureRate: failed.mean ?? 0,
      successesInRow: inRow,
      firstPartMs: firstPartMs.mean,
      tokensPerSecond: tokensPerSecond.mean,
    }),
    get cachedShare() {
      return cachedShare.mean ?? 0;
    },
    get outputTokens() {
      return outputTokens.mean;
    },
  };
}

interface FadingMean {
  readonly mean: number | null;
  /** How many samples it rests on, the faded ones in part. */
  weight(nowMs: number): number;
  add(value: number, nowMs: number): void;
  /** Forgets all but so many samples of 0. */
  reset(zeros: number): void;
}

function fadingMean(halfMs: number, kept = 1): FadingMean {
  let sum = 0;
  let count = 0;
  let at = 0;
  const fade = (nowMs: number): void => {
    if (nowMs <= at) return;
    const factor = 2 ** ((at - nowMs) / halfMs);
    sum *= factor;
    count *= factor;
    at = nowMs;
  };
  return {
    get mean() {
      return count < 1e-6 ? null : sum / count;
    },
    weight(nowMs) {
      fade(nowMs);
      return count;
    },
    add(value, nowMs) {
      fade(nowMs);
      sum = sum * kept + value;
      count = count * kept + 1;
    },
    reset(zeros) {
      sum = 0;
      count = zeros;
    },
  };
}
