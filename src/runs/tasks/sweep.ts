import type { SqlValue } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { queuesThatAreReady, toTicket } from "../queue/ready-runs.ts";
import type { Dependents } from "./dependencies.ts";

const sweepMs = 5_000;
const pageSize = 500;

const readyRuns = `SELECT id, epoch, queue, workflow, tenant, priority, turn FROM run
  WHERE queue = ? AND status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL
  AND (priority < ? OR (priority = ? AND (turn > ? OR (turn = ? AND id > ?)))) ORDER BY priority DESC, turn, id LIMIT ?`;

/** Is the slow safety net of an engine. */
export interface Sweeping extends AsyncDisposable {
  /** Looks soon; those who ask in one tick are answered together. */
  look(): void;
}

/** Is the place in a queue up to which its runs were offered again. */
interface Place {
  readonly priority: number;
  readonly turn: number;
  readonly id: string;
}

const front: Place = { priority: 11, turn: 0, id: "" };

/**
 * Looks, at the start and every few seconds, for what a crash left behind: runs in a queue whose ticket was lost, and blocked runs
 * whose needs ended while nobody told them. Events do the work; this only catches what they missed.
 *
 * Cost: one page of each queue a time, so that a long queue is gone through in turns.
 */
export function startSweeping(engine: Engine, dependents: Dependents): Sweeping {
  const places = new Map<string, Place>();
  let sweeping: Promise<void> | undefined;
  let asked: NodeJS.Immediate | undefined;
  const sweep = (): void => {
    asked = undefined;
    sweeping ??= (async () => {
      await dependents.sweep();
      await offerAgain(engine, places);
    })()
      .catch((error: unknown) => engine.warn("waiting runs not looked at", error))
      .finally(() => (sweeping = undefined));
  };
  const look = (): void => {
    asked ??= setImmediate(sweep);
  };
  const timer = setInterval(sweep, sweepMs);
  // What waits in the database keeps no process alive.
  timer.unref();
  look();
  return {
    look,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      clearImmediate(asked);
      await sweeping;
    },
  };
}

/** Offers the next page of each queue. A ticket that is there already is left as it is. */
export async function offerAgain(engine: Engine, places: Map<string, Place>): Promise<void> {
  const { database } = engine.options;
  for (const queue of await queuesThatAreReady(database)) {
    const { priority, turn, id } = places.get(queue) ?? front;
    const params: SqlValue[] = [queue, priority, priority, turn, turn, id, pageSize];
    const tickets = (await database.read({ sql: readyRuns, params })).map(toTicket);
    await engine.queue.offer(tickets);
    const last = tickets.at(-1);
    if (tickets.length < pageSize || !last) places.delete(queue);
    else places.set(queue, { priority: last.priority, turn: last.turn, id: last.runId });
  }
}
