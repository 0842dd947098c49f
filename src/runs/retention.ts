import type { Clock } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { compactLogs } from "./compaction.ts";
import type { Retention } from "./create-runs.ts";
import type { Journal } from "./journal.ts";

/** Is what keeping to a retention works with. */
export interface RetentionWork {
  readonly database: Database;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly retention: Retention;
  /** Ends the work between two commits. */
  readonly isStopped: () => boolean;
}

const dayMs = 86_400_000;
const pruneBatch = 200;

/** Deletes finished runs that the retention does not keep, and what checkpoints stand for in logs; gives how many runs. */
export async function keepRetention({
  retention,
  database,
  journal,
  clock,
  isStopped,
}: RetentionWork): Promise<number> {
  const { keepMs = 30 * dayMs, maxRuns = 100_000, keepDeadMs = 90 * dayMs } = retention;
  const { keepEventsMs = 7 * dayMs, maxEventsPerRun = 10_000 } = retention;
  const now = clock.now();
  const limits = { before: now - keepMs, deadBefore: now - keepDeadMs, maxRuns, limit: pruneBatch };
  let total = 0;
  for (let batch = pruneBatch; batch === pruneBatch && !isStopped(); total += batch) {
    batch = await journal.prune(limits);
  }
  await compactLogs(database, { keepEventsMs, maxEventsPerRun, clock, isStopped });
  return total;
}
