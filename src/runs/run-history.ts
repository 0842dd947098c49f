import type { Migration } from "../storage/index.ts";

/** Gives the history of the run engine's schema, for those who back it up and restore it. Cost: it is loaded here. */
export async function runHistory(): Promise<readonly Migration[]> {
  return (await import("./schema.ts")).runMigrations;
}
