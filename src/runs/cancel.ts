import { storageErrors } from "../storage/index.ts";
import type { Engine } from "./engine.ts";
import { cancelledError } from "./refusals.ts";
import type { StoredRun } from "./journal.ts";

const maxAttempts = 10;

/** Cancels a run wherever it is: here, in another process, or in none. Its children are cancelled with it. */
export async function cancelRun(engine: Engine, run: StoredRun, reason: string): Promise<void> {
  if (run.finishedAt !== undefined || !(await engine.journal.askCancel(run.id, reason))) return;
  for (const child of await engine.journal.children(run.id)) await cancelRun(engine, child, reason);
  for (let attempt = 1; ; attempt++) {
    try {
      return await endCancelled(engine, run.id, reason);
    } catch (error) {
      // Somebody took the run up, or ended it, at the same moment: look again at where it is.
      if (!storageErrors.is(error, "write_conflict") || attempt === maxAttempts) throw error;
    }
  }
}

async function endCancelled(engine: Engine, runId: string, reason: string): Promise<void> {
  const execution = await engine.executionOf(runId);
  if (execution) {
    execution.abort(cancelledError(runId, reason));
    const { status } = await execution.done;
    if (status !== "stopped") return;
    // It was taken over, or the store failed: the run is elsewhere now, or nowhere.
  }
  const run = await engine.journal.load(runId);
  if (!run || run.finishedAt !== undefined) return;
  if ((await engine.placeOf(run)) === "elsewhere") {
    engine.notify();
    await ended(engine, runId);
    return;
  }
  const error = cancelledError(runId, reason).toJSON();
  const lease = await engine.journal.takeOver(run, await engine.owners.own());
  const text = JSON.stringify({ error });
  const entry = { seq: lease.lastSeq + 1, type: "run.cancelled", key: undefined, at: engine.clock.now(), text };
  await engine.journal.finish(lease, [entry], { status: "cancelled", error });
  engine.ended(runId);
}

/** Waits until a run is finished or nobody executes it any more. */
export async function ended(engine: Engine, runId: string): Promise<void> {
  for await (const _ of engine.follow(runId, { after: Number.MAX_SAFE_INTEGER }));
}
