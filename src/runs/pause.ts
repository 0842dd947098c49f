import type { Clock } from "../base/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Execution } from "./execution.ts";
import type { Journal, StoredRun } from "./journal.ts";
import { nextEvent, unfinished } from "./journal.ts";
import type { Queue, Ticket } from "./queue/queue.ts";

/** Is what pausing needs of the engine. */
export interface PauseHost {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly executions: Pick<ReadonlyMap<string, Execution>, "get"> & Iterable<readonly [string, Execution]>;
  queue(): Promise<Queue>;
  executionOf(runId: string): Promise<Execution | undefined>;
  toldOf(runId: string): void;
}

const maxTries = 100;

/** Holds a run and its children; tells whether it is unfinished. Holding it again changes nothing. */
export async function pauseTree(engine: PauseHost, runId: string): Promise<boolean> {
  const run = await setPaused(engine, runId, true);
  if (run === undefined) return false;
  await pauseChildren(engine, runId);
  return true;
}

/** Holds the children of a run that is held; those that are started meanwhile begin held. */
export async function pauseChildren(engine: PauseHost, runId: string): Promise<void> {
  const children = await engine.journal.children(runId);
  for (const child of children) await pauseTree(engine, child.id);
  // A resume that came between has seen children that were not yet held: it holds for them too.
  const parent = children.length === 0 ? undefined : await engine.journal.load(runId);
  if (parent?.paused === false) for (const child of children) await unpauseTree(engine, child.id);
}

/** Lets a run and its children go on; gives the run as it is then, undefined when it has ended. */
export async function unpauseTree(engine: PauseHost, runId: string): Promise<StoredRun | undefined> {
  const run = await setPaused(engine, runId, false);
  if (run === undefined) return undefined;
  for (const child of await engine.journal.children(runId)) await unpauseTree(engine, child.id);
  return run;
}

async function setPaused(engine: PauseHost, runId: string, paused: boolean): Promise<StoredRun | undefined> {
  for (let tries = 1; ; tries++) {
    const run = await engine.journal.load(runId);
    if (run === undefined || run.finishedAt !== undefined) return undefined;
    if (run.paused !== paused && !(await written(engine, run, { paused, isLast: tries === maxTries }))) continue;
    const execution = await engine.executionOf(runId);
    if (paused) execution?.gate.close();
    else execution?.gate.open();
    if (run.status === "queued" && run.queue !== undefined) {
      const ticket = ticketOf(run, run.queue);
      const queue = await engine.queue();
      await (paused ? queue.withdraw([ticket]) : queue.offer([ticket]));
    }
    engine.toldOf(runId);
    return { ...run, paused };
  }
}

/** Writes what is asked into the run's row and its log; tells whether nobody wrote to either in between. */
async function written(
  engine: PauseHost,
  { id }: StoredRun,
  { paused, isLast }: { readonly paused: boolean; readonly isLast: boolean },
): Promise<boolean> {
  const at = engine.clock.now();
  const sql = `UPDATE run SET paused = ?, updated_at = ? WHERE id = ? AND paused = ? AND ${unfinished}`;
  try {
    await engine.journal.write([
      { sql, params: [paused ? 1 : 0, at, id, paused ? 0 : 1], expectRows: 1 },
      nextEvent({ runId: id, type: paused ? "run.paused" : "run.unpaused", at, data: {} }),
    ]);
    return true;
  } catch (cause) {
    if (isLast || !storageErrors.is(cause, "write_conflict")) throw cause;
    return false;
  }
}

function ticketOf({ id, epoch, workflow, tenant, priority, turn, dueAt }: StoredRun, queue: string): Ticket {
  return { runId: id, epoch, queue, workflow, tenant, priority, turn, dueAt };
}
