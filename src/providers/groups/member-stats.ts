import type { MemberStats } from "./strategy.ts";
import { createSuccessRecord } from "./success-record.ts";

/** How fast what was seen fades: what is this old counts half. Long enough to learn from, short enough to forgive. */
const halfLifeMs = { speed: 180_000, failures: 600_000 };

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
  const record = createSuccessRecord(halfLifeMs.failures);
  const firstPartMs = fadingMean(halfLifeMs.speed);
  const tokensPerSecond = fadingMean(halfLifeMs.speed);
  const cachedShare = fadingMean(halfLifeMs.speed);
  const outputTokens = fadingMean(halfLifeMs.speed);
  let inFlight = 0;
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
      record.add(sample.failed, nowMs);
      if (sample.firstPartMs !== null) firstPartMs.add(sample.firstPartMs, nowMs);
      if (sample.tokensPerSecond !== null) tokensPerSecond.add(sample.tokensPerSecond, nowMs);
      if (sample.cachedShare !== null) cachedShare.add(sample.cachedShare, nowMs);
      if (sample.outputTokens !== null) outputTokens.add(sample.outputTokens, nowMs);
    },
    read: (nowMs) => ({
      inFlight,
      calls: record.calls(nowMs),
      failureRate: record.failureRate,
      successesInRow: record.successesInRow,
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
  add(value: number, nowMs: number): void;
}

function fadingMean(halfMs: number): FadingMean {
  let sum = 0;
  let count = 0;
  let at = 0;
  return {
    get mean() {
      return count < 1e-6 ? null : sum / count;
    },
    add(value, nowMs) {
      const factor = nowMs > at ? 2 ** ((at - nowMs) / halfMs) : 1;
      at = Math.max(at, nowMs);
      sum = sum * factor + value;
      count = count * factor + 1;
    },
  };
}
