import type { Migration } from "../../storage/index.ts";

/** Gives the history of the budgets' schema, for those who back it up and restore it. Cost: it is loaded here. */
export async function budgetHistory(): Promise<readonly Migration[]> {
  return (await import("./budget-schema.ts")).budgetMigrations;
}
