import assert from "node:assert/strict";
import type { ClaimRequest, Queue, Ticket } from "../runs/index.ts";
import type { Database, Statement } from "../storage/index.ts";

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

/** Says what a run of a case is; what is left out is the same for all. */
export interface QueueWish {
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

function ticketOf(wish: QueueWish = {}): Ticket {
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
export async function addRuns(
  { queue, database }: QueueConnection,
  wishes: readonly QueueWish[],
): Promise<readonly Ticket[]> {
  const tickets = wishes.map(ticketOf);
  await database.write(tickets.map(statementOf));
  await queue.offer(tickets);
  return tickets;
}

/** Repeats a wish. */
export function many(count: number, wish: QueueWish = {}): readonly QueueWish[] {
  return Array.from({ length: count }, () => wish);
}

/** Says what a worker without limits takes; a case changes what it is about. */
export function claimRequest(changes: Partial<ClaimRequest> = {}): ClaimRequest {
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

/** Gives the ids of runs, in order. */
export function idsOf(tickets: readonly Ticket[]): readonly string[] {
  return tickets.map((ticket) => ticket.runId);
}

/** Does with claimed runs what the engine does when it begins them. */
export async function beginRuns(
  { database }: QueueConnection,
  tickets: readonly Ticket[],
  owner = "own_tester",
): Promise<void> {
  const sql = "UPDATE run SET status = 'running', owner = ?, epoch = epoch + 1 WHERE id = ? AND status = 'queued'";
  await database.write(tickets.map(({ runId }) => ({ sql, params: [owner, runId], expectRows: 1 })));
}

/** Ends runs as the engine does, and gives their tickets back. */
export async function endRuns({ queue, database }: QueueConnection, tickets: readonly Ticket[]): Promise<void> {
  const sql = "UPDATE run SET status = 'completed', owner = NULL, finished_at = 2 WHERE id = ?";
  await database.write(tickets.map(({ runId }) => ({ sql, params: [runId], expectRows: 1 })));
  await queue.settle(tickets);
}

/** Opens several connections, as several processes would. */
export async function openSome(subject: QueueSubject, count: number): Promise<readonly QueueConnection[]> {
  const connections: QueueConnection[] = [];
  for (let index = 0; index < count; index++) connections.push(await subject.open());
  return connections;
}

/** Gives the first of several connections. */
export function firstOf(connections: readonly QueueConnection[]): QueueConnection {
  const first = connections[0];
  assert(first);
  return first;
}

/** Lets every connection claim, all at once, until none gets anything more. */
export async function claimAll(
  connections: readonly QueueConnection[],
  wish: Partial<ClaimRequest>,
): Promise<Ticket[]> {
  const claimed: Ticket[] = [];
  const loop = async ({ queue }: QueueConnection, index: number): Promise<void> => {
    for (;;) {
      const tickets = await queue.claim(claimRequest({ ...wish, owner: `own_${index}` }));
      if (tickets.length === 0) return;
      claimed.push(...tickets);
    }
  };
  await Promise.all(connections.map(loop));
  return claimed;
}

/** Gives the tenants of tickets, in order. */
export function tenantsOf(tickets: readonly Ticket[]): readonly (string | undefined)[] {
  return tickets.map((ticket) => ticket.tenant);
}

/** Gives the workflows of tickets, in order. */
export function workflowsOf(tickets: readonly Ticket[]): readonly string[] {
  return tickets.map((ticket) => ticket.workflow);
}
