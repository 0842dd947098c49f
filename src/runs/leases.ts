import type { Clock } from "../base/index.ts";
import type { Database, Statement } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Lease, StoredRun } from "./journal.ts";
import { nextEvent, toRun, unfinished } from "./journal.ts";
import type { Ticket } from "./queue/queue.ts";
import type { AnyWorkflow } from "./run.ts";

/** Is a run that its new owner has just got, with the place of the entry that says so. */
export interface OwnedRun {
  readonly run: StoredRun;
  readonly lease: Lease;
  readonly lastSeq: number;
}

/** Is who takes runs: an engine, by its id and by the name that lists of workers show. */
export interface Claimant {
  readonly owner: string;
  readonly name: string;
}

/** Tells whether a program that has a workflow may execute a run of it that began with some version. */
export function accepts(workflow: AnyWorkflow, version: string): boolean {
  return workflow.version === version || workflow.accepts.includes(version);
}

/** Makes the ticket with which a queued run is offered. */
export function ticketOf(run: StoredRun): Ticket {
  const { id: runId, epoch, queue = "", workflow, tenant, priority, turn, dueAt } = run;
  return { runId, epoch, queue, workflow, tenant, priority, turn, dueAt };
}

/** Hands runs from owner to owner. Each hand-over raises the run's epoch and takes the next place in its log, which fences the old owner. */
export class Leases {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Takes a queued run for a worker; undefined when it is not there to be taken any more, or began with a version that the
   * workflow does not accept. Cost: a commit, shared by all claims of one tick.
   */
  async claim(ticket: Ticket, workflow: AnyWorkflow, by: Claimant): Promise<OwnedRun | undefined> {
    const versions = [workflow.version, ...workflow.accepts];
    const at = this.#clock.now();
    const take: Statement = {
      sql: `UPDATE run SET status = 'running', owner = ?, epoch = epoch + 1, due_at = NULL, updated_at = ?
        WHERE id = ? AND epoch = ? AND status = 'queued' AND paused = 0 AND ${unfinished}
        AND version IN (${versions.map(() => "?").join(", ")}) RETURNING *`,
      params: [by.owner, at, ticket.runId, ticket.epoch, ...versions],
      expectRows: 1,
    };
    const epoch = ticket.epoch + 1;
    const entry = nextEvent({ runId: ticket.runId, type: "run.claimed", at, data: { epoch, worker: by.name } });
    try {
      const [taken, told] = await this.#database.write([take, entry]);
      const row = taken?.rows[0];
      if (!row) return undefined;
      return { run: toRun(row), lease: { runId: ticket.runId, epoch }, lastSeq: Number(told?.rows[0]?.["seq"]) };
    } catch (cause) {
      if (storageErrors.is(cause, "write_conflict")) return undefined;
      throw cause;
    }
  }

  /**
   * Lists unfinished runs of dead owners that are not paused, of these workflows, oldest first. A child of a run that goes on is taken
   * up by that; but one that came from a queue is only waited for.
   */
  async orphans(workflows: readonly string[], limit: number): Promise<readonly StoredRun[]> {
    if (workflows.length === 0) return [];
    const sql = `SELECT r.* FROM run r JOIN run_owner o ON o.id = r.owner
      LEFT JOIN run p ON p.id = r.parent_id AND p.finished_at IS NULL
      WHERE o.beat = 0 AND r.finished_at IS NULL AND r.paused = 0 AND r.status IN ('running', 'waiting') AND (p.id IS NULL OR r.queue IS NOT NULL)
      AND r.workflow IN (${workflows.map(() => "?").join(", ")}) ORDER BY r.id LIMIT ?`;
    return (await this.#database.read({ sql, params: [...workflows, limit] })).map(toRun);
  }

  /** Gives a dead worker's run back to its queue, with its fence; undefined when another was faster. */
  async giveBack(run: StoredRun): Promise<StoredRun | undefined> {
    const at = this.#clock.now();
    const epoch = run.epoch + 1;
    const lost = run.status === "running";
    try {
      await this.#database.write([
        {
          sql: `UPDATE run SET status = 'queued', owner = NULL, epoch = ?, updated_at = ?
            WHERE id = ? AND epoch = ? AND owner = ? AND ${unfinished}`,
          params: [epoch, at, run.id, run.epoch, run.owner ?? null],
          expectRows: 1,
        },
        nextEvent({ runId: run.id, type: "run.returned", at, data: { epoch, ...(lost ? { lost } : {}) } }),
      ]);
      return { ...run, status: "queued", owner: undefined, epoch };
    } catch (cause) {
      if (storageErrors.is(cause, "write_conflict")) return undefined;
      throw cause;
    }
  }
}
