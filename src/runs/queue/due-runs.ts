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

/** Is told what a look found: queues in which runs became ready, and failures. */
export interface DueListener {
  readonly ready: (queues: Iterable<string>) => void;
  readonly failed: (error: unknown) => void;
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
export function watchDueRuns(database: Database, clock: Clock, told: DueListener): DueRuns {
  let alarm: { readonly at: number; readonly stop: AbortController } | undefined;
  let looking: Promise<void> | undefined;
  const state = { again: false, isClosed: false };

  const arm = (at: number): void => {
    if (state.isClosed || (alarm !== undefined && alarm.at <= at)) return;
    alarm?.stop.abort();
    const armed = { at, stop: new AbortController() };
    alarm = armed;
    const sounded = (): Promise<void> => {
      if (alarm === armed) alarm = undefined;
      return look().catch(told.failed);
    };
    clock.sleep(Math.max(0, at - clock.now()), { signal: armed.stop.signal, keepAlive: false }).then(sounded, () => {});
  };
  const lookOnce = async (): Promise<void> => {
    const at = (await database.read({ sql: nextDue }))[0]?.["at"];
    if (at === undefined || at === null) return;
    if (Number(at) > clock.now()) return arm(Number(at));
    const rows = await database.read({ sql: dueNow, params: [clock.now(), batchSize] });
    told.ready(await wakeAll(database, rows));
    state.again = true;
  };
  const lookAll = async (): Promise<void> => {
    while (state.again && !state.isClosed) {
      state.again = false;
      await lookOnce();
    }
  };
  const look = (): Promise<void> => {
    state.again = true;
    looking ??= lookAll().finally(() => (looking = undefined));
    return looking;
  };
  return {
    expect: arm,
    look,
    [Symbol.dispose]() {
      state.isClosed = true;
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
