import type { Budget, Clock, Random } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import type { Queue } from "./queue/queue.ts";
import type { Runs } from "./desk.ts";
import type { Calendar } from "./tasks/calendar.ts";

/**
 * Says what this process takes from queues. Units: runs at once, between `minRuns` (1) and `maxRuns` (64); within them the
 * worker takes more while there is demand, and less while its event loop lags or its memory passes `maxRssMb`.
 */
export interface WorkerOptions {
  /** Shown in lists of workers; made of the process id without it. */
  readonly name?: string;
  /** The queues to work on; all of them without it. */
  readonly queues?: readonly string[];
  readonly minRuns?: number;
  readonly maxRuns?: number;
  readonly maxRssMb?: number;
}

/**
 * Bounds what is kept of finished runs. Units: `keepMs` after their end (30 days by default); `maxRuns` 100,000 by default;
 * dead letters are kept for `keepDeadMs` (90 days by default), however many runs there are. Of a run that has checkpointed,
 * entries before the last checkpoint are given up when they are older than `keepEventsMs` (7 days by default) or have
 * `maxEventsPerRun` (10,000 by default) entries after them; one entry `run.compacted` stands in their place.
 */
export interface Retention {
  readonly keepMs?: number;
  readonly maxRuns?: number;
  readonly keepDeadMs?: number;
  readonly keepEventsMs?: number;
  readonly maxEventsPerRun?: number;
}

/** Is what the run engine is made from. */
export interface RunsOptions {
  readonly database: Database;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
  readonly retention?: Retention;
  /** The queue engine; the database's own tables without it. */
  readonly queue?: Queue;
  /** Takes queued runs, and the runs of workers that died; false only starts and follows. */
  readonly worker?: WorkerOptions | false;
  /** Gives what runs of a tenant may spend; nothing limits them without it. */
  readonly budget?: (tenant: string | undefined) => Budget | Promise<Budget>;
  /** Loads what reads cron expressions; without it schedules cannot be set. */
  readonly calendar?: () => Promise<Calendar>;
}

/**
 * Opens the run engine on a database.
 *
 * Errors: database_too_new and those of the database.
 * Cost: the engine is loaded here, so that an import of Atlas stays cheap.
 */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const { openRuns } = await import("./runs.ts");
  return await openRuns(options);
}
