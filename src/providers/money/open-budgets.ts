import type { Budgets, BudgetsOptions } from "./durable-budget.ts";

/**
 * Opens the budgets of a database. What processes that died had set aside is given back: now, and whenever a scope has not
 * enough left.
 *
 * Errors: those of the storage table.
 * Cost: what does the work is loaded here; one write for each reservation and one for its end; writes of calls at the same time share a commit.
 */
export async function openBudgets(options: BudgetsOptions): Promise<Budgets> {
  const { createDurableBudgets } = await import("./durable-budget.ts");
  return await createDurableBudgets(options);
}
