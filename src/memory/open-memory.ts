import type { Migration } from "../storage/index.ts";
import type { MemoryOptions } from "./durable-memory.ts";
import type { DurableMemory } from "./memory.ts";

/**
 * Opens the memory of a database: conversations by thread, and facts that are pinned, for each tenant apart.
 *
 * Errors: those of the storage table.
 * Cost: what does the work is loaded here.
 */
export async function openMemory(options: MemoryOptions): Promise<DurableMemory> {
  const { createDurableMemory } = await import("./durable-memory.ts");
  return await createDurableMemory(options);
}

/** Gives the history of memory's schema, for those who back it up and restore it. Cost: it is loaded here. */
export async function memoryHistory(): Promise<readonly Migration[]> {
  return (await import("./memory-schema.ts")).memoryMigrations;
}
