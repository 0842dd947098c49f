import type { Clock, JsonValue } from "../base/index.ts";
import { fromErrorData, stringifyJson, toAtlasError } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { CallingRun, Execution } from "./execution.ts";
import type { Journal, NewRun, StoredRun } from "./journal.ts";
import type { Owners } from "./owners.ts";
import type { AnyWorkflow } from "./run.ts";
import { dataOf } from "./plain.ts";

/** Is what calling children needs of the engine. */
interface CallHost {
  readonly journal: Journal;
  readonly owners: Owners;
  readonly executions: ReadonlyMap<string, Execution>;
  readonly clock: Clock;
  executionOf(runId: string): Promise<Execution | undefined>;
  newRunId(): string;
  register(workflow: AnyWorkflow): void;
  begin(
    run: NewRun,
    workflow: AnyWorkflow,
    write: (creation: readonly Statement[]) => Promise<void>,
  ): Promise<Execution>;
  takeUp(run: StoredRun): Promise<Execution>;
  isInterrupted(run: StoredRun): Promise<boolean>;
}

const childRetryMs = 500;

/** Runs a child run to its end. Its row is made in the commit that records the call, so a crash starts it once. */
export async function callChild(host: CallHost, parent: CallingRun, call: ChildCall): Promise<JsonValue | undefined> {
  host.register(call.workflow);
  const id = call.started ?? (await begin(host, parent, call));
  const signal = call.signal === undefined ? parent.signal : AbortSignal.any([parent.signal, call.signal]);
  const abort = (): void => host.executions.get(id)?.abort(toAtlasError(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const again = (): void => (signal.aborted ? abort() : undefined);
    const output = await outcome(host, id, { signal: parent.signal, again });
    await parent.writer.append({ type: "call.completed", key: call.key, data: output === undefined ? {} : { output } });
    return output;
  } catch (cause) {
    if (parent.signal.aborted) throw parent.signal.reason;
    const error = toAtlasError(cause);
    await parent.writer.append({ type: "call.failed", key: call.key, data: { error: dataOf(error) } });
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function begin(host: CallHost, parent: CallingRun, call: ChildCall): Promise<string> {
  const run: NewRun = {
    id: host.newRunId(),
    workflow: call.workflow.name,
    version: call.workflow.version,
    status: "running",
    owner: await host.owners.own(),
    input: stringifyJson(call.input),
    parentId: parent.id,
    tenant: parent.tenant,
    // A call that is done again, by a retry or a redrive of its run, is the same to whoever is told its keys.
    options: { idempotencyId: `${parent.idempotencyId}/${call.key}` },
  };
  const entry = { type: "call.started", key: call.key, data: { runId: run.id, workflow: run.workflow } };
  await host.begin(run, call.workflow, (creation) => parent.writer.append(entry, () => creation));
  return run.id;
}

/** Waits for the child's end, and takes it up as often as it is interrupted: a child that has not ended has not failed. */
async function outcome(
  host: CallHost,
  id: string,
  { signal, again }: { readonly signal: AbortSignal; readonly again: () => void },
): Promise<JsonValue | undefined> {
  while (true) {
    await (
      await host.executionOf(id)
    )?.done;
    signal.throwIfAborted();
    const run = await host.journal.load(id);
    if (!run) throw runErrors.create("run_not_found", `The child run ${id} is gone.`, { details: { runId: id } });
    if (run.status === "completed") return run.output;
    if (run.error) throw fromErrorData(run.error);
    if (await host.isInterrupted(run)) {
      await host.takeUp(run).catch(ignoreOwned);
      // It may have been cancelled before it was taken up.
      again();
    }
    // Another process has it, or the store does not work just now.
    if ((await host.executionOf(id)) === undefined) await host.clock.sleep(childRetryMs, { signal });
  }
}

function ignoreOwned(error: unknown): void {
  if (!runErrors.is(error, "run_owned") && !runErrors.is(error, "run_fenced")) throw error;
}
