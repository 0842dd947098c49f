import type { JsonValue } from "../base/index.ts";
import { fromErrorData, toAtlasError } from "../base/index.ts";
import { cancelOn } from "./cancel.ts";
import type { CallHost } from "./call-host.ts";
import { childOf, startedEntry } from "./child-run.ts";
import type { ChildCall } from "./context.ts";
import { runErrors } from "./errors.ts";
import type { CallingRun } from "./execution.ts";
import type { StoredRun } from "./journal.ts";
import { dataOf } from "./plain.ts";

/** Is a call whose child waits in a queue. */
interface QueuedCall extends ChildCall {
  readonly queue: string;
}

/** How long after a run was let go of somebody looks again who has it. */
const lookAgainMs = 500;

/**
 * Runs a child that a worker takes from a queue, and waits durably for its end: the caller has no place meanwhile, so that callers
 * and children can share a queue, whatever its limits.
 */
export async function callQueued(host: CallHost, parent: CallingRun, call: QueuedCall): Promise<JsonValue | undefined> {
  const { writer, activity, gate, signal } = parent;
  const id = call.started ?? (await enqueue(host, parent, call));
  writer.waits();
  const cancelled = cancelOn(host, id, { signal: call.signal, reason: "its caller needs it no more" });
  const run = await activity.wait(endOf(host, id, signal)).finally(cancelled);
  const passed = gate.passed(signal);
  if (passed !== undefined) await activity.wait(passed);
  const { key } = call;
  if (run.error === undefined) {
    const { output } = run;
    await writer.wake({ type: "call.completed", key, data: output === undefined ? {} : { output } });
    return output;
  }
  const error = fromErrorData(run.error);
  await writer.wake({ type: "call.failed", key, data: { error: dataOf(toAtlasError(error)) } });
  throw error;
}

async function enqueue(host: CallHost, parent: CallingRun, call: QueuedCall): Promise<string> {
  const run = childOf(parent, call, { id: host.newRunId() });
  const place = { queue: call.queue, priority: call.options.priority ?? 0 };
  await host.enqueue(run, place, (creation) => parent.writer.wait(startedEntry(run, call), creation));
  return run.id;
}

/** Waits until a run has ended for good, wherever that is and however often it is tried or taken over. */
async function endOf(host: CallHost, id: string, signal: AbortSignal): Promise<StoredRun> {
  while (true) {
    for await (const _ of host.follow(id, { after: Number.MAX_SAFE_INTEGER, signal }));
    signal.throwIfAborted();
    const run = await host.journal.load(id);
    if (!run) throw runErrors.create("run_not_found", `The child run ${id} is gone.`, { details: { runId: id } });
    if (run.finishedAt !== undefined) return run;
    await host.clock.sleep(lookAgainMs, { signal });
  }
}
