import type { RetryPolicy } from "../../runs/index.ts";

/** Bounds what a manager may do for one goal. Everything has a default, so nothing goes on for ever. */
export interface ManagerLimitOptions {
  /** Tasks of all versions of the plan together. Default: 50. */
  readonly maxTasks?: number;
  /** Changes of the plan after failures and steering. Default: 3. */
  readonly maxReplans?: number;
  /** How often a plan with problems goes back to the planner, each time. Default: 2. */
  readonly maxPlanRepairs?: number;
  /** Tasks at the same time. Default: 8. */
  readonly maxParallel?: number;
  /** How a task that failed is tried again before the plan is changed. Default: 2 attempts, the second at once. */
  readonly retry?: RetryPolicy;
}

/** Are the limits of a manager, all of them. */
export type ManagerLimits = Required<ManagerLimitOptions>;

/** Fills in what is not said. */
export function readLimits(given: ManagerLimitOptions = {}): ManagerLimits {
  return { maxTasks: 50, maxReplans: 3, maxPlanRepairs: 2, maxParallel: 8, retry: { attempts: 2 }, ...given };
}

/** Tells what is wrong with limits; undefined where nothing is. */
export function limitProblem(limits: ManagerLimits): string | undefined {
  for (const name of ["maxTasks", "maxParallel"] as const)
    if (!isCount(limits[name], 1)) return `${name} must be a whole number from 1 on`;
  for (const name of ["maxReplans", "maxPlanRepairs"] as const)
    if (!isCount(limits[name], 0)) return `${name} must be a whole number from 0 on`;
  return isCount(limits.retry.attempts, 1) ? undefined : "retry.attempts must be a whole number from 1 on";
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

/** Gives how long to wait before an attempt. Units: milliseconds; `attempt` counts the failed ones. */
export function retryDelayMs(
  { minDelayMs = 0, maxDelayMs = 60_000, factor = 2 }: RetryPolicy,
  attempt: number,
): number {
  return Math.min(maxDelayMs, minDelayMs * factor ** Math.max(0, attempt - 1));
}
