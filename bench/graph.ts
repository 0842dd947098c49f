// Measures graphs, durable, beside LangGraph with its memory saver and with its SQLite saver.
import { shapes, subjectNames } from "./graph/subjects.ts";
import type { SubjectName, Task } from "./graph/subjects.ts";
import { alternate } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";
import { startSubject } from "./lib/subject-process.ts";

const rounds = 5;
const roundMs = 500;
/** How many graphs at once; the last of each counts. A fan-out is a hundred nodes at once by itself. */
const concurrencies = { linear: [1, 128], fan_out: [1, 16] } as const;

/** Measures graphs a second, each engine in a process of its own, in alternating rounds. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const engines = await Promise.all(
    subjectNames.map((name) => startSubject<SubjectName, Task>(new URL("graph/child.ts", import.meta.url), name)),
  );
  try {
    for (const shape of shapes) {
      for (const concurrency of concurrencies[shape]) {
        const task: Task = { shape, concurrency, durationMs: roundMs, synchronous: "full" };
        const subjects = Object.fromEntries(
          engines.map((engine) => [engine.name, () => engine.measure(task)]),
        ) as Record<SubjectName, () => Promise<number>>;
        const speeds = await alternate(subjects, rounds);
        for (const [name, value] of Object.entries(speeds)) metrics[`${name}_${shape}_per_s_c${concurrency}`] = value;
        for (const peer of ["langgraph_sqlite", "langgraph_memory"] as const)
          ratios[`vs_${peer}_${shape}_c${concurrency}`] = speeds.atlas / speeds[peer];
      }
    }
    for (const peer of ["langgraph_sqlite", "langgraph_memory"] as const)
      ratios[`vs_${peer}`] = Math.min(ratios[`vs_${peer}_linear_c128`] ?? 0, ratios[`vs_${peer}_fan_out_c16`] ?? 0);
  } finally {
    for (const engine of engines) engine[Symbol.dispose]();
  }
  return { metrics, ratios, notes };
}

const notes = [
  `Graphs a second, from start to end: ten nodes in a line, and a node that leads to a hundred at once whose results meet; each engine in a process of its own with a new database each round; medians of ${rounds} alternating rounds of ${roundMs} ms, one graph after the other, and 128 lines or 16 fan-outs at once.`,
  "vs_langgraph_sqlite and vs_langgraph_memory are the lower of the two ratios with many graphs at once, where commits are shared; the ratios of one graph after the other stand beside them.",
  "Atlas commits with synchronous=FULL, and a node begins when the one before it is durable. LangGraph's SQLite saver commits with NORMAL, and its nodes do not wait for their checkpoints; its memory saver keeps nothing.",
  "Left out: nodes that take time, large states, other systems than Linux.",
];
