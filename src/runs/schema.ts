import type { Migration } from "../storage/index.ts";

/**
 * Holds the tables of the run engine.
 *
 * `run` is what can be said of a run without its log: who owns it (`owner`, `epoch`: every write names the epoch and is
 * refused when it is stale), what is asked of it (`control`) and its end. `run_event` is the log. `run_signal` holds what was
 * sent to a run and not yet taken.
 *
 * `run_owner` is one row for each live engine: `beat` counts up while it lives. `run_queue` holds what is asked of a queue.
 * Turns are how tenants share one priority of a queue: `run_turn` holds the last one given to a tenant, `run_served` the one that
 * was claimed last. A queued run with an owner is claimed and about to begin: it counts for the limits, and nobody else takes it.
 * The SQL is the dialect that both databases understand; the PostgreSQL adapter maps INTEGER to BIGINT and leaves WITHOUT ROWID out.
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
  {
    version: 2,
    name: "queues, leases, schedules, dependencies",
    statements: [
      "ALTER TABLE run ADD COLUMN version TEXT NOT NULL DEFAULT '1'",
      "ALTER TABLE run ADD COLUMN tenant TEXT",
      "ALTER TABLE run ADD COLUMN queue TEXT",
      "ALTER TABLE run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE run ADD COLUMN turn INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE run ADD COLUMN due_at INTEGER",
      "ALTER TABLE run ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1",
      "ALTER TABLE run ADD COLUMN paused INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE run ADD COLUMN dead INTEGER NOT NULL DEFAULT 0",
      "ALTER TABLE run ADD COLUMN origin_id TEXT",
      "ALTER TABLE run ADD COLUMN options TEXT",
      "DROP INDEX run_by_key",
      `CREATE UNIQUE INDEX run_by_key ON run(workflow, key, coalesce(tenant, '')) WHERE key IS NOT NULL AND finished_at IS NULL`,
      // The columns of its condition are in it so that ready runs are counted from it alone.
      `CREATE INDEX run_ready ON run(queue, priority DESC, turn, id, status, paused, due_at, owner)
        WHERE status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL`,
      `CREATE INDEX run_lane ON run(queue, coalesce(tenant, ''), workflow, priority DESC, turn, id)
        WHERE status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL`,
      `CREATE INDEX run_due ON run(due_at) WHERE due_at IS NOT NULL AND finished_at IS NULL`,
      `CREATE INDEX run_active ON run(queue, tenant, workflow)
        WHERE queue IS NOT NULL AND owner IS NOT NULL AND finished_at IS NULL AND status <> 'waiting'`,
      `CREATE INDEX run_blocked ON run(queue) WHERE status = 'blocked'`,
      `CREATE INDEX run_dead ON run(queue, id) WHERE dead = 1`,
      `CREATE INDEX run_checkpointed ON run(id) WHERE checkpoint_seq > 2`,
      `CREATE TABLE run_owner(
        id TEXT PRIMARY KEY, name TEXT NOT NULL, beat INTEGER NOT NULL, started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
        data TEXT NOT NULL) WITHOUT ROWID`,
      `CREATE TABLE run_queue(
        name TEXT PRIMARY KEY, paused INTEGER NOT NULL DEFAULT 0, limits TEXT NOT NULL DEFAULT '{}', claims INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`,
      `CREATE TABLE run_turn(
        queue TEXT NOT NULL, priority INTEGER NOT NULL, tenant TEXT NOT NULL, turn INTEGER NOT NULL,
        PRIMARY KEY(queue, priority, tenant)) WITHOUT ROWID`,
      `CREATE TABLE run_served(
        queue TEXT NOT NULL, priority INTEGER NOT NULL, turn INTEGER NOT NULL, PRIMARY KEY(queue, priority)) WITHOUT ROWID`,
      `CREATE TABLE run_dependency(
        run_id TEXT NOT NULL, needs_id TEXT NOT NULL, on_failure TEXT NOT NULL, PRIMARY KEY(run_id, needs_id)) WITHOUT ROWID`,
      `CREATE INDEX run_dependency_by_need ON run_dependency(needs_id)`,
      `CREATE TABLE run_schedule(
        name TEXT PRIMARY KEY, data TEXT NOT NULL, next_at INTEGER NOT NULL, last_at INTEGER) WITHOUT ROWID`,
    ],
  },
];
