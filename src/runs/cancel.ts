import type { Engine } from "./engine.ts";
import { cancelledError } from "./engine.ts";
import type { StoredRun } from "./journal.ts";

/** Cancels a run wherever it is: here, in another process, or in none. Its children are cancelled with it. */
export async function cancelRun(engine: Engine, run: StoredRun, reason: string): Promise<void> {
  const { journal, owners, executions } = engine;
  if (run.finishedAt !== undefined || !(await journal.askCancel(run.id, reason))) return;
  for (const child of await journal.children(run.id)) await cancelRun(engine, child, reason);
  const execution = executions.get(run.id);
  if (execution) {
    execution.abort(cancelledError(run.id, reason));
    await execution.done;
  } else if (await owners.isAlive(run.owner)) {
    engine.notify();
    await ended(engine, run.id);
  } else {
    await endInterrupted(engine, run, reason);
  }
}

/** Waits until a run is finished or nobody executes it any more. */
export async function ended(engine: Engine, runId: string): Promise<void> {
  for await (const _ of engine.follow(runId, { after: Number.MAX_SAFE_INTEGER }));
}

async function endInterrupted(engine: Engine, run: StoredRun, reason: string): Promise<void> {
  const error = cancelledError(run.id, reason).toJSON();
  const lease = await engine.journal.takeOver(run, await engine.owners.own());
  const entry = {
    seq: lease.lastSeq + 1,
    type: "run.cancelled",
    key: undefined,
    at: engine.clock.now(),
    text: JSON.stringify({ error }),
  };
  await engine.journal.finish(lease, [entry], { status: "cancelled", error });
}
