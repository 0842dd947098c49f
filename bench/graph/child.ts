// Runs one engine of graphs in a process of its own, so that none pays for the code, the garbage or the memory of another.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fanOutNodes, linearNodes } from "./subjects.ts";
import type { OpenOptions, Subject, Task } from "./subjects.ts";

const name = process.argv[2] ?? "";
const file = name.startsWith("langgraph") ? "langgraph" : name;
const saver = name.endsWith("memory") ? "memory" : "sqlite";
const engine = (await import(new URL(`${file}.ts`, import.meta.url).href)) as {
  open(options: OpenOptions): Promise<Subject>;
};
const warm = new Set<string>();
process.on("message", (task: Task) => void measure(task).then((speed) => process.send?.(speed)));
process.once("disconnect", () => process.exit());
process.send?.("ready");

/** Gives graphs a second. */
async function measure({ shape, concurrency, durationMs, synchronous }: Task): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-graph-"));
  try {
    const subject = await engine.open({ folder, saver, synchronous });
    const wanted = shape === "linear" ? linearNodes : fanOutNodes;
    const one = async (): Promise<void> => {
      const sum = await subject.run(shape);
      if (sum !== wanted) throw new Error(`The graph gave ${sum}.`);
    };
    // Code is compiled once in a process; a new database only needs its pages.
    for (let index = 0; index < (warm.has(shape) ? 3 : 100); index++) await one();
    warm.add(shape);
    let graphs = 0;
    const begin = performance.now();
    const loop = async (): Promise<void> => {
      do {
        await one();
        graphs++;
      } while (performance.now() - begin < durationMs);
    };
    await Promise.all(Array.from({ length: concurrency }, loop));
    const seconds = (performance.now() - begin) / 1_000;
    await subject[Symbol.asyncDispose]();
    return graphs / seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
