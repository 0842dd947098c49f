import { cpus, totalmem } from "node:os";

/** Is what a bench found. Ratios compare with a floor or a peer of the same run; metrics carry their unit in their name. */
export interface BenchResult {
  readonly metrics: Readonly<Record<string, number>>;
  readonly ratios: Readonly<Record<string, number>>;
  /** Says what was measured, against what, and what is left out. */
  readonly notes: readonly string[];
}

/** Is the machine, as far as it explains a number. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly platform: string;
}

/** Describes this machine, without a name that would identify it. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
}

/** Measures one round of something and returns the number to compare. */
export type Round = () => Promise<number> | number;

/**
 * Measures several things in alternating rounds, so that a slow minute of the machine hurts all of them, and returns the
 * median of each. The first round of each warms up and does not count; the order turns round by round.
 */
export async function alternate<Name extends string>(
  subjects: Readonly<Record<Name, Round>>,
  rounds = 5,
): Promise<Record<Name, number>> {
  const names = Object.keys(subjects) as Name[];
  const samples = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const value = await subjects[name]();
      if (round > 0) samples.get(name)?.push(value);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(samples.get(name) ?? [])])) as Record<Name, number>;
}

/** Gives the middle of some numbers; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Tells how long some work takes. Units: milliseconds. */
export async function timeMs(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Rounds to four significant digits, which is more than any bench here can tell. */
export function significant(value: number): number {
  return Number(value.toPrecision(4));
}
