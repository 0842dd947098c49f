// Measures how long a manager takes for 200 tasks with random needs, beside the least that any order could take.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGate } from "../src/providers/resilience/index.ts";
import type { Gate } from "../src/providers/resilience/index.ts";
import type { Clock } from "../src/base/index.ts";
import { seededRandom, systemClock } from "../src/base/index.ts";
import { agent, createAtlas, scripted } from "../src/index.ts";
import type { Atlas, Model } from "../src/index.ts";
import { manager, remainingMs } from "../src/teams/manager/index.ts";
import type { BenchResult } from "./lib/harness.ts";
import { median } from "./lib/harness.ts";

const taskCount = 200;
const seeds = [1, 2, 3, 4, 5];
/**
 * Each shape is a limit of the models: the longest way through the tasks decides, or the requests a minute. `speed` says how many
 * seconds of the models' time go by in one of ours: what Atlas itself takes counts that many times.
 */
const shapes = {
  way: { requestsPerMinute: 6_000, needs: 3, reach: 80, maxParallel: 200, speed: 3 },
  warmUp: { requestsPerMinute: 6_000, needs: 3, reach: 80, maxParallel: 200, speed: 400 },
  rate: { requestsPerMinute: 30, needs: 2, reach: 80, maxParallel: 24, speed: 36 },
} as const;
type Shape = keyof typeof shapes;

interface Task {
  readonly id: string;
  readonly needs: readonly string[];
  readonly estimateMs: number;
}

/** Runs plans of both shapes with several seeds. Units: the models' milliseconds. */
export async function run(): Promise<BenchResult> {
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const directory = mkdtempSync(join(tmpdir(), "atlas-bench-plan-"));
  try {
    await using atlas = await createAtlas({ directory, environment: {} });
    await round(atlas, "warmUp", 0);
    for (const shape of ["way", "rate"] as const) {
      const rounds = [];
      for (const seed of seeds) rounds.push(await round(atlas, shape, seed));
      metrics[`makespan_${shape}_s`] = median(rounds.map(({ makespanMs }) => makespanMs / 1000));
      metrics[`bound_${shape}_s`] = median(rounds.map(({ boundMs }) => boundMs / 1000));
      metrics[`worst_${shape}`] = Math.max(...rounds.map(({ makespanMs, boundMs }) => makespanMs / boundMs));
      ratios[`makespan_over_bound_${shape}`] = median(rounds.map(({ makespanMs, boundMs }) => makespanMs / boundMs));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  ratios["makespan_over_bound"] = Math.max(...Object.values(ratios));
  return { metrics, ratios, notes };
}

const notes = [
  `${taskCount} tasks with random needs, each one call of a scripted model of 2 to 9 s behind a real gate; durable, SQLite with synchronous=FULL; medians of ${seeds.length} seeds after one that warms up.`,
  "The bound is the larger of the longest way through the needs (true latencies) and of what the limit of requests a minute allows: the last request cannot be sent before (tasks - 1) / limit whole minutes, and then takes the shortest latency.",
  `way: 6,000 requests a minute, the longest way decides, 200 tasks at once at most; the models' clock runs ${shapes.way.speed} times as fast as ours, so what Atlas itself takes counts ${shapes.way.speed} times. rate: 30 requests a minute, the limit decides, 24 tasks at once at most, so that what waits stays in the order of the plan and not in the gate's; the clock runs ${shapes.rate.speed} times as fast. makespan_over_bound is the larger of the two medians.`,
  "Estimates are off by up to 30 %. Left out: limits and ways of the same length, where no order reaches the bound; failures; several processes.",
];

async function round(atlas: Atlas, shape: Shape, seed: number): Promise<{ makespanMs: number; boundMs: number }> {
  const { requestsPerMinute, needs, reach, maxParallel, speed } = shapes[shape];
  const tasks = randomTasks(seed, needs, reach);
  const clock = fastClock(speed);
  const gate = createGate({
    provider: "scripted",
    model: "bench",
    keyId: "bench",
    limits: { requestsPerMinute },
    clock,
  });
  const latencies = new Map(tasks.map(({ id, estimateMs }) => [id, estimateMs]));
  const worker = agent({ name: `worker-${shape}-${seed}`, model: gated(gate, clock, latencies) });
  const random = seededRandom(seed * 7);
  const crew = manager({
    name: `bench-${shape}-${seed}`,
    agents: [worker],
    limits: { maxTasks: taskCount, maxParallel },
    aggregate: "joined",
    planner: "questions",
  });
  const plan = {
    tasks: tasks.map((task) => ({
      ...task,
      goal: `Do ${task.id}.`,
      agent: worker.name,
      estimateMs: task.estimateMs * (0.7 + random.next() * 0.6),
    })),
  };
  const begin = clock.monotonic();
  await (await atlas.start(crew, JSON.stringify(plan))).result();
  const makespanMs = clock.monotonic() - begin;
  const wayMs = Math.max(...remainingMs(tasks).values());
  const minutes = Math.floor((taskCount - 1) / requestsPerMinute);
  const limitMs = minutes * 60_000 + Math.min(...latencies.values());
  return { makespanMs, boundMs: Math.max(wayMs, limitMs) };
}

/** Makes tasks that need up to some others, which stand before them within reach. */
function randomTasks(seed: number, needs: number, reach: number): readonly Task[] {
  const random = seededRandom(seed);
  return Array.from({ length: taskCount }, (_, index) => {
    const wanted = Math.floor(random.next() * (needs + 1));
    const picks = Array.from({ length: wanted }, () => index - 1 - Math.floor(random.next() * reach));
    return {
      id: `t${index}`,
      needs: [...new Set(picks.filter((pick) => pick >= 0))].map((pick) => `t${pick}`),
      estimateMs: 2000 + Math.floor(random.next() * 7000),
    };
  });
}

/** Makes a model that goes through the gate and takes as long as its task. */
function gated(gate: Gate, clock: Clock, latencies: ReadonlyMap<string, number>): Model {
  const model = scripted(
    (request) => {
      const id = /Do (t\d+)\./.exec(JSON.stringify(request.messages.at(-1)))?.[1] ?? "";
      return { text: `Did ${id}.`, delayMs: latencies.get(id) ?? 0 };
    },
    { clock },
  );
  return {
    ...model,
    async *stream(request, options = {}) {
      const { signal } = options;
      const pass = await gate.enter({ inputTokens: 100, maxOutputTokens: 100 }, { maxWaitMs: Infinity, signal });
      try {
        yield* model.stream(request, options);
        pass.end({ kind: "success", usage: { inputTokens: 100, outputTokens: 10, provenance: "reported" } });
      } finally {
        pass.end({ kind: "ignored", usage: undefined });
      }
    },
  };
}

/** Makes a clock that runs faster than the system's. */
function fastClock(speed: number): Clock {
  const begin = systemClock.monotonic();
  const start = systemClock.now();
  return {
    ...systemClock,
    now: () => start + (systemClock.monotonic() - begin) * speed,
    monotonic: () => (systemClock.monotonic() - begin) * speed,
    sleep: (ms, options) => systemClock.sleep(ms / speed, options),
  };
}
