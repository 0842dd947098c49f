import type { JobInsert, PgBoss } from "pg-boss";
import type { Logger } from "../../telemetry/index.ts";
import type { ClaimRequest, Queue, Ticket } from "../queue/queue.ts";
import { createBatches } from "./pg-boss-batches.ts";
import { Claims } from "./pg-boss-claims.ts";
import type { JobData } from "./pg-boss-jobs.ts";
import { bossName, byOrder, dataOf, groupOf, jobIdOf, queueOf, ticketIn } from "./pg-boss-jobs.ts";
import { Ranks } from "./pg-boss-ranks.ts";
import type { Running } from "./pg-boss-room.ts";
import { isLimited, Room } from "./pg-boss-room.ts";
import type { SqlDatabase, SqlSession } from "./pg-boss-sql.ts";
import { bossDatabase, rowsOf } from "./pg-boss-sql.ts";

/** Are the options of `pgBossQueue`. */
export interface PgBossOptions {
  readonly database: SqlDatabase;
  readonly logger: Logger;
  /** The schema of the queue's tables; `atlas_queue` without it. */
  readonly schema?: string;
  readonly backend?: "postgres" | "pglite";
}

/** How long a lost hint, or a time that has come on another machine, can cost. Units: milliseconds. */
const safetyNetMs = 1_000;
const settleAgainMs = 1_000;
/** How often what this engine claimed without its knowledge is looked for: a statement may be carried out long after its connection was cut. */
const tidyMs = 10_000;
const mostLanes = 10_000;
const longestMs = 2_147_483_647;
/** The lease of a run is Atlas's own: pg-boss must hand out nothing that still runs. */
const jobDefaults = {
  expireInSeconds: 86_400,
  retryLimit: 1_000,
  retentionSeconds: 365 * 86_400,
  deleteAfterSeconds: 60,
};

/**
 * Makes the queue that pg-boss keeps in PostgreSQL: one queue of pg-boss for each of Atlas, one job for each time that a run waits.
 * Limits hold over all machines: a claim that is limited counts what runs and takes what is left under one lock of the queue.
 *
 * Cost: pg-boss is loaded, and its tables are made, when the queue is first used. Enqueues, and settlements, that come
 * together share a statement.
 */
export function pgBossQueue(options: PgBossOptions): Queue {
  return new PgBossQueue(options);
}

const knowsNothing = { executeSql: () => Promise.resolve({ rows: [] }) };

class PgBossQueue implements Queue {
  readonly #database: SqlDatabase;
  readonly #logger: Logger;
  readonly #schema: string;
  readonly #backend: "postgres" | "pglite";
  readonly #claims: Claims;
  readonly #ranks: Ranks;
  readonly #queues = new Map<string, Promise<void>>();
  /** What was found not to be let through, by queue and group: it is left out of the next fetch at once. */
  readonly #lanes = new Map<string, Map<string, Ticket>>();
  readonly #listeners = new Set<(queue: string) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #limited = new Map<string, boolean>();
  readonly #offers = createBatches<Ticket>((tickets) => this.#insert(tickets));
  readonly #settlements = createBatches<Ticket>((tickets) => this.#delete(tickets));
  readonly #served = createBatches<Ticket>((tickets) => this.#serve(tickets));
  #started: Promise<PgBoss> | undefined;
  #ears: Disposable | undefined;
  #net: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  /** Claims go one after the other: while one is under way its jobs must not be taken for lost. */
  #claiming: Promise<unknown> = Promise.resolve();
  #claimant: string | undefined;
  #tidyAt = Infinity;
  /** True after a claim that failed: it may have been carried out all the same. */
  #uncertain = false;
  #closed = false;

  constructor({ database, logger, schema = "atlas_queue", backend = "postgres" }: PgBossOptions) {
    this.#database = database;
    this.#logger = logger;
    this.#schema = schema;
    this.#backend = backend;
    this.#claims = new Claims(schema);
    this.#ranks = new Ranks(database, schema);
  }

  async offer(tickets: readonly Ticket[]): Promise<void> {
    await this.#offers.add(tickets);
    this.#ringWhenDue(tickets);
  }

  async claim(request: ClaimRequest): Promise<readonly Ticket[]> {
    if (request.limit <= 0 || request.workflows.length === 0) return [];
    return await this.#inTurn(() => this.#claim(request));
  }

  async #claim(request: ClaimRequest): Promise<readonly Ticket[]> {
    this.#limited.set(request.queue, isLimited(request));
    const boss = await this.#boss();
    const name = await this.#nameOf(boss, request.queue);
    if (this.#claimant === undefined) this.#tidyAt = performance.now() + tidyMs;
    this.#claimant = request.owner;
    if (this.#uncertain) await this.#putBackUnknown(request.owner);
    try {
      const tickets = await this.#takeAll({ boss, session: this.#database, name, request });
      // Where the queue has come to only steers new turns: no claim waits for it, and its loss costs nothing.
      this.#served.add(tickets).catch((error: unknown) => this.#warn("turns of a queue not kept", error));
      return tickets;
    } catch (cause) {
      this.#uncertain = true;
      this.#tidyAt = performance.now();
      throw cause;
    }
  }

  async #putBackUnknown(owner: string): Promise<void> {
    await this.#claims.putBackUnknown(this.#database, owner);
    this.#uncertain = false;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#claiming.then(work);
    this.#claiming = done.catch(() => {});
    return done;
  }

  async settle(tickets: readonly Ticket[]): Promise<void> {
    // A claim that is not settled would count for ever.
    for (;;) {
      try {
        return await this.#settlements.add(tickets);
      } catch (cause) {
        if (this.#closed) throw cause;
        this.#warn("settled runs not given back yet", cause);
        await new Promise((resolve) => this.#after(settleAgainMs, () => resolve(undefined)));
      }
    }
  }

  async withdraw(tickets: readonly Ticket[]): Promise<void> {
    await this.#boss();
    for (const [queue, of] of Map.groupBy(tickets, (ticket) => ticket.queue)) {
      const sql = `DELETE FROM ${this.#schema}.job WHERE name = $1 AND id = ANY($2::uuid[]) AND state < 'active'`;
      await this.#database.query(sql, [bossName(queue), of.map(jobIdOf)]);
    }
  }

  async release(owner: string): Promise<void> {
    await this.#boss();
    await this.#claims.release(this.#database, owner);
    for (const queue of this.#queues.keys()) this.#ring(queue);
  }

  async claimants(): Promise<readonly string[]> {
    await this.#boss();
    return await this.#claims.owners(this.#database);
  }

  onReady(ready: (queue: string) => void): Disposable {
    this.#listeners.add(ready);
    this.#ears ??= this.#database.listen(this.#look);
    this.#net ??= setInterval(this.#look, safetyNetMs).unref();
    this.#look();
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(ready);
        if (this.#listeners.size > 0) return;
        this.#stopListening();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    await Promise.all([this.#offers.idle(), this.#settlements.idle(), this.#served.idle()]);
    this.#closed = true;
    this.#stopListening();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#listeners.clear();
    await this.#looking;
    await (await this.#started?.catch(() => undefined))?.stop({ graceful: false, close: false });
  }

  #boss(): Promise<PgBoss> {
    this.#started ??= this.#start();
    const starting = this.#started;
    starting.catch(() => {
      // What kept it from starting may have passed when it is next asked for.
      if (this.#started === starting) this.#started = undefined;
    });
    return starting;
  }

  async #start(): Promise<PgBoss> {
    const { PgBoss } = await import("pg-boss");
    const boss = new PgBoss({
      db: bossDatabase(this.#database),
      backend: this.#backend,
      schema: this.#schema,
      schedule: false,
      supervise: false,
      monitorVacuum: false,
    });
    boss.on("error", (error) => this.#warn("pg-boss failed", error));
    await boss.start();
    await this.#database.transaction(async (session) => {
      await session.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [this.#schema]);
      await session.query(Claims.table(this.#schema));
      await session.query(Ranks.table(this.#schema));
    });
    return boss;
  }

  /** Makes the queue when it is first named. */
  async #nameOf(boss: PgBoss, queue: string): Promise<string> {
    const name = bossName(queue);
    let made = this.#queues.get(queue);
    if (made === undefined) {
      made = boss.createQueue(name, jobDefaults);
      this.#queues.set(queue, made);
      made.catch(() => this.#queues.delete(queue));
    }
    await made;
    return name;
  }

  async #insert(tickets: readonly Ticket[]): Promise<void> {
    const boss = await this.#boss();
    await this.#ranks.prepare(tickets);
    for (const [queue, of] of Map.groupBy(tickets, (ticket) => ticket.queue)) {
      const name = await this.#nameOf(boss, queue);
      const jobs = new Map(of.map((ticket) => [jobIdOf(ticket), ticket]));
      await boss.insert(
        name,
        [...jobs].map(([id, ticket]) => this.#jobOf(id, ticket)),
      );
      this.#hint(queue);
    }
  }

  #jobOf(id: string, ticket: Ticket): JobInsert<JobData> {
    return {
      id,
      data: dataOf(ticket),
      priority: this.#ranks.priorityOf(ticket),
      group: { id: groupOf(ticket) },
      ...(ticket.dueAt === undefined ? {} : { startAfter: new Date(ticket.dueAt) }),
    };
  }

  async #takeAll(taking: Taking): Promise<readonly Ticket[]> {
    const { request } = taking;
    const nothing = { claim: undefined, tickets: [], isAll: false };
    const atOnce = isLimited(request) ? nothing : await this.#takeAtOnce(taking);
    if (atOnce.isAll) return await this.#keep(atOnce);
    const rest = { ...request, limit: request.limit - atOnce.tickets.length };
    // A transaction must not wait for a second connection: what pg-boss reads of a queue once, it reads before.
    await taking.boss.fetch(taking.name, { db: knowsNothing });
    const { id, tickets } = await this.#database.transaction((session) =>
      this.#take({ ...taking, session, request: rest }),
    );
    // Kept in mind is what is handed out: when a part failed, all of it is looked for and put back.
    return [...(await this.#keep(atOnce)), ...(await this.#keep({ claim: id, tickets }))];
  }

  async #keep({ claim, tickets }: Taken): Promise<readonly Ticket[]> {
    if (claim === undefined) return tickets;
    if (tickets.length > 0) this.#claims.remember(claim, tickets.map(jobIdOf));
    else await this.#claims.drop(this.#database, [claim]);
    return tickets;
  }

  /** Claims without limits in one statement; `isAll` is false when some of what was fetched is not for this program. */
  async #takeAtOnce({ boss, session, name, request }: Taking): Promise<Taken & { readonly isAll: boolean }> {
    let claim: string | undefined;
    const db = {
      executeSql: async (text: string, values: unknown[] = []) => {
        const sql = this.#claims.recording(text, values.length);
        const rows = [...(await rowsOf(session, sql, [...values, request.owner, name]))];
        if (rows[0]) claim = String(rows[0]["claim"]);
        return { rows };
      },
    };
    const room = new Room(request);
    const groups = [...(this.#lanes.get(name) ?? [])].flatMap(([group, lane]) => (room.admits(lane) ? [] : [group]));
    const options = { batchSize: request.limit, db, ...(groups.length > 0 && { ignoreGroups: groups }) };
    const found = (await boss.fetch<JobData>(name, options)).map(({ data }) => ticketIn(data)).toSorted(byOrder);
    const tickets = found.filter((ticket) => room.admits(ticket));
    const others = found.filter((ticket) => !room.admits(ticket)).map(jobIdOf);
    if (others.length > 0) await this.#claims.putBack(session, name, others);
    return { claim, tickets, isAll: others.length === 0 };
  }

  async #take({ boss, session, name, request }: Taking): Promise<{ id?: string; tickets: Ticket[] }> {
    const room = new Room(request);
    if (isLimited(request)) for (const each of await this.#running(session, request)) room.count(each);
    const most = Math.min(request.limit, room.left);
    const seen = this.#lanes.get(name) ?? new Map<string, Ticket>();
    this.#lanes.set(name, seen);
    const ignored = new Set([...seen].flatMap(([group, lane]) => (room.admits(lane) ? [] : [group])));
    const taken: Ticket[] = [];
    const surplus: string[] = [];
    const db = bossDatabase(session);
    while (taken.length < most) {
      const batchSize = most - taken.length;
      const options = { batchSize, db, ...(ignored.size > 0 && { ignoreGroups: [...ignored] }) };
      const found = (await boss.fetch<JobData>(name, options)).map(({ data }) => ticketIn(data));
      for (const ticket of found.toSorted(byOrder)) {
        if (room.take(ticket)) {
          taken.push(ticket);
          continue;
        }
        surplus.push(jobIdOf(ticket));
        ignored.add(groupOf(ticket));
        if (seen.size < mostLanes) seen.set(groupOf(ticket), ticket);
      }
      if (found.length < batchSize) break;
    }
    if (surplus.length > 0) await this.#claims.putBack(session, name, surplus);
    if (taken.length === 0) return { tickets: [] };
    const id = await this.#claims.record(session, { owner: request.owner, name, jobs: taken.map(jobIdOf) });
    return { id, tickets: taken };
  }

  /** Takes the lock of what the limits are about, then reads what runs: what is claimed, and what another worker took over. */
  async #running(session: SqlSession, { queue, perWorkflow }: ClaimRequest): Promise<readonly Running[]> {
    const overAll = Object.keys(perWorkflow).length > 0;
    for (const lock of overAll ? ["", queue] : [queue]) {
      await session.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`${this.#schema} queue ${lock}`]);
    }
    const rows = await rowsOf(
      session,
      `SELECT queue, tenant, workflow, count(*)::int AS runs FROM (
          SELECT data->>'run' AS id, data->>'queue' AS queue, data->>'tenant' AS tenant, data->>'workflow' AS workflow
            FROM ${this.#schema}.job WHERE state = 'active' AND group_id IS NOT NULL
              AND name = ANY (CASE WHEN $1 THEN ARRAY(SELECT name FROM ${this.#schema}.queue) ELSE ARRAY[$2] END)
          UNION
          SELECT id, queue, tenant, workflow FROM run
            WHERE queue IS NOT NULL AND owner IS NOT NULL AND finished_at IS NULL AND status = 'running' AND ($1 OR queue = $3)
        ) active GROUP BY queue, tenant, workflow`,
      [overAll, bossName(queue), queue],
    );
    return rows.map((row) => ({
      queue: String(row["queue"]),
      tenant: typeof row["tenant"] === "string" ? row["tenant"] : undefined,
      workflow: String(row["workflow"]),
      runs: Number(row["runs"]),
    }));
  }

  /** Keeps which turn each queue has come to: new turns begin from there. */
  async #serve(tickets: readonly Ticket[]): Promise<void> {
    const reached = new Map<string, Ticket>();
    for (const ticket of tickets) {
      const key = `${ticket.priority} ${ticket.queue}`;
      if (ticket.turn > (reached.get(key)?.turn ?? -1)) reached.set(key, ticket);
    }
    // Everyone takes the rows in one order, so that no two wait for each other.
    const rows = [...reached].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, ticket]) => ticket);
    await this.#database.query(
      `INSERT INTO run_served AS known(queue, priority, turn)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
        ON CONFLICT(queue, priority) DO UPDATE SET turn = excluded.turn WHERE known.turn < excluded.turn`,
      [rows.map(({ queue }) => queue), rows.map(({ priority }) => priority), rows.map(({ turn }) => turn)],
    );
  }

  async #delete(tickets: readonly Ticket[]): Promise<void> {
    const boss = await this.#boss();
    for (const [queue, of] of Map.groupBy(tickets, (ticket) => ticket.queue)) {
      const ids = [...new Set(of.map(jobIdOf))];
      await boss.deleteJob(bossName(queue), ids);
      await this.#claims.drop(this.#database, this.#claims.settled(ids));
      // Room for one more is news where limits are kept.
      if (this.#limited.get(queue) === true) this.#hint(queue);
      else this.#ring(queue);
    }
  }

  /** Rings here and on every other machine. */
  #hint(queue: string): void {
    this.#ring(queue);
    this.#database.notify();
  }

  #ring(queue: string): void {
    for (const listener of this.#listeners) listener(queue);
  }

  #ringWhenDue(tickets: readonly Ticket[]): void {
    for (const [queue, of] of Map.groupBy(tickets, (ticket) => ticket.queue)) {
      const due = Math.min(...of.flatMap(({ dueAt }) => (dueAt === undefined ? [] : [dueAt])));
      if (due !== Infinity && due > Date.now()) this.#after(due - Date.now(), () => this.#ring(queue));
    }
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        act();
      },
      Math.min(ms, longestMs),
    ).unref();
    this.#timers.add(timer);
  }

  #stopListening(): void {
    clearInterval(this.#net);
    this.#net = undefined;
    this.#ears?.[Symbol.dispose]();
    this.#ears = undefined;
  }

  /** Looks once more when it is asked for while it looks. */
  readonly #look = (): void => {
    this.#lookAgain = true;
    this.#looking ??= this.#lookAll().finally(() => (this.#looking = undefined));
  };

  async #lookAll(): Promise<void> {
    while (this.#lookAgain && this.#listeners.size > 0) {
      this.#lookAgain = false;
      try {
        await this.#tidy();
        for (const queue of await this.#findReady()) this.#ring(queue);
      } catch (error) {
        this.#warn("queues not looked at", error);
      }
    }
  }

  /** Makes claimable again what was claimed here and never handed out. */
  async #tidy(): Promise<void> {
    const owner = this.#claimant;
    if (owner === undefined || performance.now() < this.#tidyAt) return;
    this.#tidyAt = performance.now() + tidyMs;
    await this.#inTurn(() => this.#putBackUnknown(owner));
  }

  /** Gives the queues that hold something whose time has come. */
  async #findReady(): Promise<readonly string[]> {
    await this.#boss();
    const rows = await rowsOf(
      this.#database,
      `SELECT name FROM ${this.#schema}.queue q WHERE EXISTS (SELECT 1 FROM ${this.#schema}.job j
        WHERE j.name = q.name AND j.state < 'active' AND NOT j.blocked AND j.start_after <= now())`,
    );
    return rows.map(({ name }) => String(name)).flatMap((name) => (name.startsWith("q.") ? [queueOf(name)] : []));
  }

  #warn(message: string, error: unknown): void {
    if (!this.#closed) this.#logger.warn(message, { error: error instanceof Error ? error.message : String(error) });
  }
}

interface Taking {
  readonly boss: PgBoss;
  readonly session: SqlSession;
  readonly name: string;
  readonly request: ClaimRequest;
}

/** Is what one claim took. */
interface Taken {
  readonly claim: string | undefined;
  readonly tickets: readonly Ticket[];
}
