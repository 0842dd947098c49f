import type { Clock } from "../../base/index.ts";
import { systemClock } from "../../base/index.ts";
import type { Database } from "../../storage/index.ts";
import type { ClaimRequest, Queue, Ticket } from "./queue.ts";
import { createReadyBell } from "./ready-bell.ts";
import { chooseRuns, claimStatements } from "./ready-runs.ts";

/** Are the options of `databaseQueue`. */
export interface DatabaseQueueOptions {
  readonly clock?: Clock;
  /** Is told of failures that no caller waits for; the next look is tried again. */
  readonly failed?: (error: unknown) => void;
}

/** How often a claim that others were faster than looks again. */
const maxAttempts = 8;

const unmark = "UPDATE run SET owner = NULL WHERE id = ? AND epoch = ? AND status = 'queued' AND owner IS NOT NULL";
const unmarkAll = "UPDATE run SET owner = NULL WHERE owner = ? AND status = 'queued' AND finished_at IS NULL";

/**
 * Makes the queue that lives in the database's own tables: a claim reads the ready runs in their order, by index, and marks those it
 * takes with their owner in one write that counts the limits anew. Between the claim and the run's beginning the mark says who has
 * it: if that one dies, `release` takes the mark away.
 *
 * Order: claims of one process go one after the other; those of several are decided by the database.
 */
export function databaseQueue(database: Database, options: DatabaseQueueOptions = {}): Queue {
  const { clock = systemClock, failed = () => {} } = options;
  const bell = createReadyBell(database, { clock, failed });
  let claiming: Promise<unknown> = Promise.resolve();

  const ring = (tickets: readonly Ticket[]): void => {
    bell.ring(tickets.map((ticket) => ticket.queue));
    database.notify();
  };
  return {
    offer(tickets) {
      for (const { dueAt } of tickets) if (dueAt !== undefined) bell.expect(dueAt);
      ring(tickets.filter(({ dueAt }) => dueAt === undefined));
      return Promise.resolve();
    },
    claim(request) {
      const claimed = claiming.then(() => claimReady(database, request));
      claiming = claimed.catch(() => {});
      return claimed;
    },
    async settle(tickets) {
      try {
        await database.write(tickets.map(({ runId, epoch }) => ({ sql: unmark, params: [runId, epoch] })));
      } finally {
        ring(tickets);
      }
    },
    // A claim reads the runs' rows: those that were cancelled or paused are ready no more.
    withdraw: () => Promise.resolve(),
    async release(owner) {
      await database.write([{ sql: unmarkAll, params: [owner] }]);
      database.notify();
      bell.look();
    },
    onReady: (ready) => bell.listen(ready),
    async [Symbol.asyncDispose]() {
      bell[Symbol.dispose]();
      await claiming;
    },
  };
}

async function claimReady(database: Database, request: ClaimRequest): Promise<readonly Ticket[]> {
  if (request.limit <= 0 || request.workflows.length === 0) return [];
  const claimed: Ticket[] = [];
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const wanted = { ...request, limit: request.limit - claimed.length };
    const chosen = await chooseRuns(database, wanted);
    if (chosen.length === 0) break;
    const { statements, firstMark } = claimStatements(wanted, chosen);
    const results = await database.write(statements);
    const taken = chosen.filter((_, index) => results[firstMark + index]?.changes === 1);
    claimed.push(...taken);
    if (taken.length === chosen.length) break;
  }
  return claimed;
}
