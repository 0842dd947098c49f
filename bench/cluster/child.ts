// Runs one engine in a process of its own, so that none pays for the code, the garbage or the memory of another.
import { stepsPerRun } from "./subjects.ts";
import type { Subject, Task } from "./subjects.ts";

const [name = "", url = ""] = process.argv.slice(2);
const { open } = (await import(new URL(`${name}.ts`, import.meta.url).href)) as {
  readonly open: (url: string) => Promise<Subject>;
};
const subject = await open(url);
let ended = 0;
process.on("message", (task: Task) => void measure(task).then((stepsPerS) => process.send?.(stepsPerS)));
process.once("disconnect", () => process.exit());
process.send?.("ready");

async function measure(task: Task): Promise<number> {
  const begin = performance.now();
  const runs = task.way === "direct" ? await runDirectly(task, begin) : await runQueued(task);
  return (runs * stepsPerRun) / ((performance.now() - begin) / 1_000);
}

async function runDirectly({ concurrency, durationMs }: Task & { way: "direct" }, begin: number): Promise<number> {
  let runs = 0;
  const loop = async (): Promise<void> => {
    do {
      await subject.direct();
      runs++;
    } while (performance.now() - begin < durationMs);
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  return runs;
}

/** Each run is put into the queue by itself, as many at a time as run at once. */
async function runQueued({ concurrency, runs }: Task & { way: "queue" }): Promise<number> {
  let left = runs;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await subject.enqueue?.();
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  ended += runs;
  await subject.queued?.(ended);
  return runs;
}
