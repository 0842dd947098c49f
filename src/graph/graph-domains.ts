import type { Migration } from "../storage/index.ts";

/** Gives the histories of the schemas that graphs keep something in beside the log of runs, by domain. Cost: they are loaded here. */
export async function graphDomains(): Promise<Readonly<Record<string, readonly Migration[]>>> {
  const { langgraphHistory } = await import("./langgraph-schema.ts");
  return { langgraph: langgraphHistory() };
}
