import type { SqlValue } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { queuesThatAreReady, toTicket } from "../queue/ready-runs.ts";
import type { Dependents } from "./dependencies.ts";

const sweepMs = 5_000;
const pageSize = 500;

const readyRuns = `SELECT id, epoch, queue, workflow, tenant, priority, turn FROM run
  WHERE queue = ? AND status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL
  AND (priority < ? OR (priority = ? AND (turn > ? OR (turn = ? AND id > ?)))) ORDER BY priority DESC, turn, id LIMIT ?`;

/** A queue outside of the run's table knows of a time only by its ticket: it gets it again, with its time, a while before. */
const soonMs = 60_000;
const dueRuns = `SELECT id, epoch, queue, workflow, tenant, priority, turn, due_at FROM run
  WHERE due_at IS NOT NULL AND finished_at IS NULL AND status = 'queued' AND paused = 0
  AND due_at <= ? AND (due_at > ? OR (due_at = ? AND id > ?)) ORDER BY due_at, id LIMIT ?`;

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

/** Is the time, and the run of that time, up to which runs with a time were offered again. */
interface DuePlace {
  readonly dueAt: number;
  readonly id: string;
}

const longAgo: DuePlace = { dueAt: 0, id: "" };

/**
 * Looks, at the start and every few seconds, for what a crash left behind: runs in a queue whose ticket was lost, also those whose time has not come, and blocked runs
 * whose needs ended while nobody told them. Events do the work; this only catches what they missed.
 *
 * Cost: one page of each queue a time, and one of the runs with a time, so that a long queue is gone through in turns.
 */
export function startSweeping(engine: Engine, dependents: Dependents): Sweeping {
  const places = new Map<string, Place>();
  let duePlace = longAgo;
  let sweeping: Promise<void> | undefined;
  let asked: NodeJS.Immediate | undefined;
  const sweep = (): void => {
    asked = undefined;
    sweeping ??= (async () => {
      await dependents.sweep();
      duePlace = await offerDue(engine, duePlace);
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

/** Offers the next page of the runs whose time is near or past; gives the place after it. */
async function offerDue(engine: Engine, { dueAt, id }: DuePlace): Promise<DuePlace> {
  const params = [engine.clock.now() + soonMs, dueAt, dueAt, id, pageSize];
  const rows = await engine.options.database.read({ sql: dueRuns, params });
  const tickets = rows.map((row) => ({ ...toTicket(row), dueAt: Number(row["due_at"]) }));
  await (await engine.queue()).offer(tickets);
  const last = tickets.at(-1);
  return tickets.length < pageSize || !last ? longAgo : { dueAt: last.dueAt, id: last.runId };
}

/** Offers the next page of each queue. A ticket that is there already is left as it is. */
async function offerAgain(engine: Engine, places: Map<string, Place>): Promise<void> {
  const { database } = engine.options;
  for (const queue of await queuesThatAreReady(database)) {
    const { priority, turn, id } = places.get(queue) ?? front;
    const params: SqlValue[] = [queue, priority, priority, turn, turn, id, pageSize];
    const tickets = (await database.read({ sql: readyRuns, params })).map(toTicket);
    await (await engine.queue()).offer(tickets);
    const last = tickets.at(-1);
    if (tickets.length < pageSize || !last) places.delete(queue);
    else places.set(queue, { priority: last.priority, turn: last.turn, id: last.runId });
  }
}
