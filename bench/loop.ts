// Measures how long the event loop is kept busy at a time while runs commit as fast as they can.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { open } from "./engine/atlas.ts";
import { stepsPerRun } from "./engine/subjects.ts";
import type { BenchResult } from "./lib/harness.ts";
import { median } from "./lib/harness.ts";

const rounds = 5;
const roundMs = 2_000;
const resolutionMs = 1;
const cases = [
  { name: "", synchronous: "full", concurrency: 128 },
  { name: "_c1024", synchronous: "full", concurrency: 1_024 },
  { name: "_c1", synchronous: "full", concurrency: 1 },
  { name: "_c1_normal", synchronous: "normal", concurrency: 1 },
] as const;

/** Keeps ten-step runs going and watches the event loop of their process. */
export async function run(): Promise<BenchResult> {
  const metrics: Record<string, number> = {};
  for (const { name, ...load } of cases) {
    const found = [];
    for (let round = 0; round <= rounds; round++) found.push(await measure(load));
    const counted = found.slice(1);
    metrics[`delay_p99_ms${name}`] = median(counted.map(({ p99 }) => p99));
    metrics[`delay_max_ms${name}`] = Math.max(...counted.map(({ max }) => max));
    metrics[`steps_per_s${name}`] = median(counted.map(({ stepsPerS }) => stepsPerS));
  }
  return {
    metrics,
    ratios: {},
    notes: [
      `Ten-step runs, 128 at once where a name says nothing else, as fast as they commit, for ${roundMs} ms; medians of ${rounds} rounds after one that warms up, of max the largest.`,
      `monitorEventLoopDelay with a resolution of ${resolutionMs} ms: a delay is what a timer came later than asked, and holds the resolution itself.`,
    ],
  };
}

interface Load {
  readonly synchronous: "full" | "normal";
  readonly concurrency: number;
}

async function measure({ synchronous, concurrency }: Load): Promise<{ p99: number; max: number; stepsPerS: number }> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-loop-"));
  try {
    await using subject = await open({ folder, synchronous, commit: "group" });
    await subject.run();
    const delay = monitorEventLoopDelay({ resolution: resolutionMs });
    let runs = 0;
    const begin = performance.now();
    delay.enable();
    const again = async (): Promise<void> => {
      while (performance.now() - begin < roundMs) {
        await subject.run();
        runs++;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, again));
    delay.disable();
    const seconds = (performance.now() - begin) / 1_000;
    return { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, stepsPerS: (runs * stepsPerRun) / seconds };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
