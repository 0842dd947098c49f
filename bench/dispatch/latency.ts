import type { Subject } from "./subject.ts";

/** Is how long a run takes from the call that enqueues it to the first line of its function. Units: milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const warmUps = 100;
const samples = 300;

/** Enqueues runs one after another into an idle queue and measures how long each takes to begin. */
export async function measureLatency({ runs, workflow }: Subject): Promise<Latency> {
  let begun = 0;
  const flow = workflow({
    name: "instant",
    run: () => {
      begun = performance.now();
      return Promise.resolve(null);
    },
  });
  const times: number[] = [];
  for (let index = 0; index < warmUps + samples; index++) {
    const from = performance.now();
    const run = await runs.start(flow, null, { queue: "instant" });
    await run.result();
    if (index >= warmUps) times.push(begun - from);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
