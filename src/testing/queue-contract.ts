import assert from "node:assert/strict";
import type { ClaimRequest, Queue, Ticket } from "../runs/index.ts";
import type { Database, Statement } from "../storage/index.ts";
import type { ContractCase } from "./contract.ts";

/** Is one connection to the store: a queue as one process has it, and the database that holds the runs' rows. */
export interface QueueConnection {
  readonly queue: Queue;
  readonly database: Database;
}

/**
 * Is one empty store with the tables of the run engine. Each `open` connects to it anew, as another process would; the subject's end
 * closes what was opened.
 */
export interface QueueSubject {
  open(): Promise<QueueConnection>;
}

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
  { name: "the limit of a queue holds over several claimers", run: limitsQueue },
  { name: "the limit of a tenant holds over several claimers", run: limitsTenant },
  { name: "a tenant that is named has a limit of its own", run: limitsNamedTenant },
  { name: "runs of no tenant are not limited by tenant", run: limitsNoTenant },
  { name: "the limit of a workflow holds over several claimers and queues", run: limitsWorkflow },
  { name: "the backlog of a tenant that may run no more hides nobody", run: passesBy },
  { name: "limits are exact while many claim at once", run: limitsExactly },
  { name: "what ended and was settled frees the limits", run: freesLimits },
  { name: "what waits and was settled frees the limits", run: freesWaiting },
  { name: "only workflows that were asked for are handed out", run: filtersWorkflows },
  { name: "what was withdrawn is not handed out", run: withdraws },
  { name: "what was withdrawn can be offered again", run: offersAgain },
  { name: "what was given back unbegun can be offered again", run: givesBack },
  { name: "a retried run is handed out under its new epoch", run: retries },
  { name: "release frees what a dead owner had claimed and not begun", run: releases },
  { name: "release leaves what others have claimed", run: releasesOnlyTheDead },
];

interface Wish {
  readonly queue?: string;
  readonly workflow?: string;
  readonly tenant?: string;
  readonly priority?: number;
  readonly turn?: number;
  readonly dueAt?: number;
}

const insertRun = `INSERT INTO run(id, workflow, status, tags, epoch, checkpoint_seq, input, tenant, queue, priority, turn, due_at,
  created_at, updated_at) VALUES(?, ?, 'queued', '{}', 0, 0, 'null', ?, ?, ?, ?, ?, 1, 1)`;

function statementOf(ticket: Ticket): Statement {
  const { runId, workflow, tenant, queue, priority, turn, dueAt } = ticket;
  return { sql: insertRun, params: [runId, workflow, tenant ?? null, queue, priority, turn, dueAt ?? null] };
}

let made = 0;

function ticketOf(wish: Wish = {}): Ticket {
  const { queue = "work", workflow = "flow", tenant, priority = 0, dueAt } = wish;
  const number = ++made;
  const { turn = number } = wish;
  return {
    runId: `run_${number.toString().padStart(9, "0")}`,
    epoch: 0,
    queue,
    workflow,
    tenant,
    priority,
    turn,
    dueAt,
  };
}

/** Writes the rows of runs and offers their tickets. */
async function add({ queue, database }: QueueConnection, wishes: readonly Wish[]): Promise<readonly Ticket[]> {
  const tickets = wishes.map(ticketOf);
  await database.write(tickets.map(statementOf));
  await queue.offer(tickets);
  return tickets;
}

function many(count: number, wish: Wish = {}): readonly Wish[] {
  return Array.from({ length: count }, () => wish);
}

function request(changes: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    queue: "work",
    limit: 10,
    owner: "own_tester",
    workflows: ["flow"],
    concurrency: Infinity,
    perTenant: Infinity,
    tenants: {},
    perWorkflow: {},
    ...changes,
  };
}

function idsOf(tickets: readonly Ticket[]): readonly string[] {
  return tickets.map((ticket) => ticket.runId);
}

/** Does with claimed runs what the engine does when it begins them. */
async function begin({ database }: QueueConnection, tickets: readonly Ticket[], owner = "own_tester"): Promise<void> {
  const sql = "UPDATE run SET status = 'running', owner = ?, epoch = epoch + 1 WHERE id = ? AND status = 'queued'";
  await database.write(tickets.map(({ runId }) => ({ sql, params: [owner, runId], expectRows: 1 })));
}

async function end({ queue, database }: QueueConnection, tickets: readonly Ticket[]): Promise<void> {
  const sql = "UPDATE run SET status = 'completed', owner = NULL, finished_at = 2 WHERE id = ?";
  await database.write(tickets.map(({ runId }) => ({ sql, params: [runId], expectRows: 1 })));
  await queue.settle(tickets);
}

async function handsOut(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const tickets = await add(one, [{ tenant: "ada", priority: 3, turn: 7 }]);
  assert.deepEqual(await one.queue.claim(request()), tickets);
}

async function givesNothing(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  assert.deepEqual(await one.queue.claim(request()), []);
  await add(one, many(2));
  assert.deepEqual(await one.queue.claim(request({ limit: 0 })), []);
  assert.equal((await one.queue.claim(request())).length, 2);
}

async function keepsQueuesApart(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const [left, right] = [await add(one, [{ queue: "left" }]), await add(one, [{ queue: "right" }])];
  assert.deepEqual(idsOf(await one.queue.claim(request({ queue: "right" }))), idsOf(right));
  assert.deepEqual(idsOf(await one.queue.claim(request({ queue: "left" }))), idsOf(left));
}

async function keepsClaimLimit(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, many(10));
  assert.equal((await one.queue.claim(request({ limit: 3 }))).length, 3);
  assert.equal((await one.queue.claim(request({ limit: 30 }))).length, 7);
}

async function keepsOrder(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const tickets = await add(one, [
    { priority: 0, turn: 1 },
    { priority: 0, turn: 1 },
    { priority: -10, turn: 0 },
    { priority: 10, turn: 9 },
    { priority: 10, turn: 8 },
    { priority: 0, turn: 0 },
  ]);
  const expected = [4, 3, 5, 0, 1, 2].map((index) => tickets[index]?.runId);
  const claimed = [...(await one.queue.claim(request({ limit: 2 }))), ...(await one.queue.claim(request()))];
  assert.deepEqual(idsOf(claimed), expected);
}

async function overtakes(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(5));
  await one.queue.claim(request({ limit: 1 }));
  const urgent = await add(other, [{ priority: 1, turn: 1_000_000 }]);
  assert.deepEqual(idsOf(await one.queue.claim(request({ limit: 1 }))), idsOf(urgent));
}

async function offersOnce(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  const tickets = await add(one, many(3));
  await Promise.all([one.queue.offer(tickets), other.queue.offer(tickets)]);
  assert.equal((await one.queue.claim(request())).length, 3);
  await other.queue.offer(tickets);
  assert.deepEqual(await other.queue.claim(request()), []);
}

async function handsOutOnce(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(4));
  const claimed = await one.queue.claim(request());
  assert.equal(claimed.length, 4);
  assert.deepEqual(await other.queue.claim(request({ owner: "own_other" })), []);
  await begin(one, claimed);
  assert.deepEqual(await other.queue.claim(request({ owner: "own_other" })), []);
  await end(one, claimed);
  assert.deepEqual(await other.queue.claim(request({ owner: "own_other" })), []);
}

async function openSome(subject: QueueSubject, count: number): Promise<readonly QueueConnection[]> {
  const connections: QueueConnection[] = [];
  for (let index = 0; index < count; index++) connections.push(await subject.open());
  return connections;
}

/** Lets every connection claim, all at once, until none gets anything more. */
async function claimAll(connections: readonly QueueConnection[], wish: Partial<ClaimRequest>): Promise<Ticket[]> {
  const claimed: Ticket[] = [];
  const loop = async ({ queue }: QueueConnection, index: number): Promise<void> => {
    for (;;) {
      const tickets = await queue.claim(request({ ...wish, owner: `own_${index}` }));
      if (tickets.length === 0) return;
      claimed.push(...tickets);
    }
  };
  await Promise.all(connections.map(loop));
  return claimed;
}

function assertEachOnce(claimed: readonly Ticket[], expected: readonly Ticket[]): void {
  assert.equal(new Set(idsOf(claimed)).size, claimed.length, "A ticket was handed out twice.");
  assert.deepEqual(idsOf(claimed).toSorted(), idsOf(expected).toSorted());
}

async function sharesOut(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 3);
  const tickets = await add(firstOf(connections), many(200));
  const claimed = await claimAll([...connections, ...connections], { limit: 7 });
  // A claimer may have given up while others were faster; what is left then is there for the next.
  assertEachOnce([...claimed, ...(await claimAll(connections, { limit: 50 }))], tickets);
}

function firstOf(connections: readonly QueueConnection[]): QueueConnection {
  const first = connections[0];
  assert(first);
  return first;
}

async function losesNothing(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 2);
  const offering = Promise.all(
    connections.map(async (connection) => {
      const tickets: Ticket[] = [];
      for (let round = 0; round < 10; round++) tickets.push(...(await add(connection, many(5))));
      return tickets;
    }),
  );
  const claimed: Ticket[] = [];
  let offered: readonly Ticket[] | undefined;
  void offering.then((tickets) => (offered = tickets.flat())).catch(() => {});
  while (offered === undefined) claimed.push(...(await claimAll(connections, { limit: 8 })));
  claimed.push(...(await claimAll(connections, { limit: 8 })));
  assertEachOnce(claimed, (await offering).flat());
}

async function waitsForTime(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, [{ dueAt: Date.now() + 3_600_000, priority: 10 }, {}]);
  const claimed = await one.queue.claim(request());
  assert.equal(claimed.length, 1);
  assert.equal(claimed[0]?.dueAt, undefined);
  assert.deepEqual(await one.queue.claim(request()), []);
}

async function ringsInTime(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  const bell = listen(other, "work");
  const at = Date.now() + 400;
  const tickets = await add(one, [{ dueAt: at }]);
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
    const claimed = await queue.claim(request(wish));
    if (claimed.length > 0) return claimed;
  }
}

/** Listens to one queue. `rung` waits for the next ring; one that came since the last wait counts. */
function listen({ queue }: QueueConnection, name: string) {
  let rings = 0;
  let seen = 0;
  let wake: (() => void) | undefined;
  const subscription = queue.onReady((ready) => {
    if (ready !== name) return;
    rings++;
    wake?.();
  });
  return {
    get rings() {
      return rings;
    },
    async rung(): Promise<void> {
      while (rings === seen) await new Promise<void>((resolve) => (wake = resolve));
      seen = rings;
    },
    stop: () => subscription[Symbol.dispose](),
  };
}

async function ringsEverywhere(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 3);
  const bells = connections.map((connection) => listen(connection, "work"));
  await add(firstOf(connections), many(1));
  await Promise.all(bells.map((bell) => bell.rung()));
  for (const bell of bells) bell.stop();
}

async function ringsForOld(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, many(1));
  const bell = listen(await subject.open(), "work");
  await bell.rung();
  bell.stop();
}

async function ringsWhenSettled(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(2));
  const limited = request({ concurrency: 1 });
  const claimed = await one.queue.claim(limited);
  await begin(one, claimed);
  const bell = listen(other, "work");
  assert.deepEqual(await other.queue.claim(limited), []);
  await end(one, claimed);
  assert.equal((await claimWhenRung(other, bell, limited)).length, 1);
  bell.stop();
}

async function stopsRinging(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const gone = listen(one, "work");
  const stays = listen(one, "work");
  gone.stop();
  const before = gone.rings;
  await add(one, many(1));
  await stays.rung();
  assert.equal(gone.rings, before);
  stays.stop();
}

async function limitsQueue(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(10));
  const first = await one.queue.claim(request({ concurrency: 3, limit: 2 }));
  assert.equal(first.length, 2);
  await begin(one, first);
  assert.equal((await other.queue.claim(request({ concurrency: 3 }))).length, 1);
  assert.deepEqual(await one.queue.claim(request({ concurrency: 3 })), []);
  assert.equal((await one.queue.claim(request({ concurrency: 4 }))).length, 1);
}

async function limitsTenant(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, [...many(4, { tenant: "ada" }), ...many(4, { tenant: "bob" })]);
  const first = await one.queue.claim(request({ perTenant: 2, limit: 3 }));
  assert.deepEqual(tenantsOf(first), ["ada", "ada", "bob"]);
  await begin(one, first);
  assert.deepEqual(tenantsOf(await other.queue.claim(request({ perTenant: 2 }))), ["bob"]);
  assert.deepEqual(await other.queue.claim(request({ perTenant: 2 })), []);
}

function tenantsOf(tickets: readonly Ticket[]): readonly (string | undefined)[] {
  return tickets.map((ticket) => ticket.tenant);
}

async function limitsNamedTenant(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, [...many(4, { tenant: "ada" }), ...many(4, { tenant: "bob" }), ...many(4, { tenant: "eve" })]);
  const claimed = await one.queue.claim(request({ limit: 20, perTenant: 1, tenants: { ada: 3, eve: 0 } }));
  assert.deepEqual(tenantsOf(claimed).toSorted(), ["ada", "ada", "ada", "bob"]);
}

async function limitsNoTenant(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, [...many(5), ...many(3, { tenant: "ada" })]);
  assert.equal((await one.queue.claim(request({ limit: 20, perTenant: 1 }))).length, 6);
}

async function limitsWorkflow(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, [
    ...many(3, { workflow: "slow" }),
    ...many(2, { workflow: "fast" }),
    ...many(3, { workflow: "slow", queue: "more" }),
  ]);
  const both = { workflows: ["slow", "fast"], perWorkflow: { slow: 2 } };
  const first = await one.queue.claim(request({ ...both, limit: 1 }));
  assert.deepEqual(workflowsOf(first), ["slow"]);
  await begin(one, first);
  assert.deepEqual(workflowsOf(await other.queue.claim(request(both))).toSorted(), ["fast", "fast", "slow"]);
  assert.deepEqual(await other.queue.claim(request({ ...both, queue: "more" })), []);
  await end(one, first);
  assert.deepEqual(workflowsOf(await other.queue.claim(request({ ...both, queue: "more" }))), ["slow"]);
}

function workflowsOf(tickets: readonly Ticket[]): readonly string[] {
  return tickets.map((ticket) => ticket.workflow);
}

async function passesBy(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, many(400, { tenant: "ada" }));
  await add(one, [...many(2, { tenant: "bob" }), ...many(2)]);
  const limited = request({ perTenant: 1, limit: 4 });
  assert.deepEqual(tenantsOf(await one.queue.claim(limited)), ["ada", "bob", undefined, undefined]);
  assert.deepEqual(await one.queue.claim(limited), []);
}

async function limitsExactly(subject: QueueSubject): Promise<void> {
  const connections = await openSome(subject, 3);
  const tenants = ["ada", "bob", "eve"];
  await add(
    firstOf(connections),
    tenants.flatMap((tenant) => many(20, { tenant })),
  );
  const claimed = await claimAll([...connections, ...connections], { limit: 5, concurrency: 10, perTenant: 4 });
  claimed.push(...(await claimAll(connections, { limit: 5, concurrency: 10, perTenant: 4 })));
  assert.equal(claimed.length, 10);
  for (const tenant of tenants) {
    assert(claimed.filter((ticket) => ticket.tenant === tenant).length <= 4, `${tenant} got more than its limit.`);
  }
}

async function freesLimits(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, many(6, { tenant: "ada" }));
  const limited = request({ concurrency: 4, perTenant: 2, perWorkflow: { flow: 3 } });
  for (let round = 0; round < 3; round++) {
    const claimed = await one.queue.claim(limited);
    assert.equal(claimed.length, 2);
    await begin(one, claimed);
    await end(one, claimed);
  }
}

async function freesWaiting(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, many(2));
  const limited = request({ concurrency: 1 });
  const claimed = await one.queue.claim(limited);
  await begin(one, claimed);
  await one.database.write([{ sql: "UPDATE run SET status = 'waiting' WHERE status = 'running'" }]);
  await one.queue.settle(claimed);
  assert.equal((await one.queue.claim(limited)).length, 1);
}

async function filtersWorkflows(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  await add(one, [...many(50, { workflow: "unknown" }), ...many(2, { workflow: "known" }), ...many(1)]);
  assert.deepEqual(workflowsOf(await one.queue.claim(request({ workflows: ["known"] }))), ["known", "known"]);
  assert.deepEqual(workflowsOf(await one.queue.claim(request({ workflows: ["flow", "other"] }))), ["flow"]);
  assert.deepEqual(await one.queue.claim(request({ workflows: [] })), []);
}

async function setPaused({ database }: QueueConnection, tickets: readonly Ticket[], paused: 0 | 1): Promise<void> {
  const sql = "UPDATE run SET paused = ? WHERE id = ?";
  await database.write(tickets.map(({ runId }) => ({ sql, params: [paused, runId], expectRows: 1 })));
}

async function withdraws(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  const [paused, stays] = [await add(one, many(2)), await add(one, many(1))];
  await setPaused(one, paused, 1);
  await one.queue.withdraw(paused);
  assert.deepEqual(idsOf(await other.queue.claim(request())), idsOf(stays));
}

async function offersAgain(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const tickets = await add(one, many(2));
  await setPaused(one, tickets, 1);
  await one.queue.withdraw(tickets);
  assert.deepEqual(await one.queue.claim(request()), []);
  await setPaused(one, tickets, 0);
  await one.queue.offer(tickets);
  assert.deepEqual(idsOf(await one.queue.claim(request())), idsOf(tickets));
}

async function givesBack(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(2));
  const claimed = await one.queue.claim(request({ concurrency: 2 }));
  await one.queue.settle(claimed);
  await one.queue.offer(claimed);
  assert.deepEqual(idsOf(await other.queue.claim(request({ concurrency: 2 }))), idsOf(claimed));
}

async function retries(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const claimed = await one.queue.claim(request());
  assert.deepEqual(claimed, []);
  const tickets = await add(one, many(1));
  assert.equal((await one.queue.claim(request())).length, 1);
  await begin(one, tickets);
  await one.database.write([
    { sql: "UPDATE run SET status = 'queued', owner = NULL, attempt = 2 WHERE status = 'running'" },
  ]);
  await one.queue.settle(tickets);
  const next = tickets.map((ticket) => ({ ...ticket, epoch: 1 }));
  await one.queue.offer(next);
  assert.deepEqual(await one.queue.claim(request()), next);
}

async function releases(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(3));
  const limited = { concurrency: 3 };
  const lost = await one.queue.claim(request({ ...limited, owner: "own_dead" }));
  assert.equal(lost.length, 3);
  assert.deepEqual(await other.queue.claim(request({ ...limited, owner: "own_other" })), []);
  await other.queue.release("own_dead");
  // Adapters that keep tickets of their own may need them anew: runs that wait without one are offered again.
  await other.queue.offer(lost);
  assert.deepEqual(idsOf(await other.queue.claim(request({ ...limited, owner: "own_other" }))), idsOf(lost));
}

async function releasesOnlyTheDead(subject: QueueSubject): Promise<void> {
  const one = await subject.open();
  const other = await subject.open();
  await add(one, many(2));
  await one.queue.claim(request({ owner: "own_alive" }));
  await other.queue.release("own_dead");
  assert.deepEqual(await other.queue.claim(request({ owner: "own_other" })), []);
}
