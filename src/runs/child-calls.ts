import type { JsonValue } from "../base/index.ts";
import { cancelOn } from "./cancel.ts";
import { fromErrorData, toAtlasError } from "../base/index.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { CallingRun } from "./execution.ts";
import { dataOf } from "./plain.ts";
import { childOf, startedEntry } from "./child-run.ts";
import type { CallHost } from "./call-host.ts";
import { callQueued } from "./queued-calls.ts";

const childRetryMs = 500;

/** Runs a child run to its end. Its row is made in the commit that records the call, so a crash starts it once. */
export async function callChild(host: CallHost, parent: CallingRun, call: ChildCall): Promise<JsonValue | undefined> {
  host.register(call.workflow);
  const { queue } = call.options;
  // Who waits for a worker is not under way: its place is free for others.
  if (queue !== undefined) return await callQueued(host, parent, { ...call, queue });
  parent.activity.works(1);
  try {
    return await callHere(host, parent, call);
  } finally {
    parent.activity.works(-1);
  }
}

async function callHere(host: CallHost, parent: CallingRun, call: ChildCall): Promise<JsonValue | undefined> {
  const id = call.started ?? (await begin(host, parent, call));
  const { signal } = parent;
  const abort = (): void => host.executions.get(id)?.abort(toAtlasError(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const cancelled = cancelOn(host, id, { signal: call.signal, reason: "its caller needs it no more" });
  try {
    const output = await outcome(host, id, signal);
    await parent.writer.append({ type: "call.completed", key: call.key, data: output === undefined ? {} : { output } });
    return output;
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    const error = toAtlasError(cause);
    await parent.writer.append({ type: "call.failed", key: call.key, data: { error: dataOf(error) } });
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    cancelled();
  }
}

async function begin(host: CallHost, parent: CallingRun, call: ChildCall): Promise<string> {
  const run = childOf(parent, call, { id: host.newRunId(), owner: await host.owners.own() });
  const entry = startedEntry(run, call);
  await host.begin(run, call.workflow, (creation) => parent.writer.append(entry, () => creation));
  return run.id;
}

/** Waits for the child's end, and takes it up as often as it is interrupted: a child that has not ended has not failed. */
async function outcome(host: CallHost, id: string, signal: AbortSignal): Promise<JsonValue | undefined> {
  while (true) {
    await (
      await host.executionOf(id)
    )?.done;
    signal.throwIfAborted();
    const run = await host.journal.load(id);
    if (!run) throw runErrors.create("run_not_found", `The child run ${id} is gone.`, { details: { runId: id } });
    if (run.status === "completed") return run.output;
    if (run.error) throw fromErrorData(run.error);
    if (await host.isInterrupted(run)) await host.takeUp(run).catch(ignoreOwned);
    // Another process has it, or the store does not work just now.
    if ((await host.executionOf(id)) === undefined) await host.clock.sleep(childRetryMs, { signal });
  }
}

function ignoreOwned(error: unknown): void {
  if (!runErrors.is(error, "run_owned") && !runErrors.is(error, "run_fenced")) throw error;
}
