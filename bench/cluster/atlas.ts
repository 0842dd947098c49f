import { createRuns, workflow } from "../../src/runs/index.ts";
import { pgBossQueue } from "../../src/runs/adapters/pg-boss.ts";
import { postgres } from "../../src/storage/adapters/postgres.ts";
import { noopTelemetry, silentLogger } from "../../src/telemetry/index.ts";
import { stepsPerRun } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

const ten = workflow({
  name: "ten",
  run: async (context) => {
    for (let index = 0; index < stepsPerRun; index++) await context.step("step", () => ({ index, ok: true }));
    return "done";
  },
});

/** Opens Atlas as a worker of 128 runs at once: enqueue, claim, ten steps and the end are durable in PostgreSQL. */
export async function open(url: string): Promise<Subject> {
  const database = await postgres({ url });
  const queue = pgBossQueue({ database, logger: silentLogger });
  const progress = { ended: 0, direct: 0, changed: (): void => {} };
  // A run that ended is known by the end of its span, which comes after its last commit.
  const end = (): void => {
    progress.ended++;
    progress.changed();
  };
  const telemetry = { ...noopTelemetry, span: () => ({ set() {}, fail() {}, end }) };
  const runs = await createRuns({ database, queue, telemetry, worker: { minRuns: 128, maxRuns: 128 } });
  runs.register(ten);
  return {
    async direct() {
      progress.direct++;
      const run = await runs.start(ten, null);
      if ((await run.result()) !== "done") throw new Error("The run gave another result.");
    },
    async enqueue() {
      await runs.start(ten, null, { queue: "bench" });
    },
    async queued(count) {
      while (progress.ended < count + progress.direct)
        await new Promise<void>((resolve) => (progress.changed = resolve));
    },
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
