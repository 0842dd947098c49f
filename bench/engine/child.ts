// Runs one engine in a process of its own, so that none pays for the code, the garbage or the memory of another.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stepsPerRun } from "./subjects.ts";
import type { OpenOptions, Round, Subject, Task } from "./subjects.ts";

const warmUpRuns = 300;

const name = process.argv[2] ?? "";
const engine = (await import(new URL(`${name}.ts`, import.meta.url).href)) as {
  open(options: OpenOptions): Promise<Subject> | Subject;
};
process.on("message", (task: Task) => void measure(task).then((round) => process.send?.(round)));
process.once("disconnect", () => process.exit());
process.send?.("ready");
let warm = false;

async function measure(task: Task): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), "atlas-engine-"));
  try {
    const subject = await engine.open({ ...task, folder });
    // Code is compiled once in a process; a new database only needs its pages.
    for (let index = 0; index < (warm ? 10 : warmUpRuns); index++) await subject.run();
    warm = true;
    const round = await inTime(task, subject);
    await subject[Symbol.asyncDispose]();
    return round;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Keeps `concurrency` runs going for the time of the round, and lets those that began end. */
async function inTime({ concurrency, durationMs }: Task, subject: Subject): Promise<Round> {
  let runs = 0;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const loop = async (): Promise<void> => {
    do {
      await subject.run();
      runs++;
    } while (performance.now() - begin < durationMs);
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const steps = runs * stepsPerRun;
  return { stepsPerS: steps / seconds, cpuUsPerStep: (user + system) / steps, rssMb: residentMb() };
}

function residentMb(): number {
  const found = /VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1]) / 1_024;
}
