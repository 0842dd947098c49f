// Measures what one call of an agent costs beside the model, which is instant, next to four other libraries.
import { subjectNames } from "./agent/subjects.ts";
import type { SubjectName, Task } from "./agent/subjects.ts";
import { alternate } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";
import { startSubject } from "./lib/subject-process.ts";

const rounds = 5;
const roundMs = 1_000;
const concurrencies = [128, 1] as const;

/** Measures the time of a call, each library in a process of its own, in alternating rounds. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const children = await Promise.all(
    subjectNames.map((name) => startSubject<SubjectName, Task>(new URL("agent/child.ts", import.meta.url), name)),
  );
  try {
    for (const concurrency of concurrencies) {
      const suffix = concurrency === 128 ? "" : `_c${concurrency}`;
      const task: Task = { concurrency, durationMs: roundMs };
      const subjects = Object.fromEntries(children.map((child) => [child.name, () => child.measure(task)])) as Record<
        SubjectName,
        () => Promise<number>
      >;
      const times = await alternate(subjects, rounds);
      for (const [name, value] of Object.entries(times)) metrics[`${name}_us_per_call${suffix}`] = value;
      for (const peer of subjectNames) if (peer !== "atlas") ratios[`vs_${peer}${suffix}`] = times.atlas / times[peer];
    }
  } finally {
    for (const child of children) child[Symbol.dispose]();
  }
  return { metrics, ratios, notes };
}

const notes = [
  `Microseconds for one call of an agent whose model answers at once in one text, from start to result; each library in a process of its own; medians of ${rounds} alternating rounds of ${roundMs} ms; 128 calls at once, and one after the other where a name ends in _c1. Ratios are Atlas's time over theirs.`,
  "Atlas keeps each call as a durable run on SQLite with synchronous=FULL: input, steps, events and result. Calls one after the other wait for the disk, several times each; 128 at once share commits.",
  "The others keep nothing on disk: generateText of the AI SDK; an Agent with a Runner of the OpenAI Agents SDK without tracing; an Agent of Mastra without memory; an Agent of VoltAgent with its memory of the process.",
  "Left out: tools, streams that are shown, models that take time, other systems than Linux.",
];
