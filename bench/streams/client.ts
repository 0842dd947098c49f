// Runs one client in a process of its own, so that no client pays for the code and the garbage of another.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isClientName, openClient, type ReadAnswer } from "./subjects.ts";

/** Is what a client is asked to do, `streams` times at once. */
export interface Task {
  readonly kind: "cpu" | "heap" | "first";
  readonly baseUrl: string;
  readonly streams: number;
  /** How many pieces of text each answer must have. */
  readonly events: number;
}

const name = process.argv[2] ?? "";
if (!isClientName(name)) throw new Error(`There is no client "${name}".`);
const read = await openClient(name);
const tasks = { cpu: cpuUs, heap: heapKb, first: firstMs };
process.on("message", (task: Task) => {
  // A heap task leaves its streams open; the process is ended then.
  void tasks[task.kind](read, task).then((value) => process.send?.(value));
});
process.once("disconnect", () => process.exit());
process.send?.(0);

/** Gives the CPU time, user and system, for each event. Units: microseconds. */
async function cpuUs(reader: ReadAnswer, { baseUrl, streams, events }: Task): Promise<number> {
  const start = process.cpuUsage();
  const counts = await Promise.all(Array.from({ length: streams }, () => reader(baseUrl)));
  const { user, system } = process.cpuUsage(start);
  if (counts.some((count) => count !== events)) throw new Error(`${name} lost events: ${counts.join(" ")}`);
  return (user + system) / (streams * events);
}

/** Gives what each open stream holds of the heap. Units: KiB. */
async function heapKb(reader: ReadAnswer, { baseUrl, streams }: Task): Promise<number> {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const begun: Promise<void>[] = [];
  for (let stream = 0; stream < streams; stream++) {
    const first = Promise.withResolvers<void>();
    begun.push(first.promise);
    reader(baseUrl, first.resolve).catch(() => {});
  }
  await Promise.all(begun);
  await new Promise((resolve) => setTimeout(resolve, 50));
  collectGarbage();
  return (process.memoryUsage().heapUsed - before) / 1024 / streams;
}

/** Gives the time from the call to its first text. Units: milliseconds. */
async function firstMs(reader: ReadAnswer, { baseUrl }: Task): Promise<number> {
  const start = performance.now();
  let ms = Number.NaN;
  await reader(baseUrl, () => (ms = performance.now() - start));
  return ms;
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
}
