// Measures a thousand followers of one stream, in the run's own process and in another one on the same database.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRuns, workflow } from "../src/runs/index.ts";
import type { Runs } from "../src/runs/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import { followMany } from "./follow/follow-many.ts";
import type { Followed } from "./follow/follow-many.ts";
import type { BenchResult } from "./lib/harness.ts";
import { median } from "./lib/harness.ts";

const followers = 1_000;
const events = 1_000;
const paceMs = 5;
const fullSteps = 2_000;
const rounds = 5;

/** Streams 200 events a second to a thousand followers, here and in another process, and watches what they cost the run. */
export async function run(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-follow-"));
  try {
    const path = join(folder, "follow.db");
    await using database = await sqlite({ path });
    await using runs = await createRuns({ database });
    const here = await streamed(runs, (id, ready) => followMany(runs, { id, count: followers, ready }));
    const away = await streamed(runs, (id, ready) => followElsewhere(path, id, ready));
    const alone = await streamed(runs, nobody);
    const speeds = { followed: [] as number[], alone: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      speeds.alone.push(await fullSpeed(runs, nobody));
      speeds.followed.push(await fullSpeed(runs, (id, ready) => followElsewhere(path, id, ready)));
    }
    return {
      metrics: {
        lost: here.lost + away.lost,
        p99_ms: Math.max(here.p99, away.p99),
        p99_here_ms: here.p99,
        p50_here_ms: here.p50,
        p99_other_process_ms: away.p99,
        p50_other_process_ms: away.p50,
        events_per_s_followed: here.perS,
        events_per_s_followed_elsewhere: away.perS,
        events_per_s_alone: alone.perS,
        full_steps_per_s_alone: median(speeds.alone.slice(1)),
        full_steps_per_s_followed_elsewhere: median(speeds.followed.slice(1)),
      },
      ratios: {
        run_rate: here.perS / alone.perS,
        run_rate_followed_elsewhere: away.perS / alone.perS,
        full_rate_followed_elsewhere: median(speeds.followed.slice(1)) / median(speeds.alone.slice(1)),
      },
      notes: [
        `${followers} followers of one run that does a step every ${paceMs} ms (200 a second), ${events} steps; a delay is from the moment that the step names in its result to the follower's receipt.`,
        "First all followers are in the run's own process, then all in another process on the same database, which hears of entries by the database's hints. p99_ms is the larger of the two, lost their sum: entries that a follower missed, saw twice or out of order.",
        `full_… is one run of ${fullSteps} steps as fast as it can, synchronous=FULL, without followers and with ${followers} in another process, in alternating rounds, medians of ${rounds} after one that warms up; both processes share this machine's cores.`,
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits for its followers, does its steps at their pace, and gives how many it did a second. */
const stream = workflow({
  name: "stream",
  run: async (context) => {
    await context.waitFor("go");
    const begin = performance.now();
    for (let index = 0; index < events; index++) {
      await context.step("tick", () => ({ sentAt: performance.timeOrigin + performance.now() }));
      const wait = begin + (index + 1) * paceMs - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    return (events * 1_000) / (performance.now() - begin);
  },
});

const full = workflow({
  name: "full",
  run: async (context) => {
    await context.waitFor("go");
    const begin = performance.now();
    for (let index = 0; index < fullSteps; index++) await context.step("step", () => ({ index, ok: true }));
    return (fullSteps * 1_000) / (performance.now() - begin);
  },
});

type Follow = (id: string, ready: () => void) => Promise<Followed>;

const nobody: Follow = (_, ready) => {
  ready();
  return Promise.resolve({ lost: 0, delays: [] });
};

async function streamed(runs: Runs, follow: Follow) {
  const { perS, lost, delays } = await followed(runs, stream, follow);
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { lost, p50: at(0.5), p99: at(0.99), perS };
}

async function fullSpeed(runs: Runs, follow: Follow): Promise<number> {
  return (await followed(runs, full, follow)).perS;
}

/** Lets a run go once all of its followers wait for it. */
async function followed(
  runs: Runs,
  flow: typeof stream,
  follow: Follow,
): Promise<Followed & { readonly perS: number }> {
  const started = await runs.start(flow, null);
  const { promise, resolve } = Promise.withResolvers<void>();
  const following = follow(started.id, resolve);
  await promise;
  await started.signal("go");
  const perS = await started.result();
  return { ...(await following), perS };
}

async function followElsewhere(path: string, id: string, ready: () => void): Promise<Followed> {
  const child = fork(fileURLToPath(new URL("follow/child.ts", import.meta.url)), [path, id, String(followers)]);
  const next = async (): Promise<unknown> => ((await once(child, "message")) as [unknown])[0];
  await next();
  ready();
  const found = (await next()) as Followed;
  child.disconnect();
  return found;
}
