import type { Migration } from "../storage/index.ts";

/**
 * Holds the tables of memory.
 *
 * `memory_turn` has a row for each run of a conversation; `memory_fact` for each pinned fact. An empty tenant is none, an empty thread
 * means every conversation. Times in ms since the Unix epoch.
 */
export const memoryMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "conversations and facts",
    statements: [
      `CREATE TABLE memory_turn(
        tenant TEXT NOT NULL, thread TEXT NOT NULL, run_id TEXT NOT NULL, agent TEXT NOT NULL, at INTEGER NOT NULL,
        goal TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY(tenant, thread, run_id))`,
      `CREATE INDEX memory_turn_by_time ON memory_turn(tenant, thread, at)`,
      `CREATE TABLE memory_fact(
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, thread TEXT NOT NULL, fact TEXT NOT NULL, at INTEGER NOT NULL)`,
      `CREATE INDEX memory_fact_by_scope ON memory_fact(tenant, thread, at)`,
    ],
  },
];
