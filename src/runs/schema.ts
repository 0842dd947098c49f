import type { Migration } from "../storage/index.ts";

/**
 * Holds the tables of the run engine.
 *
 * `run` is what can be said of a run without its log: who owns it (`owner`, `epoch`: every write names the epoch and is
 * refused when it is stale), what is asked of it (`control`) and its end. `run_event` is the log. `run_signal` holds what was
 * sent to a run and not yet taken.
 */
export const runMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "runs, their logs and signals",
    statements: [
      `CREATE TABLE run(
        id TEXT PRIMARY KEY, workflow TEXT NOT NULL, status TEXT NOT NULL, key TEXT, parent_id TEXT, tags TEXT NOT NULL,
        owner TEXT, epoch INTEGER NOT NULL, control TEXT, checkpoint_seq INTEGER NOT NULL,
        input TEXT NOT NULL, output TEXT, error TEXT,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, finished_at INTEGER) WITHOUT ROWID`,
      `CREATE UNIQUE INDEX run_by_key ON run(workflow, key) WHERE key IS NOT NULL AND finished_at IS NULL`,
      `CREATE INDEX run_unfinished ON run(owner) WHERE finished_at IS NULL`,
      `CREATE INDEX run_by_parent ON run(parent_id) WHERE parent_id IS NOT NULL`,
      `CREATE INDEX run_by_end ON run(finished_at) WHERE finished_at IS NOT NULL`,
      `CREATE TABLE run_event(
        run_id TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, key TEXT, at INTEGER NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY(run_id, seq)) WITHOUT ROWID`,
      `CREATE TABLE run_signal(
        id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, name TEXT NOT NULL, payload TEXT NOT NULL)`,
      `CREATE INDEX run_signal_by_run ON run_signal(run_id, name, id)`,
    ],
  },
];
