import assert from "node:assert/strict";
import type { ClaimRequest, Ticket } from "../runs/index.ts";
import type { ContractCase } from "./contract.ts";
import { queueLimitCases } from "./queue-limit-cases.ts";
import {
  addRuns,
  beginRuns,
  claimAll,
  claimRequest,
  endRuns,
  firstOf,
  idsOf,
  many,
  openSome,
  workflowsOf,
} from "./queue-scene.ts";
import type { QueueConnection, QueueSubject } from "./queue-scene.ts";

/**
 * Holds what every adapter of the `Queue` port must keep. The cases write the runs' rows themselves, as the engine would: a row
 * first, then the ticket.
 */
export const queueContract: readonly ContractCase<QueueSubject>[] = [
  { name: "what was offered is handed out with all that its ticket says", run: handsOut },
  { name: "an empty queue gives nothing", run: givesNothing },
  { name: "queues do not mix", run: keepsQueuesApart },
  { name: "at most the limit of a claim is handed out", run: keepsClaimLimit },
  { name: "higher priorities go first, then lower turns, then older runs", run: keepsOrder },
  { name: "what comes later with a higher priority overtakes what waits", run: overtakes },
  { name: "a ticket that is offered twice is handed out once", run: offersOnce },
  { name: "a ticket is handed out once while it is not settled", run: handsOutOnce },
  { name: "many claimers at once get each ticket once", run: sharesOut },
  { name: "nothing is lost when many offer while many claim", run: losesNothing },
  { name: "a run is not handed out before its time", run: waitsForTime },
  { name: "a run is rung for and handed out when its time comes", run: ringsInTime },
  { name: "an offer rings on every connection", run: ringsEverywhere },
  { name: "what waited before someone listened is rung for", run: ringsForOld },
  { name: "settling rings, for a limit may have become free", run: ringsWhenSettled },
  { name: "a listener that was taken away is not called any more", run: stopsRinging },
  { name: "only workflows that were asked for are handed out", run: filtersWorkflows },
  { name: "what was withdrawn is not handed out", run: withdraws },
  { name: "what was withdrawn can be offered again", run: offersAgain },
  { name: "what was given back unbegun can be offered again", run: givesBack },
  { name: "a retried run is handed out under its new epoch", run: retries },
  { name: "release frees what a dead owner had claimed and not begun", run: releases },
  { name: "release leaves what others have claimed", run: releasesOnlyTheDead },
  ...queueLimitCases,
];

async function handsOut(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const tickets = await addRuns(one, [{ tenant: "ada", priority: 3, turn: 7 }]);
  assert.deepEqual(await one.queue.claim(claimRequest()), tickets);
}

async function givesNothing(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  assert.deepEqual(await one.queue.claim(claimRequest()), []);
  await addRuns(one, many(2));
  assert.deepEqual(await one.queue.claim(claimRequest({ limit: 0 })), []);
  assert.equal((await one.queue.claim(claimRequest())).length, 2);
}

async function keepsQueuesApart(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const [left, right] = [await addRuns(one, [{ queue: "left" }]), await addRuns(one, [{ queue: "right" }])];
  assert.deepEqual(idsOf(await one.queue.claim(claimRequest({ queue: "right" }))), idsOf(right));
  assert.deepEqual(idsOf(await one.queue.claim(claimRequest({ queue: "left" }))), idsOf(left));
}

async function keepsClaimLimit(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, many(10));
  assert.equal((await one.queue.claim(claimRequest({ limit: 3 }))).length, 3);
  assert.equal((await one.queue.claim(claimRequest({ limit: 30 }))).length, 7);
}

async function keepsOrder(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const tickets = await addRuns(one, [
    { priority: 0, turn: 1 },
    { priority: 0, turn: 1 },
    { priority: -10, turn: 0 },
    { priority: 10, turn: 9 },
    { priority: 10, turn: 8 },
    { priority: 0, turn: 0 },
  ]);
  const expected = [4, 3, 5, 0, 1, 2].map((index) => tickets[index]?.runId);
  const claimed = [...(await one.queue.claim(claimRequest({ limit: 2 }))), ...(await one.queue.claim(claimRequest()))];
  assert.deepEqual(idsOf(claimed), expected);
}

async function overtakes(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(5));
  await one.queue.claim(claimRequest({ limit: 1 }));
  const urgent = await addRuns(other, [{ priority: 1, turn: 1_000_000 }]);
  assert.deepEqual(idsOf(await one.queue.claim(claimRequest({ limit: 1 }))), idsOf(urgent));
}

async function offersOnce(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  const tickets = await addRuns(one, many(3));
  await Promise.all([one.queue.offer(tickets), other.queue.offer(tickets)]);
  assert.equal((await one.queue.claim(claimRequest())).length, 3);
  await other.queue.offer(tickets);
  assert.deepEqual(await other.queue.claim(claimRequest()), []);
}

async function handsOutOnce(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(4));
  const claimed = await one.queue.claim(claimRequest());
  assert.equal(claimed.length, 4);
  assert.deepEqual(await other.queue.claim(claimRequest({ owner: "own_other" })), []);
  await beginRuns(one, claimed);
  assert.deepEqual(await other.queue.claim(claimRequest({ owner: "own_other" })), []);
  await endRuns(one, claimed);
  assert.deepEqual(await other.queue.claim(claimRequest({ owner: "own_other" })), []);
}

function assertEachOnce(claimed: readonly Ticket[], expected: readonly Ticket[]): void {
  assert.equal(new Set(idsOf(claimed)).size, claimed.length, "A ticket was handed out twice.");
  assert.deepEqual(idsOf(claimed).toSorted(), idsOf(expected).toSorted());
}

async function sharesOut(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 3);
  const tickets = await addRuns(firstOf(connections), many(200));
  const claimed = await claimAll([...connections, ...connections], { limit: 7 });
  // A claimer may have given up while others were faster; what is left then is there for the next.
  assertEachOnce([...claimed, ...(await claimAll(connections, { limit: 50 }))], tickets);
}

async function losesNothing(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 2);
  const offering = Promise.all(
    connections.map(async (connection) => {
      const tickets: Ticket[] = [];
      for (let round = 0; round < 10; round++) tickets.push(...(await addRuns(connection, many(5))));
      return tickets;
    }),
  );
  const claimed: Ticket[] = [];
  const state = { isDone: false };
  void offering.catch(() => {}).finally(() => (state.isDone = true));
  while (!state.isDone) claimed.push(...(await claimAll(connections, { limit: 8 })));
  claimed.push(...(await claimAll(connections, { limit: 8 })));
  assertEachOnce(claimed, (await offering).flat());
}

async function waitsForTime(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, [{ dueAt: Date.now() + 3_600_000, priority: 10 }, {}]);
  const claimed = await one.queue.claim(claimRequest());
  assert.equal(claimed.length, 1);
  assert.equal(claimed[0]?.dueAt, undefined);
  assert.deepEqual(await one.queue.claim(claimRequest()), []);
}

async function ringsInTime(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  const bell = listen(other, "work");
  const at = Date.now() + 400;
  const tickets = await addRuns(one, [{ dueAt: at }]);
  assert.deepEqual(idsOf(await claimWhenRung(other, bell)), idsOf(tickets));
  assert(Date.now() >= at, "It was handed out before its time.");
  bell.stop();
}

/** Claims whenever the bell rings, until something is there. */
async function claimWhenRung(
  { queue }: QueueConnection,
  bell: ReturnType<typeof listen>,
  wish: Partial<ClaimRequest> = {},
): Promise<readonly Ticket[]> {
  for (;;) {
    await bell.rung();
    const claimed = await queue.claim(claimRequest(wish));
    if (claimed.length > 0) return claimed;
  }
}

/** Listens to one queue. `rung` waits for the next ring; one that came since the last wait counts. */
function listen({ queue }: QueueConnection, name: string) {
  const heard = { rings: 0, seen: 0, wake: () => {} };
  const subscription = queue.onReady((ready) => {
    if (ready !== name) return;
    heard.rings++;
    heard.wake();
  });
  return {
    get rings() {
      return heard.rings;
    },
    async rung(): Promise<void> {
      while (heard.rings === heard.seen) await new Promise<void>((resolve) => (heard.wake = resolve));
      heard.seen = heard.rings;
    },
    stop: () => subscription[Symbol.dispose](),
  };
}

async function ringsEverywhere(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 3);
  const bells = connections.map((connection) => listen(connection, "work"));
  await addRuns(firstOf(connections), many(1));
  await Promise.all(bells.map((bell) => bell.rung()));
  for (const bell of bells) bell.stop();
}

async function ringsForOld(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, many(1));
  const bell = listen(await subject.open(), "work");
  await bell.rung();
  bell.stop();
}

async function ringsWhenSettled(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(2));
  const limited = claimRequest({ concurrency: 1 });
  const claimed = await one.queue.claim(limited);
  await beginRuns(one, claimed);
  const bell = listen(other, "work");
  assert.deepEqual(await other.queue.claim(limited), []);
  await endRuns(one, claimed);
  assert.equal((await claimWhenRung(other, bell, limited)).length, 1);
  bell.stop();
}

async function stopsRinging(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const gone = listen(one, "work");
  const stays = listen(one, "work");
  gone.stop();
  const before = gone.rings;
  await addRuns(one, many(1));
  await stays.rung();
  assert.equal(gone.rings, before);
  stays.stop();
}

async function filtersWorkflows(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await addRuns(one, [...many(50, { workflow: "unknown" }), ...many(2, { workflow: "known" }), ...many(1)]);
  assert.deepEqual(workflowsOf(await one.queue.claim(claimRequest({ workflows: ["known"] }))), ["known", "known"]);
  assert.deepEqual(workflowsOf(await one.queue.claim(claimRequest({ workflows: ["flow", "other"] }))), ["flow"]);
  assert.deepEqual(await one.queue.claim(claimRequest({ workflows: [] })), []);
}

async function setPaused({ database }: QueueConnection, tickets: readonly Ticket[], paused: 0 | 1): Promise<void> {
  const sql = "UPDATE run SET paused = ? WHERE id = ?";
  await database.write(tickets.map(({ runId }) => ({ sql, params: [paused, runId], expectRows: 1 })));
}

async function withdraws(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  const [paused, stays] = [await addRuns(one, many(2)), await addRuns(one, many(1))];
  await setPaused(one, paused, 1);
  await one.queue.withdraw(paused);
  assert.deepEqual(idsOf(await other.queue.claim(claimRequest())), idsOf(stays));
}

async function offersAgain(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const tickets = await addRuns(one, many(2));
  await setPaused(one, tickets, 1);
  await one.queue.withdraw(tickets);
  assert.deepEqual(await one.queue.claim(claimRequest()), []);
  await setPaused(one, tickets, 0);
  await one.queue.offer(tickets);
  assert.deepEqual(idsOf(await one.queue.claim(claimRequest())), idsOf(tickets));
}

async function givesBack(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(2));
  const claimed = await one.queue.claim(claimRequest({ concurrency: 2 }));
  await one.queue.settle(claimed);
  await one.queue.offer(claimed);
  assert.deepEqual(idsOf(await other.queue.claim(claimRequest({ concurrency: 2 }))), idsOf(claimed));
}

async function retries(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const claimed = await one.queue.claim(claimRequest());
  assert.deepEqual(claimed, []);
  const tickets = await addRuns(one, many(1));
  assert.equal((await one.queue.claim(claimRequest())).length, 1);
  await beginRuns(one, tickets);
  await one.database.write([
    { sql: "UPDATE run SET status = 'queued', owner = NULL, attempt = 2 WHERE status = 'running'" },
  ]);
  await one.queue.settle(tickets);
  const next = tickets.map((ticket) => ({ ...ticket, epoch: 1 }));
  await one.queue.offer(next);
  assert.deepEqual(await one.queue.claim(claimRequest()), next);
}

async function releases(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(3));
  const limited = { concurrency: 3 };
  const lost = await one.queue.claim(claimRequest({ ...limited, owner: "own_dead" }));
  assert.equal(lost.length, 3);
  assert.deepEqual(await other.queue.claim(claimRequest({ ...limited, owner: "own_other" })), []);
  await other.queue.release("own_dead");
  // Adapters that keep tickets of their own may need them anew: runs that wait without one are offered again.
  await other.queue.offer(lost);
  assert.deepEqual(idsOf(await other.queue.claim(claimRequest({ ...limited, owner: "own_other" }))), idsOf(lost));
}

async function releasesOnlyTheDead(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await addRuns(one, many(2));
  await one.queue.claim(claimRequest({ owner: "own_alive" }));
  await other.queue.release("own_dead");
  assert.deepEqual(await other.queue.claim(claimRequest({ owner: "own_other" })), []);
}
