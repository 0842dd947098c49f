import type { Clock } from "../../base/index.ts";
import type { Database, Row } from "../../storage/index.ts";
import { allotTurns } from "./turns.ts";

/** Wakes runs whose time has come. */
export interface DueRuns extends Disposable {
  /** Tells that a run is due at a time. */
  expect(dueAt: number): void;
  /** Looks for what is due next, and wakes what is due now. */
  look(): Promise<void>;
}

const nextDue =
  "SELECT min(due_at) AS at FROM run WHERE due_at IS NOT NULL AND finished_at IS NULL AND status = 'queued'";
const dueNow = `SELECT id, queue, priority, tenant, due_at FROM run
  WHERE due_at <= ? AND due_at IS NOT NULL AND finished_at IS NULL AND status = 'queued' ORDER BY due_at, id LIMIT ?`;
const wake = "UPDATE run SET due_at = NULL, turn = ? WHERE id = ? AND due_at = ? AND status = 'queued'";
const batchSize = 500;

/**
 * Watches the runs whose time has not come: one timer for the next of them. When it rings, what is due is made ready, with
 * turns as if it came now, and `ready` is told of its queues. Several processes may do so at once: a run is woken once.
 */
export function watchDueRuns(
  database: Database,
  clock: Clock,
  told: { readonly ready: (queue: string) => void; readonly failed: (error: unknown) => void },
): DueRuns {
  let alarm: { readonly at: number; readonly stop: AbortController } | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  let closed = false;

  const arm = (at: number): void => {
    if (closed || (alarm !== undefined && alarm.at <= at)) return;
    alarm?.stop.abort();
    const armed = { at, stop: new AbortController() };
    alarm = armed;
    clock.sleep(Math.max(0, at - clock.now()), { signal: armed.stop.signal, keepAlive: false }).then(
      () => {
        if (alarm === armed) alarm = undefined;
        if (!closed) look().catch(told.failed);
      },
      () => {},
    );
  };
  const lookOnce = async (): Promise<void> => {
    const row = (await database.read({ sql: nextDue }))[0];
    if (row === undefined || row["at"] === null || closed) return;
    const at = Number(row["at"]);
    if (at > clock.now()) return arm(at);
    const rows = await database.read({ sql: dueNow, params: [clock.now(), batchSize] });
    for (const queue of await wakeAll(database, rows)) told.ready(queue);
    again = true;
  };
  const look = async (): Promise<void> => {
    again = true;
    looking ??= (async () => {
      while (again && !closed) {
        again = false;
        await lookOnce();
      }
    })().finally(() => (looking = undefined));
    await looking;
  };
  return {
    expect: arm,
    look,
    [Symbol.dispose]() {
      closed = true;
      alarm?.stop.abort();
    },
  };
}

async function wakeAll(database: Database, rows: readonly Row[]): Promise<ReadonlySet<string>> {
  const wishes = rows.map((row) => ({
    queue: String(row["queue"]),
    priority: Number(row["priority"]),
    tenant: row["tenant"] === null || row["tenant"] === undefined ? undefined : String(row["tenant"]),
  }));
  const turns = await allotTurns(database, wishes);
  await database.write(
    rows.map((row, index) => ({
      sql: wake,
      params: [turns[index] ?? 0, row["id"] ?? null, row["due_at"] ?? null],
    })),
  );
  return new Set(wishes.map((wish) => wish.queue));
}
