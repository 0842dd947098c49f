import type { Runs } from "../../src/runs/index.ts";

/** Is what some followers saw: entries that one missed, saw twice or out of order, and how long each took to come. Units: ms. */
export interface Followed {
  readonly lost: number;
  readonly delays: readonly number[];
}

/** Says what is followed, and is told when all followers wait for what comes. */
export interface Following {
  readonly id: string;
  readonly count: number;
  readonly ready: () => void;
}

/** Follows one run many times at once, from its beginning to its end. */
export async function followMany(runs: Runs, { id, count, ready }: Following): Promise<Followed> {
  const delays: number[] = [];
  const last: number[] = [];
  let lost = 0;
  let waiting = 0;
  const follow = async (index: number): Promise<void> => {
    let before = 0;
    for await (const { seq, type, data } of (await runs.open(id)).events()) {
      if (seq !== before + 1) lost++;
      before = seq;
      if (type === "signal.awaited" && ++waiting === count) ready();
      const { output } = data as { readonly output?: { readonly sentAt?: number } };
      // One in ten is enough for a percentile, and costs the followers less.
      if (output?.sentAt !== undefined && index % 10 === 0)
        delays.push(performance.timeOrigin + performance.now() - output.sentAt);
    }
    last.push(before);
  };
  await Promise.all(Array.from({ length: count }, (_, index) => follow(index)));
  const end = Math.max(...last);
  for (const seq of last) lost += end - seq;
  return { lost, delays };
}
