import type { ErrorData } from "../../base/index.ts";
import type { Row } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { runErrors } from "../errors.ts";
import { unfinished } from "../journal.ts";
import type { Ticket } from "../queue/queue.ts";
import { endWaiting } from "./end-waiting.ts";
import { readByIds } from "./read-by-ids.ts";
import type { Turnstile } from "./turnstile.ts";

/** Lets blocked runs go on, or ends them, when the runs that they need have ended. */
export interface Dependents {
  /** Is told of a run that ended. Cost: nothing as long as no run depends on another. */
  ended(runId: string): void;
  /** Is told that runs are about to be made that depend on others. */
  expect(): void;
  /** Is told that another process may have made some. */
  hinted(): void;
  /** Looks at blocked runs: queues those whose needs are all completed, ends those of which one failed. */
  examine(runIds: readonly string[]): Promise<void>;
  /** Finds the blocked runs whose needs ended while nobody looked. */
  sweep(): Promise<void>;
  /** Resolves when everything that was told until now is done. */
  settled(): Promise<void>;
}

interface Need {
  readonly id: string;
  /** Undefined when there is no such run any more. */
  readonly status: string | undefined;
  readonly policy: string;
}

interface Blocked extends Omit<Ticket, "turn"> {
  readonly needs: Need[];
}

const anyDependency = "SELECT 1 FROM run_dependency LIMIT 1";
const dependentsOf = "SELECT DISTINCT run_id FROM run_dependency WHERE needs_id IN (?)";
const needsOf = `SELECT r.id, r.epoch, r.queue, r.workflow, r.tenant, r.priority, r.due_at, d.needs_id, d.on_failure, n.status AS need_status
  FROM run r JOIN run_dependency d ON d.run_id = r.id LEFT JOIN run n ON n.id = d.needs_id
  WHERE r.status = 'blocked' AND r.id IN (?)`;
/** A need that failed and may still be redriven is waited for; every other end of a need is news. Begins with the few that wait, not with all runs. */
const stuck = `SELECT DISTINCT d.run_id AS id FROM run_dependency d CROSS JOIN run r LEFT JOIN run n ON n.id = d.needs_id
  WHERE r.id = d.run_id AND r.status = 'blocked' AND d.run_id > ? AND (n.id IS NULL OR n.status = 'completed'
    OR (n.finished_at IS NOT NULL AND d.on_failure <> 'wait')) ORDER BY d.run_id LIMIT ?`;
/** Not in the words of an index of blocked runs, which a planner might walk through instead of taking the one run by its id. */
const release = `UPDATE run SET status = 'queued', turn = ?, updated_at = ?
  WHERE id = ? AND epoch = ? AND coalesce(status, '') = 'blocked' AND ${unfinished}`;
const forgetNeeds = "DELETE FROM run_dependency WHERE run_id = ?";
const pageSize = 500;

/** Makes the watch over blocked runs. Order: ends are looked at in the order in which they were told, many at once. */
export function watchDependents(engine: Engine, turnstile: Turnstile): Dependents {
  const { database } = engine.options;
  let told = new Set<string>();
  let working: Promise<void> | undefined;
  /** Whether any run depends on another; undefined while that is not known. */
  let anyBlocked: boolean | undefined;
  let wasHinted = false;

  const sweep = async (): Promise<void> => {
    anyBlocked = undefined;
    await sweepBlocked(engine, turnstile);
  };
  const look = async (): Promise<void> => {
    const ids = [...told];
    told = new Set();
    if (anyBlocked === undefined || wasHinted) {
      const wereNone = wasHinted;
      wasHinted = false;
      anyBlocked = undefined;
      const found = (await database.read({ sql: anyDependency })).length > 0;
      anyBlocked ??= found;
      // What another process blocked on a run that has ended since was not looked at.
      if (found && wereNone) await sweepBlocked(engine, turnstile);
    }
    if (!anyBlocked || ids.length === 0) return;
    const rows = await readByIds(database, dependentsOf, ids);
    await examineRuns(engine, turnstile, [...new Set(rows.map((row) => String(row["run_id"])))]);
  };
  const begin = (): void => {
    // What ends together is looked at together.
    working ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(look)
      .catch((error: unknown) => engine.warn("runs that wait for others not looked at yet", error))
      .finally(() => {
        working = undefined;
        if (told.size > 0 || wasHinted) begin();
      });
  };
  return {
    ended(runId) {
      if (anyBlocked === false) return;
      told.add(runId);
      begin();
    },
    expect() {
      anyBlocked = true;
    },
    hinted() {
      if (anyBlocked !== false || wasHinted) return;
      wasHinted = true;
      begin();
    },
    examine: (runIds) => examineRuns(engine, turnstile, runIds),
    sweep,
    async settled() {
      await working;
    },
  };
}

async function sweepBlocked(engine: Engine, turnstile: Turnstile): Promise<void> {
  for (let after = ""; ;) {
    const rows = await engine.options.database.read({ sql: stuck, params: [after, pageSize] });
    const ids = rows.map((row) => String(row["id"]));
    await examineRuns(engine, turnstile, ids);
    if (ids.length < pageSize) return;
    after = ids.at(-1) ?? after;
  }
}

async function examineRuns(engine: Engine, turnstile: Turnstile, runIds: readonly string[]): Promise<void> {
  for (let from = 0; from < runIds.length; from += pageSize) {
    const rows = await readByIds(engine.options.database, needsOf, runIds.slice(from, from + pageSize));
    const verdicts = toBlocked(rows).map((run) => ({ run, verdict: verdictOf(run) }));
    await Promise.all(
      verdicts.map(async ({ run, verdict }) => {
        if (verdict.end !== undefined) await endDependent(engine, run, verdict.end);
      }),
    );
    const freed = verdicts.flatMap(({ run, verdict }) => (verdict.ready ? [run] : []));
    await releaseAll(engine, turnstile, freed);
  }
}

/** Tells what becomes of a run by the ends of its needs: a bad end counts at once, good ones when they are all there. */
function verdictOf({ needs }: Blocked): { readonly ready: boolean; readonly end?: Need } {
  const bad = needs.find(
    ({ status, policy }) =>
      status === undefined || (policy !== "wait" && ["failed", "cancelled", "skipped"].includes(status)),
  );
  if (bad) return { ready: false, end: bad };
  return { ready: needs.every(({ status }) => status === "completed") };
}

async function endDependent(engine: Engine, run: Blocked, need: Need): Promise<void> {
  const error = dependencyError(run.runId, need);
  const skip = need.policy === "skip";
  const end = { status: skip ? "skipped" : "failed", error, dead: !skip } as const;
  if (!(await endWaiting(engine, { id: run.runId, epoch: run.epoch }, end))) return;
  engine.ended(run.runId);
  engine.notify();
}

function dependencyError(runId: string, need: Need): ErrorData {
  const became = need.status === undefined ? "is gone" : `ended as ${need.status}`;
  return runErrors
    .create("dependency_failed", `The run ${runId} depends on the run ${need.id}, which ${became}.`, {
      details: { runId, needs: need.id, status: need.status ?? "gone" },
    })
    .toJSON();
}

async function releaseAll(engine: Engine, turnstile: Turnstile, runs: readonly Blocked[]): Promise<void> {
  // One whose time has not come gets its turn when it has.
  const ready = runs.filter(({ dueAt }) => dueAt === undefined);
  const given = await turnstile.take(ready);
  const turns = new Map(ready.map((run, index) => [run, given[index] ?? 0]));
  const at = engine.clock.now();
  const released = await Promise.all(
    runs.map(async (blocked): Promise<Ticket[]> => {
      const { needs: _, ...run } = blocked;
      const turn = turns.get(blocked) ?? 0;
      try {
        await engine.journal.write([
          { sql: release, params: [turn, at, run.runId, run.epoch], expectRows: 1 },
          { sql: forgetNeeds, params: [run.runId] },
        ]);
        return [{ ...run, turn }];
      } catch (cause) {
        // Another engine released it, or it was cancelled.
        if (storageErrors.is(cause, "write_conflict")) return [];
        throw cause;
      }
    }),
  );
  await offer(engine, released.flat());
}

/** Offers runs that are queued. Losing an offer costs time only, so a queue that fails keeps nothing from going on. */
export async function offer(engine: Engine, tickets: readonly Ticket[]): Promise<void> {
  if (tickets.length === 0) return;
  try {
    await (await engine.queue()).offer(tickets);
  } catch (error) {
    engine.warn(`${tickets.length} queued runs not offered yet`, error);
  }
  engine.notify();
}

function toBlocked(rows: readonly Row[]): readonly Blocked[] {
  const runs = new Map<string, Blocked>();
  for (const row of rows) {
    const runId = String(row["id"]);
    const run = runs.get(runId) ?? {
      runId,
      epoch: Number(row["epoch"]),
      queue: String(row["queue"]),
      workflow: String(row["workflow"]),
      tenant: row["tenant"] === null ? undefined : String(row["tenant"]),
      priority: Number(row["priority"]),
      dueAt: row["due_at"] === null ? undefined : Number(row["due_at"]),
      needs: [],
    };
    runs.set(runId, run);
    const status = row["need_status"] === null ? undefined : String(row["need_status"]);
    run.needs.push({ id: String(row["needs_id"]), status, policy: String(row["on_failure"]) });
  }
  return [...runs.values()];
}
