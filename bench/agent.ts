// Measures what one call of an agent costs beside the model, which is instant, next to four other libraries.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { subjectNames } from "./agent/subjects.ts";
import type { SubjectName, Task } from "./agent/subjects.ts";
import { alternate } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";

const rounds = 5;
const roundMs = 400;
const concurrencies = [128, 1] as const;

/** Measures the time of a call, each library in a process of its own, in alternating rounds. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  const children = await Promise.all(subjectNames.map(startChild));
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

interface Child extends Disposable {
  readonly name: SubjectName;
  measure(task: Task): Promise<number>;
}

async function startChild(name: SubjectName): Promise<Child> {
  const path = fileURLToPath(new URL("agent/child.ts", import.meta.url));
  const child = fork(path, [name], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const next = async (): Promise<unknown> => {
    const settled = new AbortController();
    const options = { signal: settled.signal };
    try {
      return await Promise.race([
        once(child, "message", options).then(([message]) => message as unknown),
        once(child, "exit", options).then(() => Promise.reject(new Error(`The process of ${name} ended early.`))),
      ]);
    } finally {
      settled.abort();
    }
  };
  await next();
  return {
    name,
    async measure(task) {
      child.send(task);
      return Number(await next());
    },
    [Symbol.dispose]: () => void child.send("end"),
  };
}
