import { quantile } from "../quantile.ts";

/** Is one call that has ended. Units: milliseconds; tokens. */
export interface CallSample {
  readonly atMs: number;
  readonly kind: "success" | "failure";
  readonly durationMs: number;
  readonly firstPartMs: number | undefined;
  readonly outputTokens: number | undefined;
}

/** Sums up the calls of the last while. Units: milliseconds, tokens a second; null where there is no sample. */
export interface CallFigures {
  readonly calls: number;
  readonly failures: number;
  /** Share of the calls that failed, 0 to 1; 0 without calls. */
  readonly errorRate: number;
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
  readonly firstPartP50Ms: number | null;
  readonly firstPartP95Ms: number | null;
  readonly tokensPerSecond: number | null;
}

/** Keeps the last calls. */
export interface GateStats {
  add(sample: CallSample): void;
  figures(nowMs: number): CallFigures;
  /** When the last call ended, on the clock of the samples; undefined before the first. */
  readonly lastMs: number | undefined;
}

const size = 256;
const windowMs = 300_000;

/** Makes stats over the last five minutes and at most the last 256 calls. Cost: constant to add; sorting them to read. */
export function createGateStats(): GateStats {
  const ring: CallSample[] = [];
  let next = 0;
  let lastMs: number | undefined;
  return {
    add(sample) {
      ring[next] = sample;
      next = (next + 1) % size;
      lastMs = sample.atMs;
    },
    figures(nowMs) {
      const recent = ring.filter(({ atMs }) => atMs > nowMs - windowMs);
      const good = recent.filter(({ kind }) => kind === "success");
      const failures = recent.length - good.length;
      const latencies = known(good.map(({ durationMs }) => durationMs));
      const firsts = known(good.map(({ firstPartMs }) => firstPartMs));
      const speeds = known(good.map(speedOf));
      return {
        calls: recent.length,
        failures,
        errorRate: recent.length === 0 ? 0 : failures / recent.length,
        latencyP50Ms: quantile(latencies, 0.5),
        latencyP95Ms: quantile(latencies, 0.95),
        firstPartP50Ms: quantile(firsts, 0.5),
        firstPartP95Ms: quantile(firsts, 0.95),
        tokensPerSecond: quantile(speeds, 0.5),
      };
    },
    get lastMs() {
      return lastMs;
    },
  };
}

/** The speed once the answer has begun; the wait for its first part is another figure. */
function speedOf({ durationMs, firstPartMs, outputTokens }: CallSample): number | undefined {
  const streamedMs = durationMs - (firstPartMs ?? 0);
  return outputTokens === undefined || streamedMs <= 0 ? undefined : (outputTokens * 1000) / streamedMs;
}

function known(values: readonly (number | undefined)[]): readonly number[] {
  return values.filter((value) => value !== undefined);
}
