import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { workflow } from "../../src/runs/index.ts";
import type { Workflow } from "../../src/runs/index.ts";

/** Says how the counting workflow goes. `die` kills the process within each step. */
export interface CountingOptions {
  readonly record: string;
  readonly by: string;
  readonly steps: number;
  readonly pauseMs: number;
  readonly die?: boolean;
}

/** Makes the workflow of the takeover tests: it tells a file outside of the database of each step whose body begins. */
export function counting({ record, by, steps, pauseMs, die = false }: CountingOptions): Workflow<null, number> {
  return workflow({
    name: "counting",
    run: async (context) => {
      for (let step = 0; step < steps; step++) {
        // Not durable on purpose: what is frozen here begins a step as the first thing when it thaws.
        await delay(pauseMs, undefined, { signal: context.signal });
        await context.step(`step ${step}`, () => {
          appendFileSync(record, `${JSON.stringify({ run: context.runId, step, by, at: Date.now() })}\n`);
          if (die) process.kill(process.pid, "SIGKILL");
          return step;
        });
      }
      return steps;
    },
  });
}
