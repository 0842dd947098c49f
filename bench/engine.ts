// Measures the run engine, whole, beside raw SQLite and two other engines that keep their state in SQLite.
import { measureColdStart } from "./engine/cold-start.ts";
import { startEngine } from "./engine/start-child.ts";
import type { EngineProcess } from "./engine/start-child.ts";
import { subjectNames } from "./engine/subjects.ts";
import type { SubjectName, Task } from "./engine/subjects.ts";
import { alternate, median } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";

const concurrencies = [1, 16, 128, 1_024] as const;
const rounds = 5;
/** Peers take part in as many rounds, of this length too, but let what they began end: at 1,024 that is longer. */
const roundMs = 500;

/** Measures durable steps a second of ten-step runs, from start to end, each engine in a process of its own, in alternating rounds. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  const { coldMs, rssMb } = await measureColdStart();
  using engines = await startEngines();
  const metrics: Record<string, number> = { cold_ms: coldMs, rss_mb: rssMb };
  const ratios: Record<string, number> = {};
  const costs: number[] = [];
  for (const concurrency of concurrencies) {
    const task: Task = { concurrency, durationMs: roundMs, synchronous: "full", commit: "group" };
    const suffix = concurrency === 128 ? "" : `_c${concurrency}`;
    const speeds = await alternate(subjectsOf(engines, task, costs), rounds);
    keep(metrics, speeds, concurrency);
    ratios[`vs_floor${suffix}`] = speeds.atlas / speeds.floor;
    if (concurrency === 1) ratios["vs_fsync_floor_c1"] = speeds.atlas / speeds.fsync;
    else {
      ratios[`steps_vs_langgraph_sqlite${suffix}`] = speeds.atlas / speeds.langgraph;
      ratios[`steps_vs_mastra_libsql${suffix}`] = speeds.atlas / speeds.mastra;
    }
    const cost = median(costs.splice(0));
    metrics[`cpu_us_per_step${suffix}`] = cost;
  }
  const normal: Task = { concurrency: 1, durationMs: roundMs, synchronous: "normal", commit: "group" };
  const speeds = await alternate(subjectsOf(engines, normal, costs), rounds);
  keep(metrics, speeds, "1_normal");
  ratios["steps_vs_langgraph_sqlite_c1"] = speeds.atlas / speeds.langgraph;
  ratios["steps_vs_mastra_libsql_c1"] = speeds.atlas / speeds.mastra;
  metrics["cpu_us_per_step_c1_normal"] = median(costs);
  return { metrics, ratios, notes };
}

const notes = [
  `Ten-step runs through start, steps, events and end; each engine in a process of its own with a new database each round; medians of ${rounds} alternating rounds of ${roundMs} ms after one that warms up; runs that were begun are let end.`,
  "Atlas commits with synchronous=FULL, but for the ratios steps_vs_…_c1, where it commits with NORMAL, as LangGraph's SQLite saver and Mastra's LibSQL store do; they are measured as they come.",
  "The floor writes as many rows (a run's start, its steps, its end) in raw SQLite with group commit in its own thread, without run state, events or fence; the fsync floor commits each by itself.",
  "cpu_us_per_step is user and system time of Atlas's whole process, its database thread included, at 128 runs at once.",
  "cold_ms is the wall time from the spawn of a process of the built package to its first durable step with a new database; rss_mb is that process's resident set after its run.",
  "LangGraph does not wait for its checkpoints between steps. Left out: payloads beyond 20 bytes, slow disks, other systems than Linux.",
];

type Engines = Readonly<Record<SubjectName, EngineProcess>>;

async function startEngines(): Promise<Engines & Disposable> {
  const pairs: [string, EngineProcess][] = [];
  for (const name of subjectNames) pairs.push([name, await startEngine(name)]);
  const engines = Object.fromEntries(pairs) as Engines;
  return { ...engines, [Symbol.dispose]: () => pairs.forEach(([, engine]) => engine[Symbol.dispose]()) };
}

function subjectsOf(engines: Engines, task: Task, costs: number[]) {
  const speed =
    (name: SubjectName, change: Partial<Task> = {}) =>
    async (): Promise<number> => {
      const { stepsPerS, cpuUsPerStep } = await engines[name].measure({ ...task, ...change });
      if (name === "atlas") costs.push(cpuUsPerStep);
      return stepsPerS;
    };
  const single = { commit: "single", concurrency: 1 } as const;
  return {
    atlas: speed("atlas"),
    floor: speed("floor"),
    fsync: task.concurrency === 1 ? speed("floor", single) : () => Number.NaN,
    langgraph: speed("langgraph"),
    mastra: speed("mastra"),
  };
}

function keep(metrics: Record<string, number>, speeds: Readonly<Record<string, number>>, at: number | string): void {
  for (const [name, value] of Object.entries(speeds)) {
    if (!Number.isNaN(value)) metrics[`${name}_steps_per_s_c${at}`] = value;
  }
}
