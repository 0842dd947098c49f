import type { WorkerOptions } from "../create-runs.ts";
import { checkCount, checkName } from "./start-options.ts";

/** Checks what was said about a worker: one that could never take a run would wait in silence. Errors: invalid_input. */
export function checkWorkerOptions({ name, queues = [], minRuns = 1, maxRuns = Infinity }: WorkerOptions): void {
  if (name !== undefined) checkName("worker.name", name);
  for (const queue of queues) checkName("worker.queues", queue);
  checkCount("worker.minRuns", minRuns, 1);
  if (maxRuns !== Infinity) checkCount("worker.maxRuns", maxRuns, 1);
}
