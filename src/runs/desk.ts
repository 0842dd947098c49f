import type { DeadLetters, Queues, Schedules } from "./queues.ts";
import type {
  AnyWorkflow,
  ListOptions,
  PlannedRun,
  RunHandle,
  RunRecord,
  StartOptions,
  WorkerRecord,
  Workflow,
} from "./run.ts";

/** Sees who executes runs, and lets this engine end in order. */
export interface Workers {
  /** Lists the engines that execute runs on this database, here and elsewhere. */
  list(): Promise<readonly WorkerRecord[]>;
  /**
   * Takes nothing more from queues, and waits until nothing runs here but runs that only wait, or until the grace is over. What
   * still runs then is interrupted when the engine is closed. Units: milliseconds.
   */
  drain(graceMs: number): Promise<void>;
}

/** Runs durable functions on one database and keeps their logs. */
export interface Runs extends AsyncDisposable {
  /** Makes a workflow known, so that its runs can be started by name and taken up again. */
  register(workflow: AnyWorkflow): void;
  /** Accepts a run: when it resolves, the run is durable. Errors: workflow_unknown, invalid_input. */
  start<Input, Output>(
    workflow: Workflow<Input, Output>,
    input: Input,
    options?: StartOptions,
  ): Promise<RunHandle<Output>>;
  /** Accepts several runs in one commit, all of them or none. Errors: as `start`; dependency_cycle, dependency_unknown. */
  startMany(planned: readonly PlannedRun[]): Promise<readonly RunHandle[]>;
  /** Gives a handle on any run of the database. Errors: run_not_found. */
  open(id: string): Promise<RunHandle>;
  list(options?: ListOptions): Promise<readonly RunRecord[]>;
  /** Takes up an interrupted run here. Errors: run_not_found, run_finished, run_owned (a live process has it), workflow_unknown. */
  resume(id: string): Promise<RunHandle>;
  /** Takes up every interrupted run whose workflow is registered; gives their handles. */
  recover(): Promise<readonly RunHandle[]>;
  /** Deletes finished runs and their logs that are older or more than the retention allows. Gives how many. */
  prune(): Promise<number>;
  /** Sees who executes runs, and lets this engine end in order. */
  readonly workers: Workers;
  /** Sees and steers the queues. */
  readonly queues: Queues;
  /** Sees, redrives and purges the runs that failed for good. */
  readonly deadLetters: DeadLetters;
  /** Keeps what starts runs by the calendar. */
  readonly schedules: Schedules;
}
