import type { Budget, BudgetLimits, Clock, ErrorData, JsonObject, JsonValue, Random, Schema } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Lists the states of a run. `completed`, `failed`, `cancelled` and `skipped` are final. */
export const runStatuses = [
  "blocked",
  "queued",
  "running",
  "waiting",
  "completed",
  "failed",
  "cancelled",
  "skipped",
] as const;

/**
 * Is the state of a run. `blocked` waits for other runs, `queued` for its time and a free place, `waiting` is in a durable sleep
 * or waits for a signal. `skipped` never began, because a run that it depends on failed.
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
  /** The version of the workflow that the run was started with. */
  readonly version: string;
  readonly tenant?: string;
  /** The queue that the run was started through; runs that were started at once have none. */
  readonly queue?: string | undefined;
  readonly priority: number;
  /** Not before this time. */
  readonly dueAt?: number;
  /** Counts from 1; a retry by policy or a redrive counts on. */
  readonly attempt: number;
  /** True when someone asked for a pause: no further step begins until `resume`. */
  readonly paused: boolean;
  /** True when the run failed for good in a queue and nobody has redriven or purged it. */
  readonly dead: boolean;
  /** The run that this one was forked or redriven from. */
  readonly originId?: string;
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

/**
 * Says how often and when something that failed is tried again. Waits grow by `factor` from `minDelayMs` to `maxDelayMs`, with
 * full jitter. Errors with `retry: "never"` or `"changed"` are not tried again. Units: `attempts` counts the first one too.
 */
export interface RetryPolicy {
  readonly attempts: number;
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly factor?: number;
}

/**
 * Says what becomes of a step that was cut off after it began and before its outcome was recorded, so that nobody knows whether
 * its effect happened: `retry` does it again with the same idempotency key, `park` waits for a person's decision
 * (`runs.decide`), `fail` fails with effect_unknown.
 */
export type UnknownOutcome = "retry" | "park" | "fail";

/** Are the options of a step. */
export interface StepOptions {
  /** Records `step.started` before the body runs; for steps whose start people want to see. */
  readonly announce?: JsonValue;
  /** Tries the body again when it fails; each failed attempt is in the log as `step.retried`. */
  readonly retry?: RetryPolicy;
  /** Makes the step an effect: its beginning is durable before the body runs. Without it a step that was cut off is done again. */
  readonly onUnknown?: UnknownOutcome;
  /**
   * Goes on before the outcome is durable: it will be with the next thing that is. For what may be done again as long as nothing came of
   * it; `context.log.durable()` waits before something does.
   */
  readonly deferred?: boolean;
}

/**
 * Says how a child is run. With a queue a worker takes it, here or on another machine, and the caller waits without a place of its
 * own; without one it begins here at once.
 */
export interface CallOptions {
  readonly queue?: string | undefined;
  /** Units: -10 to 10, 0 by default; higher goes first. Needs a queue, as does `retry`. */
  readonly priority?: number | undefined;
  readonly retry?: RetryPolicy;
  /** What the child may spend, with its own children. */
  readonly budget?: BudgetLimits;
  readonly tags?: JsonObject;
  /** Cancels the child alone when it aborts, wherever it is. */
  readonly signal?: AbortSignal | undefined;
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
  /** What a person is asked; stands with the JSON schema of the answer in the log and in lists of what waits. */
  readonly question?: string;
}

/** Is what a durable function knows of its own log. */
export interface RunLog {
  /** Tells the place of the last entry. Only as part of a step's result is it the same for a replay. */
  position(): number;
  /** Waits until everything that was recorded so far is durable. */
  durable(): Promise<void>;
}

/** Tells what reads a stream whether its run is paused, so that the stream is held too. */
export interface RunPausing {
  readonly paused: boolean;
  /** Calls the listener after each change; what it gives back takes the listener away. */
  onChange(listener: () => void): () => void;
  /** Waits until the run is not paused; undefined, at no cost, when it is not. An abort rejects with the signal's reason. */
  passed(signal: AbortSignal): Promise<void> | undefined;
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
  /** What the run may spend, with its children, below its tenant's budget. */
  readonly budget: Budget;
  readonly tenant: string | undefined;
  /** Counts from 1: which attempt of the run this is. */
  readonly attempt: number;
  /** Holds back what a step has under way that can be held, such as a stream that is being read. */
  readonly pausing: RunPausing;
  readonly log: RunLog;
  /** Does something once. Steps of one name are told apart by the order in which they are asked for. Output must be JSON. */
  step<T>(name: string, body: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<T>;
  /** Runs another workflow as a child; cancel, pause and budget flow down. Errors: those of the child. */
  call<Input, Output>(workflow: Workflow<Input, Output>, input: Input, options?: CallOptions): Promise<Output>;
  /** Waits durably. Units: milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Waits for a signal. A payload that does not fit the schema is refused (`signal.refused`), and the wait goes on. Errors: timed_out. */
  waitFor<T = JsonValue>(name: string, options?: WaitOptions<T>): Promise<T>;
  /** Takes what was sent with `steer` since the last time, oldest first, without waiting. What was taken is recorded like a step. */
  steered(): Promise<readonly JsonValue[]>;
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
  /** Goes with each run; a program takes up runs of this version, and of those in `accepts`. */
  readonly version: string;
  readonly accepts: readonly string[];
  /** How a queued run of this workflow that failed is tried again, unless its start says otherwise. */
  readonly retry?: RetryPolicy | undefined;
  /** How many queued runs of this workflow may run at once, over all workers. */
  readonly concurrency?: number | undefined;
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
  readonly tenant?: string;
  /** Puts the run into a queue, from which a worker takes it, instead of beginning it here at once. */
  readonly queue?: string | undefined;
  /** Units: -10 to 10, 0 by default; higher goes first. Needs a queue, as do `startAt`, `after` and `retry`. */
  readonly priority?: number | undefined;
  /** Not before this time. Units: ms since the Unix epoch. */
  readonly startAt?: number;
  /** Not before these runs are completed. */
  readonly after?: Dependencies;
  readonly retry?: RetryPolicy;
  readonly budget?: BudgetLimits;
}

/**
 * Names the runs that a run depends on, and what becomes of it when one of them fails, is cancelled or skipped: it fails
 * (the default), is skipped, or waits until that run is redriven and completes.
 */
export interface Dependencies {
  readonly runs: readonly string[];
  readonly onFailure?: "fail" | "skip" | "wait";
}

/** Is one of several runs that are started together; `ref` names it for the others' `needs`. */
export interface PlannedRun<Input = unknown> {
  readonly ref?: string;
  readonly workflow: Workflow<Input, unknown>;
  readonly input: Input;
  /** The refs of those of the same call that this one depends on. */
  readonly needs?: readonly string[];
  readonly options?: Omit<StartOptions, "signal">;
}

/** Are the options of following a run's events. */
export interface FollowOptions {
  /** Gives only events with a greater `seq`. */
  readonly after?: number;
  /** False ends at the end of the log as it is now; true (the default) goes on until the run is finished. */
  readonly live?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Holds the reins of a run, wherever it is executed. */
export interface RunReins<Output = JsonValue> {
  /** Asks for a cancel and waits until the run has ended. Changes nothing on a finished run. */
  cancel(reason?: string): Promise<RunRecord>;
  /** Stops the run and its children before their next step, until `resume`; what is under way is finished and recorded. Errors: run_finished. */
  pause(): Promise<RunRecord>;
  /** Ends a pause of the run and its children; takes the run up here if no live process has it. Errors: run_finished. */
  resume(): Promise<RunRecord>;
  /** Sends input to the live run, which it takes with `context.steered()`. Errors: run_finished. */
  steer(input: JsonValue): Promise<void>;
  /**
   * Sends a signal, which is kept until the run waits for it.
   * Errors: run_finished; signal_unexpected when `expected` is true and the run does not wait for it now.
   */
  signal(name: string, payload?: JsonValue, options?: SignalOptions): Promise<void>;
  /** Says what became of an effect whose outcome nobody knew. Errors: run_finished, effect_not_parked. */
  decide(key: string, decision: EffectDecision): Promise<void>;
  /** Makes a new run that begins with what this one had recorded. Errors: checkpoint_unknown, workflow_unknown. */
  fork(options?: ForkOptions): Promise<RunHandle<Output>>;
}

/** Is a run as its starter holds it. */
export interface RunHandle<Output = JsonValue> extends RunReins<Output> {
  readonly id: string;
  /** False when `start` found an unfinished run of the same key and gave that one. */
  readonly isNew: boolean;
  events(options?: FollowOptions): AsyncIterable<RunEvent>;
  /** Waits for the end. Errors: what the run failed with; run_cancelled; run_interrupted when Atlas is closed before. */
  result(): Promise<Output>;
  record(): Promise<RunRecord>;
  /** Lists the run's effects, oldest first, each with what is known of it. Cost: reads the run's log. */
  effects(): Promise<readonly EffectRecord[]>;
}

/** Are the options of a fork. */
export interface ForkOptions {
  /** Keeps the log up to and with this entry; the whole log without it. */
  readonly at?: number;
  /** Another input; then nothing that was recorded is kept. */
  readonly input?: JsonValue;
  readonly tags?: JsonObject;
}

/** Are the options of listing runs. Order: newest first. */
export interface ListOptions {
  readonly status?: RunStatus | "interrupted" | "paused" | "dead";
  readonly workflow?: string;
  readonly queue?: string | undefined;
  readonly tenant?: string;
  readonly parentId?: string;
  readonly limit?: number;
  /** Gives only runs older than this id. */
  readonly before?: string;
}

/**
 * Is an engine that executes runs, as the database shows it. Units: ms; `lastBeatAgoMs` compares clocks of two machines, so
 * it is for people only.
 */
export interface WorkerRecord {
  readonly id: string;
  readonly name: string;
  readonly startedAt: number;
  readonly lastBeatAgoMs: number;
  readonly alive: boolean;
  /** How many runs it executes. */
  readonly runs: number;
  /** How many queued runs it takes at once; 0 when it takes none. */
  readonly maxRuns: number;
  /** The queues that it works on; empty for all of them. */
  readonly queues: readonly string[];
}

/**
 * Is one effect of a run: a step with `onUnknown`. `begun` is under way, `unknown` was cut off and nobody is at it, `parked` waits for a
 * decision, `decided` has one. Units: ms since the Unix epoch; `attempt` counts from 1.
 */
export interface EffectRecord {
  readonly key: string;
  readonly name: string;
  readonly state: "begun" | "unknown" | "parked" | "decided" | "completed" | "failed";
  readonly attempt: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly error?: ErrorData;
}

/** Are the options of a signal. */
export interface SignalOptions {
  readonly expected?: boolean;
}

/** Is what a person decides about an effect of unknown outcome: it happened, with this output; do it again; or fail. */
export type EffectDecision =
  | { readonly outcome: "done"; readonly output?: JsonValue }
  | { readonly outcome: "retry" }
  | { readonly outcome: "fail"; readonly reason?: string };
