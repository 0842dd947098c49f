import type { Database, Row, Statement } from "../../storage/index.ts";
import type { ClaimRequest, Ticket } from "./queue.ts";
import { servedStatements } from "./turns.ts";

// The words of the partial indexes run_ready, run_lane and run_active: a query that says them is answered from these.
const ready = "status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL";
const active = "queue IS NOT NULL AND owner IS NOT NULL AND finished_at IS NULL AND status <> 'waiting'";
/** Says the same of a run that is named by its id, in words that lure no planner away from the primary key. */
const readyById = `status = 'queued' AND paused = 0 AND coalesce(due_at, 0) = 0 AND coalesce(owner, '') = ''
    AND coalesce(finished_at, 0) = 0`;
const columns = "id, epoch, queue, workflow, tenant, priority, turn";

const readyRuns = `SELECT ${columns} FROM run WHERE queue = ? AND ${ready} ORDER BY priority DESC, turn, id LIMIT ?`;

const activeRuns = `SELECT queue, tenant, workflow, count(*) AS runs FROM run WHERE ${active} GROUP BY queue, tenant, workflow`;

/** A lane is what waits of one tenant and one workflow. The walk goes from lane to lane by index, however long each of them is. */
const lanes = `WITH RECURSIVE lane(tenant, workflow) AS (
    SELECT coalesce(tenant, ''), workflow FROM run WHERE id = (
      SELECT id FROM run WHERE queue = ?1 AND ${ready} ORDER BY coalesce(tenant, ''), workflow LIMIT 1)
    UNION ALL
    SELECT coalesce(next.tenant, ''), next.workflow FROM lane JOIN run next ON next.id = coalesce(
      (SELECT id FROM run WHERE queue = ?1 AND ${ready} AND coalesce(tenant, '') = lane.tenant AND workflow > lane.workflow
        ORDER BY workflow LIMIT 1),
      (SELECT id FROM run WHERE queue = ?1 AND ${ready} AND coalesce(tenant, '') > lane.tenant
        ORDER BY coalesce(tenant, ''), workflow LIMIT 1)))
  SELECT tenant, workflow FROM lane`;

const laneRuns = `SELECT ${columns} FROM run WHERE queue = ? AND coalesce(tenant, '') = ? AND workflow = ? AND ${ready}
  ORDER BY priority DESC, turn, id LIMIT ?`;

const queuesWithReady = `WITH RECURSIVE found(name) AS (
    SELECT min(queue) FROM run WHERE ${ready}
    UNION ALL
    SELECT (SELECT min(queue) FROM run WHERE ${ready} AND queue > found.name) FROM found WHERE found.name IS NOT NULL)
  SELECT name FROM found WHERE name IS NOT NULL`;

/** Names the queues in which runs are ready. Cost: one look for each, whatever their lengths. */
export async function queuesThatAreReady(database: Database): Promise<readonly string[]> {
  return (await database.read({ sql: queuesWithReady })).map((row) => String(row["name"]));
}

/** Chooses the runs that a claim may take, in order, by what runs now. What others claim meanwhile is not seen: `claimStatements` decides. */
export async function chooseRuns(database: Database, request: ClaimRequest): Promise<readonly Ticket[]> {
  const room = new Room(request, hasLimits(request) ? await database.read({ sql: activeRuns }) : []);
  const size = request.limit + pageSlack;
  const page = (await database.read({ sql: readyRuns, params: [request.queue, size] })).map(toTicket);
  const chosen = page.filter((ticket) => room.take(ticket));
  if (chosen.length === request.limit || page.length < size || room.isFull) return chosen;
  // The first of the queue are all of tenants or workflows that may run no more: those of others are looked for by lane.
  return [...chosen, ...(await chooseFromLanes(database, request, room))];
}

/** What is read beyond the limit, so that a few runs that may not be taken don't cost a second look. */
const pageSlack = 32;

async function chooseFromLanes(database: Database, request: ClaimRequest, room: Room): Promise<readonly Ticket[]> {
  const found = (await database.read({ sql: lanes, params: [request.queue] }))
    .map((row) => ({ tenant: String(row["tenant"]), workflow: String(row["workflow"]) }))
    .filter((lane) => room.fits(lane));
  const more = await Promise.all(
    found.map(async ({ tenant, workflow }) => {
      const params = [request.queue, tenant, workflow, request.limit];
      return (await database.read({ sql: laneRuns, params })).map(toTicket);
    }),
  );
  return more
    .flat()
    .toSorted(compareTickets)
    .filter((ticket) => room.take(ticket));
}

function compareTickets(a: Ticket, b: Ticket): number {
  return b.priority - a.priority || a.turn - b.turn || (a.runId < b.runId ? -1 : 1);
}

function hasLimits({ concurrency, perTenant, tenants, perWorkflow }: ClaimRequest): boolean {
  const limits = [concurrency, perTenant, ...Object.values(tenants), ...Object.values(perWorkflow)];
  return limits.some((limit) => Number.isFinite(limit));
}

/** Gives how many runs of a tenant may run at once; runs of no tenant are not limited by tenant. */
function limitOf(request: ClaimRequest, tenant: string | undefined): number {
  if (tenant === undefined || tenant === "") return Infinity;
  return Object.hasOwn(request.tenants, tenant) ? (request.tenants[tenant] ?? Infinity) : request.perTenant;
}

function workflowLimitOf(request: ClaimRequest, workflow: string): number {
  return Object.hasOwn(request.perWorkflow, workflow) ? (request.perWorkflow[workflow] ?? Infinity) : Infinity;
}

/** Counts what the limits of a request leave. */
class Room {
  readonly #request: ClaimRequest;
  readonly #workflows: ReadonlySet<string>;
  readonly #ofTenant = new Map<string, number>();
  readonly #ofWorkflow = new Map<string, number>();
  readonly #taken = new Set<string>();
  #left: number;

  constructor(request: ClaimRequest, running: readonly Row[]) {
    this.#request = request;
    this.#workflows = new Set(request.workflows);
    let inQueue = 0;
    for (const row of running) {
      const count = Number(row["runs"]);
      add(this.#ofWorkflow, String(row["workflow"]), count);
      if (row["queue"] !== request.queue) continue;
      inQueue += count;
      if (row["tenant"] !== null) add(this.#ofTenant, String(row["tenant"]), count);
    }
    this.#left = Math.min(request.limit, request.concurrency - inQueue);
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  fits({ tenant, workflow }: { readonly tenant: string | undefined; readonly workflow: string }): boolean {
    return (
      this.#workflows.has(workflow) &&
      (this.#ofTenant.get(tenant ?? "") ?? 0) < limitOf(this.#request, tenant) &&
      (this.#ofWorkflow.get(workflow) ?? 0) < workflowLimitOf(this.#request, workflow)
    );
  }

  /** Counts a run in, if there is room for it and it is not in already. */
  take(ticket: Ticket): boolean {
    if (this.isFull || this.#taken.has(ticket.runId) || !this.fits(ticket)) return false;
    this.#taken.add(ticket.runId);
    this.#left--;
    if (ticket.tenant !== undefined) add(this.#ofTenant, ticket.tenant, 1);
    add(this.#ofWorkflow, ticket.workflow, 1);
    return true;
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

/** Makes the claims of one queue go one after the other on a database that carries out several writes at once. */
const lockQueue =
  "INSERT INTO run_queue(name, claims) VALUES(?, 1) ON CONFLICT(name) DO UPDATE SET claims = run_queue.claims + 1";
/** A workflow's runs may stand in several queues; the row of no queue stands for all of them. */
const lockAll =
  "INSERT INTO run_served(queue, priority, turn) VALUES('', 0, 1) ON CONFLICT(queue, priority) DO UPDATE SET turn = run_served.turn + 1";

/** Is a claim as it is written: `marks` are the places of the statements that tell by their changes who was claimed. */
export interface ClaimWrite {
  readonly statements: readonly Statement[];
  readonly firstMark: number;
}

/**
 * Makes the write that claims the chosen runs: each statement counts anew what runs and takes its run only if the limits leave room,
 * so limits hold exactly whatever other processes claim meanwhile.
 */
export function claimStatements(request: ClaimRequest, chosen: readonly Ticket[]): ClaimWrite {
  const limitsWorkflows = chosen.some((ticket) => Number.isFinite(workflowLimitOf(request, ticket.workflow)));
  const locks: Statement[] = [
    ...(limitsWorkflows ? [{ sql: lockAll }] : []),
    { sql: lockQueue, params: [request.queue] },
  ];
  const marks = chosen.map((ticket) => markOf(request, ticket));
  const served = servedStatements(request.queue, chosen);
  return { statements: [...locks, ...marks, ...served], firstMark: locks.length };
}

function markOf(request: ClaimRequest, { runId, epoch, tenant, workflow }: Ticket): Statement {
  const { queue, owner, concurrency } = request;
  const params: (string | number)[] = [owner, runId, epoch, queue];
  let sql = `UPDATE run SET owner = ? WHERE id = ? AND epoch = ? AND ${readyById}
    AND NOT EXISTS (SELECT 1 FROM run_queue WHERE name = ? AND paused = 1)`;
  if (Number.isFinite(concurrency)) {
    sql += ` AND (SELECT count(*) FROM run WHERE queue = ? AND ${active}) < ?`;
    params.push(queue, concurrency);
  }
  const ofTenant = limitOf(request, tenant);
  if (tenant !== undefined && Number.isFinite(ofTenant)) {
    sql += ` AND (SELECT count(*) FROM run WHERE queue = ? AND tenant = ? AND ${active}) < ?`;
    params.push(queue, tenant, ofTenant);
  }
  const ofWorkflow = workflowLimitOf(request, workflow);
  if (Number.isFinite(ofWorkflow)) {
    sql += ` AND (SELECT count(*) FROM run WHERE workflow = ? AND ${active}) < ?`;
    params.push(workflow, ofWorkflow);
  }
  return { sql, params };
}

/** Reads a ticket from a run's row. */
export function toTicket(row: Row): Ticket {
  return {
    runId: String(row["id"]),
    epoch: Number(row["epoch"]),
    queue: String(row["queue"]),
    workflow: String(row["workflow"]),
    tenant: row["tenant"] === null || row["tenant"] === undefined ? undefined : String(row["tenant"]),
    priority: Number(row["priority"]),
    turn: Number(row["turn"]),
    dueAt: undefined,
  };
}
