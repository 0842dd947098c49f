import type { AtlasError, Budget, Clock, JsonValue, Random } from "../base/index.ts";
import { toAtlasError } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import { Activity } from "./activity.ts";
import { createContext } from "./context.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import { failedKeysOf } from "./failed-keys.ts";
import type { LiveLogs } from "./follow.ts";
import { Gate } from "./gate.ts";
import type { Journal, Lease } from "./journal.ts";
import { LogWriter } from "./log-writer.ts";
import type { NewEntry } from "./log-writer.ts";
import { dataOf, toPlain, toText } from "./plain.ts";
import type { RecordedSteps } from "./recorded-steps.ts";
import type { AnyWorkflow, RunContext } from "./run.ts";
import { createInbox } from "./signals.ts";
import type { SignalBell } from "./signals.ts";

/**
 * Is how an execution ended. `stopped` leaves the run unfinished: its process closes, another took it, the store failed. `queued`
 * leaves it to its next attempt.
 */
export type Outcome =
  | { readonly status: "completed"; readonly output: JsonValue | undefined }
  | { readonly status: "failed" | "cancelled" | "queued" | "stopped"; readonly error: AtlasError };

/** Is an attempt of a run that failed. `forget` names the outcomes that another attempt must forget to do better. */
export interface RunFailure {
  readonly lease: Lease;
  readonly attempt: number;
  readonly error: AtlasError;
  readonly forget: readonly string[];
}

/** Says how a run whose attempt failed goes on: with an entry, and what changes its row in the same commit. */
export interface AnotherAttempt {
  readonly entry: NewEntry;
  readonly statements: readonly Statement[];
}

/** Is one run being executed in this process. */
export interface Execution {
  readonly runId: string;
  readonly lease: Lease;
  readonly parentId: string | undefined;
  /** What the run may spend; its children spend below it. */
  readonly budget: Budget;
  /** What the run passes before each new thing; a pause closes it. */
  readonly gate: Gate;
  readonly activity: Activity;
  /** Never rejects. */
  readonly done: Promise<Outcome>;
  /** Stops the body; what has been asked of the run in the store decides how it ends. */
  abort(reason: AtlasError): void;
}

/** Is the run that calls a child. */
export interface CallingRun {
  readonly id: string;
  readonly depth: number;
  readonly idempotencyId: string;
  readonly tenant: string | undefined;
  readonly writer: LogWriter;
  readonly signal: AbortSignal;
  readonly activity: Activity;
  readonly gate: Gate;
}

/** Is what all executions of an engine share. */
export interface ExecutionHost {
  readonly journal: Journal;
  readonly live: LiveLogs;
  readonly bell: SignalBell;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Tells other processes that something was written. */
  readonly notify: () => void;
  readonly callChild: (parent: CallingRun, call: ChildCall) => Promise<JsonValue | undefined>;
  /** Makes certain, before a step's body begins, that this process still owns the run; undefined when that is known. Errors: run_fenced. */
  readonly held: (owner: string, signal: AbortSignal) => Promise<void> | undefined;
  /** Is told when a run begins to wait and nothing else, and when it goes on. */
  readonly waiting: (execution: Execution, isWaiting: boolean) => void;
  /** Says whether a run whose attempt failed is tried again; undefined when it has failed for good. */
  readonly failed: (failure: RunFailure) => Promise<AnotherAttempt | undefined>;
}

/** Is the run that is to be executed. */
export interface ExecutionStart {
  readonly lease: Lease;
  /** The id by which this process owns the run. */
  readonly owner: string;
  readonly lastSeq: number;
  readonly parentId: string | undefined;
  readonly tenant: string | undefined;
  readonly attempt: number;
  readonly budget: Budget;
  readonly workflow: AnyWorkflow;
  readonly input: JsonValue;
  readonly recorded: RecordedSteps;
  /** True when the run was just made, and it is certain that nothing was sent to it yet. */
  readonly isNew?: boolean;
  /** True when the run is taken up while it is paused. */
  readonly paused?: boolean;
  /** Begins the run's chance, and the idempotency keys of its steps; the run's id without them. */
  readonly seed?: string | undefined;
  readonly idempotencyId?: string | undefined;
  /** How many runs are above it. */
  readonly depth?: number | undefined;
}

/** How long a body may go on after it was told to stop, before its run is ended without it. */
const graceMs = 5_000;

/** Begins to execute a run that this process owns. */
export function execute(host: ExecutionHost, start: ExecutionStart): Execution {
  const { lease, parentId, budget, tenant, attempt, recorded, idempotencyId = lease.runId, depth = 0 } = start;
  const { journal, live, bell, clock, random } = host;
  const { runId } = lease;
  const controller = new AbortController();
  const { signal } = controller;
  const gate = new Gate(start.paused);
  const activity = new Activity((isWaiting) => {
    host.waiting(execution, isWaiting);
    if (isWaiting) showWaiting(activity, writer);
  });
  const writer = new LogWriter({
    journal,
    live,
    clock,
    lease,
    lastSeq: start.lastSeq,
    committed: host.notify,
    refused: (error) => controller.abort(error),
    paused: () => gate.close(),
    woken: () => showWaiting(activity, writer),
  });
  const { isNew = false } = start;
  const inbox = createInbox({ runId, journal, bell, clock, writer, signal, gate, activity, isNew });
  const context = createContext({
    run: { runId, tenant, attempt, budget, seed: start.seed ?? runId },
    logger: () => host.logger.child({ run: runId }),
    recorded,
    around: {
      idempotencyId,
      signal,
      clock,
      random,
      writer,
      gate,
      activity,
      inbox,
      held: () => host.held(start.owner, signal),
    },
    callChild: (call) =>
      host.callChild({ id: runId, depth, idempotencyId, tenant, writer, signal, activity, gate }, call),
  });
  const span = host.telemetry.span("run", { "atlas.run.id": runId, "atlas.workflow": start.workflow.name });
  const done = perform(host, start, { context, writer })
    .catch((cause: unknown): Outcome => ({ status: "stopped", error: toAtlasError(cause) }))
    .then((outcome) => {
      if (outcome.status !== "completed") span.fail(outcome.error);
      span.end();
      activity.end();
      inbox[Symbol.dispose]();
      host.live.refresh((id) => id === runId);
      return outcome;
    });
  const abort = (reason: AtlasError): void => controller.abort(reason);
  const execution: Execution = { runId, lease, parentId, budget, gate, activity, done, abort };
  return execution;
}

/** Is what ends an execution. */
interface Performance {
  readonly context: RunContext;
  readonly writer: LogWriter;
}

async function perform(host: ExecutionHost, start: ExecutionStart, doing: Performance): Promise<Outcome> {
  const { context, writer } = doing;
  const body = async (): Promise<unknown> => start.workflow.run(context, start.input);
  try {
    const what = "result of the run";
    const output = toPlain(await untilStopped(body(), context.signal, host.clock), what);
    const text = toText(output, what);
    // What a function makes of being stopped is no result: it is to go on elsewhere.
    context.signal.throwIfAborted();
    await writer.finish(
      { type: "run.completed", text: text === undefined ? "{}" : `{"output":${text}}` },
      { status: "completed", text },
    );
    return { status: "completed", output };
  } catch (cause) {
    const { lease, attempt } = start;
    const error = toAtlasError(cause);
    const failure = { lease, attempt, error, forget: failedKeysOf(error) };
    return await end(failure, doing, async () => await host.failed(failure));
  }
}

async function end(
  failure: RunFailure,
  { context, writer }: Performance,
  again: () => Promise<AnotherAttempt | undefined>,
): Promise<Outcome> {
  const reason: unknown = writer.failure ?? (context.signal.aborted ? context.signal.reason : undefined);
  if (reason === undefined) {
    const { error, forget } = failure;
    try {
      const next = await again();
      if (next !== undefined) {
        await writer.leave(next.entry, next.statements);
        return { status: "queued", error };
      }
      const data = { error: dataOf(error), ...(forget.length === 0 ? {} : { failedKeys: forget }) };
      await writer.finish({ type: "run.failed", data }, { status: "failed", error: dataOf(error) });
      return { status: "failed", error };
    } catch (refusal) {
      if (writer.failure === undefined && !context.signal.aborted) throw refusal;
      return await end(failure, { context, writer }, again);
    }
  }
  const error = toAtlasError(reason);
  if (!runErrors.is(error, "run_cancelled")) return { status: "stopped", error };
  try {
    await writer.cancel(
      { type: "run.cancelled", data: { error: dataOf(error) } },
      { status: "cancelled", error: dataOf(error) },
    );
    return { status: "cancelled", error };
  } catch (refusal) {
    // Another process ended the run first: its word stands; or the store failed, and the run is kept.
    return { status: "stopped", error: toAtlasError(refusal) };
  }
}

/** Shows a run as waiting, a little later: what goes on at once after a wait has begun its next thing by then. */
function showWaiting(activity: Activity, writer: LogWriter): void {
  setImmediate(() => {
    if (activity.isWaiting) writer.showWaiting().catch(() => {});
  });
}

/** Waits for the body; once it was told to stop, for at most the grace. */
function untilStopped<T>(body: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    let grace: AbortController | undefined;
    const abort = (): void => {
      grace = new AbortController();
      const stopped = (): void => reject(signal.reason);
      clock.sleep(graceMs, { signal: grace.signal }).then(stopped, () => {});
    };
    const ended = (): void => {
      signal.removeEventListener("abort", abort);
      grace?.abort();
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    void body.then(resolve, reject).finally(ended);
  });
}
