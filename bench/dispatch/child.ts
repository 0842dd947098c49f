// Measures one thing in a process of its own, so that its memory and its speed are nobody else's.
import { measureBacklog } from "./backlog.ts";
import { measureLatency } from "./latency.ts";
import { openSubject } from "./subject.ts";
import type { Task } from "./subject.ts";

process.once("message", (task: Task) => void measure(task));

async function measure(task: Task): Promise<void> {
  const subject = await openSubject(task);
  const found = task.kind === "latency" ? await measureLatency(subject) : await measureBacklog(subject);
  await subject[Symbol.asyncDispose]();
  process.send?.(found, () => process.disconnect());
}
