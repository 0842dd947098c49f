import { join } from "node:path";
import { createRuns, workflow } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import { stepsPerRun } from "./subjects.ts";
import type { OpenOptions, Subject } from "./subjects.ts";

const ten = workflow({
  name: "ten",
  run: async (context) => {
    for (let index = 0; index < stepsPerRun; index++) await context.step("step", () => ({ index, ok: true }));
    return "done";
  },
});

/** Opens Atlas: start, ten steps, their events, the end, each durable before it resolves. */
export async function open({ folder, synchronous }: OpenOptions): Promise<Subject> {
  const database = await sqlite({ path: join(folder, "atlas.db"), synchronous });
  const runs = await createRuns({ database });
  return {
    async run() {
      const handle = await runs.start(ten, null);
      if ((await handle.result()) !== "done") throw new Error("The run gave another result.");
    },
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}
