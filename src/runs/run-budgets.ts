import type { Budget } from "../base/index.ts";
import { createBudget } from "../base/index.ts";
import type { Execution } from "./execution.ts";
import type { RunSettings } from "./journal.ts";

/** Is a run as its budget is found by. */
export interface SpendingRun {
  readonly id: string;
  readonly parentId?: string | undefined;
  readonly tenant?: string | undefined;
  readonly options?: RunSettings | undefined;
}

/** Gives runs their budgets. */
export type RunBudgets = (run: SpendingRun) => Promise<Budget>;

/**
 * Makes what gives runs their budgets: each below its parent's, which is executed here too, else below its tenant's. A run that has no
 * limits of its own shares the one above it, which costs nothing.
 */
export function createRunBudgets(
  executions: Pick<ReadonlyMap<string, Execution>, "get">,
  ofTenant?: (tenant: string | undefined) => Budget | Promise<Budget>,
): RunBudgets {
  const unlimited = createBudget("unlimited");
  return async ({ id, parentId, tenant, options }) => {
    const parent = parentId === undefined ? undefined : executions.get(parentId)?.budget;
    const above = parent ?? (ofTenant ? await ofTenant(tenant) : unlimited);
    return options?.budget === undefined ? above : above.child(id, options.budget);
  };
}
