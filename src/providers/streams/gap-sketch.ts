const perOctave = 4;
const finestMs = 1 / 16;
const buckets = 22 * perOctave;

/** Holds the spread of waiting times in a bounded space: the longest is exact, any other rank within 19 %. */
export interface GapSketch {
  readonly maxMs: number;
  add(ms: number): void;
  /** Gives the time that this share (0 to 1) of the waits did not exceed; 0 when there were none. */
  quantile(share: number): number;
}

/** Makes a sketch of 88 counters, each 19 % wider than the one before, from 1/16 ms to 4 minutes. Cost: constant. */
export function createGapSketch(): GapSketch {
  let counts: Uint32Array | undefined;
  let short = 0;
  let total = 0;
  let maxMs = 0;
  return {
    get maxMs() {
      return maxMs;
    },
    add(ms) {
      total++;
      if (ms > maxMs) maxMs = ms;
      // Parts that came together are the most: they need no logarithm.
      if (ms <= finestMs) {
        short++;
        return;
      }
      counts ??= new Uint32Array(buckets);
      const index = Math.min(buckets - 1, Math.floor(Math.log2(ms / finestMs) * perOctave));
      counts[index] = (counts[index] ?? 0) + 1;
    },
    quantile(share) {
      let left = Math.ceil(total * share) - short;
      if (left <= 0 || counts === undefined) return total === 0 ? 0 : Math.min(maxMs, finestMs);
      for (let index = 0; index < buckets; index++) {
        left -= counts[index] ?? 0;
        if (left <= 0) return Math.min(maxMs, finestMs * 2 ** ((index + 1) / perOctave));
      }
      return maxMs;
    },
  };
}
