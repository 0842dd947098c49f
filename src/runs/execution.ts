import type { AtlasError, Budget, Clock, JsonValue } from "../base/index.ts";
import { toAtlasError } from "../base/index.ts";
import type { Logger, Telemetry } from "../telemetry/index.ts";
import { createContext } from "./context.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { LiveLogs } from "./follow.ts";
import type { Journal, Lease } from "./journal.ts";
import { LogWriter } from "./log-writer.ts";
import { dataOf, toPlain } from "./plain.ts";
import type { RecordedSteps } from "./recorded-steps.ts";
import type { AnyWorkflow, RunContext } from "./run.ts";
import { takeSignal } from "./signals.ts";
import type { SignalBell } from "./signals.ts";

/** Is how an execution ended. `stopped` leaves the run unfinished: its process closes, another took it, the store failed. */
export type Outcome =
  | { readonly status: "completed"; readonly output: JsonValue | undefined }
  | { readonly status: "failed" | "cancelled" | "stopped"; readonly error: AtlasError };

/** Is one run being executed in this process. */
export interface Execution {
  readonly runId: string;
  readonly lease: Lease;
  readonly parentId: string | undefined;
  /** What the run may spend; its children spend below it. */
  readonly budget: Budget;
  /** Never rejects. */
  readonly done: Promise<Outcome>;
  /** Stops the body; what has been asked of the run in the store decides how it ends. */
  abort(reason: AtlasError): void;
}

/** Is the run that calls a child. */
export interface CallingRun {
  readonly id: string;
  readonly tenant: string | undefined;
  readonly writer: LogWriter;
  readonly signal: AbortSignal;
}

/** Is what all executions of an engine share. */
export interface ExecutionHost {
  readonly journal: Journal;
  readonly live: LiveLogs;
  readonly bell: SignalBell;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Tells other processes that something was written. */
  readonly notify: () => void;
  readonly callChild: (parent: CallingRun, call: ChildCall) => Promise<JsonValue | undefined>;
}

/** Is the run that is to be executed. */
export interface ExecutionStart {
  readonly lease: Lease;
  readonly lastSeq: number;
  readonly parentId: string | undefined;
  readonly tenant: string | undefined;
  readonly attempt: number;
  readonly budget: Budget;
  readonly workflow: AnyWorkflow;
  readonly input: JsonValue;
  readonly recorded: RecordedSteps;
}

/** How long a body may go on after it was told to stop, before its run is ended without it. */
const graceMs = 5_000;

/** Begins to execute a run that this process owns. */
export function execute(host: ExecutionHost, start: ExecutionStart): Execution {
  const { lease, parentId, budget } = start;
  const controller = new AbortController();
  const claimed = new Set<number>();
  const writer = new LogWriter({
    journal: host.journal,
    live: host.live,
    clock: host.clock,
    lease,
    lastSeq: start.lastSeq,
    committed: host.notify,
    refused: (error) => controller.abort(error),
  });
  const context = createContext({
    runId: lease.runId,
    signal: controller.signal,
    clock: host.clock,
    logger: host.logger.child({ run: lease.runId }),
    writer,
    recorded: start.recorded,
    tenant: start.tenant,
    attempt: start.attempt,
    budget: start.budget,
    callChild: (call) =>
      host.callChild({ id: lease.runId, tenant: start.tenant, writer, signal: controller.signal }, call),
    takeSignal: (wait) => takeSignal({ ...host, runId: lease.runId, writer, claimed, signal: controller.signal }, wait),
  });
  const span = host.telemetry.span("run", { "atlas.run.id": lease.runId, "atlas.workflow": start.workflow.name });
  const done = perform(host, start, { context, writer })
    .catch((cause: unknown): Outcome => ({ status: "stopped", error: toAtlasError(cause) }))
    .then((outcome) => {
      if (outcome.status !== "completed") span.fail(outcome.error);
      span.end();
      host.live.refresh((runId) => runId === lease.runId);
      return outcome;
    });
  return { runId: lease.runId, lease, parentId, budget, done, abort: (reason) => controller.abort(reason) };
}

async function perform(
  host: ExecutionHost,
  start: ExecutionStart,
  { context, writer }: { context: RunContext; writer: LogWriter },
): Promise<Outcome> {
  const body = async (): Promise<unknown> => start.workflow.run(context, start.input);
  try {
    const output = toPlain(await untilStopped(body(), context.signal, host.clock), "result of the run");
    await writer.finish(
      { type: "run.completed", data: output === undefined ? {} : { output } },
      { status: "completed", output },
    );
    return { status: "completed", output };
  } catch (cause) {
    return await end(cause, context, writer);
  }
}

async function end(cause: unknown, context: RunContext, writer: LogWriter): Promise<Outcome> {
  const reason: unknown = writer.failure ?? (context.signal.aborted ? context.signal.reason : undefined);
  if (reason === undefined) {
    const error = toAtlasError(cause);
    try {
      await writer.finish(
        { type: "run.failed", data: { error: dataOf(error) } },
        { status: "failed", error: dataOf(error) },
      );
      return { status: "failed", error };
    } catch (refusal) {
      if (writer.failure === undefined) throw refusal;
      return await end(refusal, context, writer);
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

/** Waits for the body; once it was told to stop, for at most the grace. */
async function untilStopped<T>(body: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  const stop = new AbortController();
  const stopped = new Promise<never>((_, reject) => {
    const abort = (): void => {
      clock.sleep(graceMs, { signal: stop.signal }).then(
        () => reject(signal.reason),
        () => {},
      );
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true, signal: stop.signal });
  });
  try {
    return await Promise.race([body, stopped]);
  } finally {
    stop.abort();
  }
}
