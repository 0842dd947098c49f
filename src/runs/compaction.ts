import type { Clock } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";

/** Says which entries of a log are given up once a checkpoint stands for them. */
export interface CompactionOptions {
  /** Gives up what is older. Units: milliseconds. */
  readonly keepEventsMs: number;
  /** Gives up what has at least so many entries after it. */
  readonly maxEventsPerRun: number;
  readonly clock: Clock;
  /** Ends the work between two commits. */
  readonly isStopped: () => boolean;
}

const runsAtOnce = 100;
/** How many entries one commit deletes: other commits do not wait long. */
const entriesAtOnce = 500;

/** `cut` is the last checkpoint before which everything may go; what is before it and is no gap yet begins at `first`. */
const compactable = `SELECT r.id AS id,
    (SELECT max(c.seq) FROM run_event c WHERE c.run_id = r.id AND c.type = 'run.checkpointed' AND c.seq <= r.checkpoint_seq
      AND (c.at < ?2 OR c.seq <= (SELECT max(l.seq) FROM run_event l WHERE l.run_id = r.id) - ?3)) AS cut,
    (SELECT min(f.seq) FROM run_event f WHERE f.run_id = r.id AND f.seq > 1) AS first
  FROM run r WHERE r.checkpoint_seq > 2 AND r.id > ?1
    AND EXISTS (SELECT 1 FROM run_event e WHERE e.run_id = r.id AND e.seq > 1 AND e.seq < r.checkpoint_seq - 1)
  ORDER BY r.id LIMIT ${runsAtOnce}`;

/**
 * Replaces, in the logs of runs that have checkpointed, what a checkpoint stands for by one entry `run.compacted` { from, to, count }
 * at the last place of the gap, so that a follower knows what it does not see. The first entry of a log stays.
 *
 * A gap grows backwards from the checkpoint: what is left before it and what follows it can be replayed at any time.
 * Cost: one commit for 500 entries. Gives how many entries were given up.
 */
export async function compactLogs(database: Database, options: CompactionOptions): Promise<number> {
  const { keepEventsMs, maxEventsPerRun, clock, isStopped } = options;
  let count = 0;
  for (let after = ""; !isStopped();) {
    const params = [after, clock.now() - keepEventsMs, maxEventsPerRun];
    const rows = await database.read({ sql: compactable, params });
    for (const { id, cut, first } of rows) {
      after = String(id);
      const gap = { runId: after, first: Number(first), to: Number(cut) - 1 };
      if (cut !== null && gap.first < gap.to) count += await compact(database, gap, options);
    }
    if (rows.length < runsAtOnce) return count;
  }
  return count;
}

interface Gap {
  readonly runId: string;
  readonly first: number;
  readonly to: number;
}

async function compact(database: Database, { runId, first, to }: Gap, options: CompactionOptions): Promise<number> {
  let count = 0;
  for (let end = to; end >= first && !options.isStopped(); end -= entriesAtOnce) {
    const begin = Math.max(first, end - entriesAtOnce + 1);
    // The entry at `first` may be a gap itself, which begins at the second place.
    const from = begin === first ? 2 : begin;
    try {
      const [deleted] = await database.write([
        { sql: "DELETE FROM run_event WHERE run_id = ? AND seq >= ? AND seq <= ?", params: [runId, begin, end] },
        { sql: "DELETE FROM run_event WHERE run_id = ? AND seq = ?", params: [runId, to] },
        {
          sql: "INSERT INTO run_event(run_id, seq, type, at, data) VALUES(?, ?, 'run.compacted', ?, ?)",
          params: [runId, to, options.clock.now(), JSON.stringify({ from, to, count: to - from + 1 })],
        },
      ]);
      count += deleted?.changes ?? 0;
    } catch (cause) {
      // Another process does the same.
      if (storageErrors.is(cause, "write_conflict")) return count;
      throw cause;
    }
  }
  return count;
}
