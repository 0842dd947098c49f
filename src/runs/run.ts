import type { Clock, ErrorData, JsonObject, JsonValue, Random, Schema } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Lists the states of a run. `completed`, `failed` and `cancelled` are final. */
export const runStatuses = ["running", "waiting", "completed", "failed", "cancelled"] as const;

/**
 * Is the state of a run. `waiting` is in a durable sleep or waits for a signal.
 * A `running` or `waiting` run whose process is gone is shown with `interrupted: true` on its record.
 */
export type RunStatus = (typeof runStatuses)[number];

/**
 * Is one entry of a run's log.
 *
 * Order: `seq` counts from 1 without gaps. Units: `at` in ms since the Unix epoch.
 * A `transient` event (a token delta) is seen by live followers in the same process only; it carries the `seq` of the entry before it.
 */
export interface RunEvent {
  readonly runId: string;
  readonly seq: number;
  readonly type: string;
  readonly at: number;
  /** Names the step, call, timer or signal that this entry records. */
  readonly key?: string;
  readonly data: JsonValue;
  readonly transient?: true;
}

/** Is what is known of a run without reading its log. Units: times in ms since the Unix epoch. */
export interface RunRecord {
  readonly id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  /** True when the run is not finished and no live process owns it: `resume` takes it up. */
  readonly interrupted: boolean;
  readonly input: JsonValue;
  readonly output?: JsonValue;
  readonly error?: ErrorData;
  readonly parentId?: string;
  readonly key?: string;
  readonly tags: JsonObject;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly finishedAt?: number;
}

/** Is what the body of one step gets. */
export interface StepContext {
  readonly signal: AbortSignal;
  /** The same for every attempt of this step of this run, also after a crash. */
  readonly idempotencyKey: string;
}

/** Are the options of a step. `announce` records `step.started` before the body runs; for steps whose start people want to see. */
export interface StepOptions {
  readonly announce?: JsonValue;
}

/** Is an event that a run emits. `transient` events are not stored. */
export interface EmittedEvent {
  readonly type: string;
  readonly data?: JsonValue;
  readonly transient?: boolean;
}

/** Are the options of `waitFor`. */
export interface WaitOptions<T> {
  readonly schema?: Schema<unknown, T>;
  readonly timeoutMs?: number;
}

/**
 * Is what a durable function works with. After a crash the function is run again: recorded steps give their recorded result
 * at once, so everything that is not pure belongs inside a step.
 */
export interface RunContext {
  readonly runId: string;
  /** Aborts when the run is cancelled or its process stops. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The same numbers in every execution of this run. */
  readonly random: Random;
  readonly logger: Logger;
  /** Does something once. Steps of one name are told apart by the order in which they are asked for. Output must be JSON. */
  step<T>(name: string, body: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<T>;
  /** Runs another workflow as a child; cancel flows down. */
  call<Input, Output>(workflow: Workflow<Input, Output>, input: Input): Promise<Output>;
  /** Waits durably. Units: milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Waits for a signal sent with `runs.signal`. Errors: timed_out, invalid_input. */
  waitFor<T = JsonValue>(name: string, options?: WaitOptions<T>): Promise<T>;
  /** Adds an event to the log. Written with the next commit; a crash can take back events younger than the last step. */
  emit(event: EmittedEvent): void;
  /**
   * Keeps what the function has reached so far; after a crash `restored` gives it back and steps before it are forgotten.
   * Await what was started before: a call, sleep or wait that is still open would be begun anew after a restart.
   */
  checkpoint(state: JsonValue): Promise<void>;
  readonly restored: JsonValue | undefined;
}

/** Is a durable function. Made by `workflow()`. */
export interface Workflow<Input = JsonValue, Output = JsonValue> {
  readonly kind: "workflow";
  readonly name: string;
  readonly input?: Schema<unknown, Input> | undefined;
  // A method, not a property: workflows of any input then fit in one list.
  run(context: RunContext, input: Input): Promise<Output>;
}

/** Is any workflow, whatever its types. */
export type AnyWorkflow = Workflow<unknown, unknown>;

/** Are the options of starting a run. */
export interface StartOptions {
  /** Of all unfinished runs of a workflow with one key, only one exists: starting it again gives that one, resumed if need be. */
  readonly key?: string;
  /** Small data to find the run by and to show with it. */
  readonly tags?: JsonObject;
  readonly signal?: AbortSignal | undefined;
}

/** Are the options of following a run's events. */
export interface FollowOptions {
  /** Gives only events with a greater `seq`. */
  readonly after?: number;
  /** False ends at the end of the log as it is now; true (the default) goes on until the run is finished. */
  readonly live?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Is a run as its starter holds it. */
export interface RunHandle<Output = JsonValue> {
  readonly id: string;
  /** False when `start` found an unfinished run of the same key and gave that one. */
  readonly isNew: boolean;
  events(options?: FollowOptions): AsyncIterable<RunEvent>;
  /** Waits for the end. Errors: what the run failed with; run_cancelled; run_interrupted when Atlas is closed before. */
  result(): Promise<Output>;
  record(): Promise<RunRecord>;
  /** Asks for a cancel and waits until the run has ended. Changes nothing on a finished run. */
  cancel(reason?: string): Promise<RunRecord>;
}

/** Are the options of listing runs. Order: newest first. */
export interface ListOptions {
  readonly status?: RunStatus | "interrupted";
  readonly workflow?: string;
  readonly limit?: number;
  /** Gives only runs older than this id. */
  readonly before?: string;
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
  /** Gives a handle on any run of the database. Errors: run_not_found. */
  open(id: string): Promise<RunHandle>;
  list(options?: ListOptions): Promise<readonly RunRecord[]>;
  /** Takes up an interrupted run here. Errors: run_not_found, run_finished, run_owned (a live process has it), workflow_unknown. */
  resume(id: string): Promise<RunHandle>;
  /** Takes up every interrupted run whose workflow is registered; gives their handles. */
  recover(): Promise<readonly RunHandle[]>;
  /** Sends a signal to a run; it is kept until the run waits for it. Errors: run_not_found, run_finished. */
  signal(id: string, name: string, payload?: JsonValue): Promise<void>;
  /** Deletes finished runs and their logs that are older or more than the retention allows. Gives how many. */
  prune(): Promise<number>;
}
