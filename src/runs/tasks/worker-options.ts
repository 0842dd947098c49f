import { baseErrors } from "../../base/index.ts";
import type { WorkerOptions } from "../create-runs.ts";
import { checkName } from "./start-options.ts";

/** Checks what was said about a worker: one that could never take a run would wait in silence. Errors: invalid_input. */
export function checkWorkerOptions({ name, queues = [], minRuns = 1, maxRuns = Infinity }: WorkerOptions): void {
  if (name !== undefined) checkName("worker.name", name);
  for (const queue of queues) checkName("worker.queues", queue);
  checkCount("worker.minRuns", minRuns);
  if (maxRuns !== Infinity) checkCount("worker.maxRuns", maxRuns);
}

function checkCount(option: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 1) return;
  throw baseErrors.create("invalid_input", `The option ${option} is ${count}; it must be a whole number from 1 on.`, {
    details: { option },
  });
}
