// Measures one subject in a process of its own, as its parent asks.
import { answer } from "./subjects.ts";
import type { Subject, Task } from "./subjects.ts";

const name = process.argv[2] ?? "";
const { open } = (await import(new URL(`${name}.ts`, import.meta.url).href)) as { open: () => Promise<Subject> };
const subject = await open();
const said = await subject.call();
if (said !== answer) throw new Error(`${name} said ${JSON.stringify(said)}.`);

process.on("message", (task: Task) => void measure(task).then((microseconds) => process.send?.(microseconds)));
process.once("disconnect", () => void subject[Symbol.asyncDispose]().then(() => process.exit()));
process.send?.("ready");

/** Calls as fast as it can for a while. Units: microseconds for each call. */
async function measure({ concurrency, durationMs }: Task): Promise<number> {
  let calls = 0;
  const begin = performance.now();
  const again = async (): Promise<void> => {
    while (performance.now() - begin < durationMs) {
      await subject.call();
      calls++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, again));
  return ((performance.now() - begin) * 1_000) / calls;
}
