import type { Clock } from "../../base/index.ts";
import { systemClock } from "../../base/index.ts";
import type { Database } from "../../storage/index.ts";
import type { DueRuns } from "./due-runs.ts";
import { watchDueRuns } from "./due-runs.ts";
import type { ClaimRequest, Queue, Ticket } from "./queue.ts";
import { chooseRuns, claimStatements, queuesThatAreReady } from "./ready-runs.ts";

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
  const listeners = new Set<(queue: string) => void>();
  let watch: { readonly due: DueRuns; readonly hints: Disposable } | undefined;
  let claiming: Promise<unknown> = Promise.resolve();

  const ring = (queue: string): void => {
    for (const listener of listeners) listener(queue);
  };
  const ringAll = (tickets: readonly Ticket[]): void => {
    for (const queue of new Set(tickets.map((ticket) => ticket.queue))) ring(queue);
    database.notify();
  };
  const look = createLook(async () => {
    for (const queue of await queuesThatAreReady(database)) ring(queue);
    await watch?.due.look();
  }, failed);
  const startWatch = () => ({
    due: watchDueRuns(database, clock, { ready: ring, failed }),
    hints: database.listen(look),
  });
  const stopWatch = (): void => {
    watch?.due[Symbol.dispose]();
    watch?.hints[Symbol.dispose]();
    watch = undefined;
  };

  return {
    offer(tickets) {
      for (const { dueAt } of tickets) if (dueAt !== undefined) watch?.due.expect(dueAt);
      ringAll(tickets.filter(({ dueAt }) => dueAt === undefined));
      return Promise.resolve();
    },
    claim(request) {
      const claimed = claiming.then(() => claimReady(database, request));
      claiming = claimed.catch(() => {});
      return claimed;
    },
    async settle(tickets) {
      await database.write(tickets.map(({ runId, epoch }) => ({ sql: unmark, params: [runId, epoch] })));
      ringAll(tickets);
    },
    // A claim reads the runs' rows: those that were cancelled or paused are ready no more.
    withdraw: () => Promise.resolve(),
    async release(owner) {
      await database.write([{ sql: unmarkAll, params: [owner] }]);
      database.notify();
      look();
    },
    onReady(ready) {
      listeners.add(ready);
      watch ??= startWatch();
      look();
      return {
        [Symbol.dispose]() {
          listeners.delete(ready);
          if (listeners.size === 0) stopWatch();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      listeners.clear();
      stopWatch();
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

/** Makes a look that is taken once at a time: what is asked for meanwhile is looked at once more afterwards. */
function createLook(work: () => Promise<void>, failed: (error: unknown) => void): () => void {
  let busy = false;
  let again = false;
  const run = async (): Promise<void> => {
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      busy = false;
    }
  };
  return () => {
    again = true;
    if (busy) return;
    busy = true;
    run().catch(failed);
  };
}
