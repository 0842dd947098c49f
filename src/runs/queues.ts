import type { ErrorData, JsonValue } from "../base/index.ts";
import type { RunEvent, RunRecord } from "./run.ts";

/** Is a queue as it is now; `limits` are those that are kept for it. */
export interface QueueRecord {
  readonly name: string;
  readonly paused: boolean;
  readonly limits: QueueLimits;
  /** Runs that wait: ready ones, ones whose time has not come, ones that wait for other runs. */
  readonly ready: number;
  readonly delayed: number;
  readonly blocked: number;
  readonly running: number;
  readonly dead: number;
}

/** Bounds what runs of a queue at once, over all workers: in all, and of each tenant (`tenants` names exceptions). */
export interface QueueLimits {
  readonly concurrency?: number;
  readonly perTenant?: number;
  readonly tenants?: Readonly<Record<string, number>>;
  /** How much of the turns a tenant gets, against 1 for the others. */
  readonly weights?: Readonly<Record<string, number>>;
}

/** Sees and steers queues. A queue exists as soon as it is named. */
export interface Queues {
  list(): Promise<readonly QueueRecord[]>;
  show(name: string): Promise<QueueRecord>;
  /** Lets no worker take runs from the queue; what runs goes on. */
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  limit(name: string, limits: QueueLimits): Promise<void>;
  /** Cancels every run of the queue that has not begun. Gives how many. */
  purge(name: string): Promise<number>;
}

/** Chooses dead letters. */
export interface DeadFilter {
  readonly queue?: string;
  readonly workflow?: string;
  readonly code?: string;
  readonly ids?: readonly string[];
  readonly limit?: number;
}

/** Is the whole story of a run that failed for good. */
export interface DeadLetter {
  readonly run: RunRecord;
  /** Each attempt: when it began and ended, on which worker, and what it failed with. */
  readonly attempts: readonly DeadAttempt[];
  readonly events: readonly RunEvent[];
}

/** Is one attempt of a dead run. Units: ms since the Unix epoch. */
export interface DeadAttempt {
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly owner?: string;
  readonly error?: ErrorData;
}

/** Sees, redrives and purges runs that failed for good. */
export interface DeadLetters {
  list(filter?: DeadFilter): Promise<readonly RunRecord[]>;
  /** Errors: run_not_found, run_not_dead. */
  show(id: string): Promise<DeadLetter>;
  /** Starts new runs that go on from what the dead ones had recorded (or from the start, with another input). Gives the new ids. */
  redrive(filter: DeadFilter, options?: RedriveOptions): Promise<readonly string[]>;
  /** Deletes dead runs with their logs. Gives how many. */
  purge(filter: DeadFilter): Promise<number>;
}

/** Are the options of a redrive. */
export interface RedriveOptions {
  /** Another input; then the new run begins from the start. */
  readonly input?: JsonValue;
  readonly fromStart?: boolean;
}

/** Is what starts runs by the calendar. `cron` has five or six fields; times are those of `timezone` (UTC by default). */
export interface Schedule {
  readonly name: string;
  readonly workflow: string;
  readonly input: JsonValue;
  readonly cron: string;
  readonly timezone?: string;
  readonly queue?: string;
  readonly tenant?: string;
  readonly priority?: number;
  /** What becomes of times that passed while nothing ran: `skip` (default) or `once` starts one run for all of them. */
  readonly missed?: "skip" | "once";
}

/** Is a schedule as it is kept. Units: ms since the Unix epoch. */
export interface ScheduleRecord extends Schedule {
  readonly nextAt: number;
  readonly lastAt?: number;
}

/** Keeps schedules. */
export interface Schedules {
  /** Makes or changes a schedule. Errors: schedule_invalid, workflow_unknown, invalid_input. */
  set(schedule: Schedule): Promise<ScheduleRecord>;
  list(): Promise<readonly ScheduleRecord[]>;
  /** Gives whether there was one. */
  remove(name: string): Promise<boolean>;
  /** Tells the next times of a cron expression. Errors: schedule_invalid. */
  preview(cron: string, options?: { readonly timezone?: string; readonly count?: number }): Promise<readonly number[]>;
}
