import type { JsonValue } from "../base/index.ts";
import { fromErrorData, stringifyJson, toAtlasError } from "../base/index.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { CallingRun, Execution } from "./execution.ts";
import type { Journal, NewRun, StoredRun } from "./journal.ts";
import type { Owners } from "./owners.ts";
import type { AnyWorkflow } from "./run.ts";

/** Is what calling children needs of the engine. */
interface CallHost {
  readonly journal: Journal;
  readonly owners: Owners;
  readonly executions: ReadonlyMap<string, Execution>;
  readonly workflows: Map<string, AnyWorkflow>;
  newRunId(): string;
  begin(run: NewRun, workflow: AnyWorkflow): Execution;
  takeUp(run: StoredRun): Promise<Execution>;
  isInterrupted(run: StoredRun): Promise<boolean>;
}

/** Runs a child run to its end. Its row is made in the commit that records the call, so a crash starts it once. */
export async function callChild(host: CallHost, parent: CallingRun, call: ChildCall): Promise<JsonValue | undefined> {
  if (!host.workflows.has(call.workflow.name)) host.workflows.set(call.workflow.name, call.workflow);
  const id = call.started ?? (await begin(host, parent, call));
  if (call.started !== undefined) await resume(host, id);
  const abort = (): void => host.executions.get(id)?.abort(toAtlasError(parent.signal.reason));
  parent.signal.addEventListener("abort", abort, { once: true });
  if (parent.signal.aborted) abort();
  try {
    const output = await outcome(host, id);
    await parent.writer.append({ type: "call.completed", key: call.key, data: output === undefined ? {} : { output } });
    return output;
  } catch (cause) {
    if (parent.signal.aborted) throw parent.signal.reason;
    const error = toAtlasError(cause);
    await parent.writer.append({ type: "call.failed", key: call.key, data: { error: error.toJSON() } });
    throw error;
  } finally {
    parent.signal.removeEventListener("abort", abort);
  }
}

async function begin(host: CallHost, parent: CallingRun, call: ChildCall): Promise<string> {
  const run: NewRun = {
    id: host.newRunId(),
    workflow: call.workflow.name,
    owner: await host.owners.own(),
    input: stringifyJson(call.input),
    key: undefined,
    parentId: parent.id,
    tags: {},
  };
  const entry = { type: "call.started", key: call.key, data: { runId: run.id, workflow: run.workflow } };
  await parent.writer.append(entry, () => host.journal.creation(run));
  host.begin(run, call.workflow);
  return run.id;
}

async function resume(host: CallHost, id: string): Promise<void> {
  const run = await host.journal.load(id);
  if (run && (await host.isInterrupted(run))) await host.takeUp(run);
}

async function outcome(host: CallHost, id: string): Promise<JsonValue | undefined> {
  const ended = await host.executions.get(id)?.done;
  if (ended?.status === "stopped") throw ended.error;
  const run = await host.journal.load(id);
  if (run?.status === "completed") return run.output;
  throw run?.error
    ? fromErrorData(run.error)
    : runErrors.create("run_interrupted", `The child run ${id} was interrupted.`);
}
