import type { BudgetLimits, Clock, ErrorData, JsonObject, JsonValue } from "../base/index.ts";
import { failpoint, stringifyJson } from "../base/index.ts";
import type { Database, Row, SqlValue, Statement } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import type { Dependencies, ListOptions, RetryPolicy, RunEvent, RunStatus } from "./run.ts";
import { logForm } from "./upcasters.ts";

/** Is a run's row as it is stored, with who owns it. */
export interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly key: string | undefined;
  readonly parentId: string | undefined;
  readonly tags: JsonObject;
  readonly owner: string | undefined;
  readonly epoch: number;
  readonly control: string | undefined;
  readonly checkpointSeq: number;
  readonly input: JsonValue;
  readonly output: JsonValue | undefined;
  readonly error: ErrorData | undefined;
  readonly version: string;
  readonly tenant: string | undefined;
  readonly queue: string | undefined;
  readonly priority: number;
  readonly turn: number;
  readonly dueAt: number | undefined;
  readonly attempt: number;
  readonly paused: boolean;
  readonly dead: boolean;
  readonly originId: string | undefined;
  readonly options: RunSettings;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly finishedAt: number | undefined;
}

/** Is what was said about a run when it was started, beyond what has a column of its own. */
export interface RunSettings {
  readonly retry?: RetryPolicy;
  readonly budget?: BudgetLimits;
  /** Begins the run's chance, and the idempotency keys of its steps, when it has them of another run. */
  readonly seed?: string;
  readonly idempotencyId?: string;
  /** How many runs are above this one, each called by the one before; none without it. */
  readonly depth?: number;
  readonly after?: Dependencies;
  /** The run that was made of this dead one. */
  readonly redriven?: string;
}

/** Is an entry of the log before it has its place; `text` is its data as JSON. */
export interface Entry {
  readonly seq: number;
  readonly type: string;
  readonly key: string | undefined;
  readonly at: number;
  readonly text: string;
}

/** Names the owner of a run's writes. */
export interface Lease {
  readonly runId: string;
  readonly epoch: number;
}

/** Is what a new run is made of. */
export interface NewRun {
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  /** Who executes it from the start; nobody when it is queued or blocked. */
  readonly owner: string | undefined;
  readonly status: "running" | "queued" | "blocked";
  readonly input: string;
  readonly key?: string | undefined;
  readonly parentId?: string | undefined;
  readonly originId?: string | undefined;
  readonly tags?: JsonObject;
  readonly place?: QueuePlace | undefined;
  readonly tenant?: string | undefined;
  readonly options?: RunSettings;
}

/** Says where a run stands in a queue. */
export interface QueuePlace {
  readonly queue: string;
  readonly priority: number;
  readonly turn: number;
  readonly dueAt: number | undefined;
}

/** Says what is deleted of finished runs. Units: times in ms since the Unix epoch; `limit` runs at once. */
export interface PruneLimits {
  readonly before: number;
  readonly deadBefore: number;
  readonly maxRuns: number;
  readonly limit: number;
}

/** Is the end of a run; `text` is its output as JSON. */
export type RunEnd =
  | { readonly status: "completed"; readonly text: string | undefined }
  | { readonly status: "failed" | "cancelled"; readonly error: ErrorData };

/**
 * Says that a run is unfinished where the run is named by its id. The words of the partial indexes would lure a planner that does
 * not know yet how many runs there are into walking through all that are unfinished.
 */
export const unfinished = "coalesce(finished_at, 0) = 0";

/**
 * The log is its own fence: an entry's place (run, seq) is taken once. Whoever takes a run over, or asks something of it, does so
 * by an entry at the end of its log; an owner that does not know of it then finds its next place taken.
 */
const insertEvent = "INSERT INTO run_event(run_id, seq, type, key, at, data) VALUES(?, ?, ?, ?, ?, ?)";
const insertRun = `INSERT INTO run(id, workflow, version, status, key, parent_id, origin_id, tags, owner, epoch, checkpoint_seq, input,
  tenant, queue, priority, turn, due_at, options, created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
/** Nothing follows the end of a log, also when the end is written in the same commit and the run's row does not say so yet. */
const insertNextEvent = `INSERT INTO run_event(run_id, seq, type, at, data)
  SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4 FROM run_event WHERE run_id = ?1
  HAVING coalesce((SELECT type FROM run_event WHERE run_id = ?1 ORDER BY seq DESC LIMIT 1), '')
    NOT IN ('run.completed', 'run.failed', 'run.cancelled') RETURNING seq`;

/** What others wait for is kept: blocked runs look at the ends of those that they need, parents at their children's. */
const oldRuns = `SELECT id FROM run r WHERE finished_at IS NOT NULL
  AND (parent_id IS NULL OR parent_id NOT IN (SELECT id FROM run WHERE finished_at IS NULL))
  AND NOT EXISTS (SELECT 1 FROM run_dependency d JOIN run b ON b.id = d.run_id WHERE d.needs_id = r.id AND b.finished_at IS NULL)
  AND ((dead = 1 AND finished_at < ?4) OR (dead = 0 AND (finished_at < ?1
    OR id IN (SELECT id FROM run WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 9007199254740991 OFFSET ?2)))) LIMIT ?3`;

/** A run that came from a queue waits there again; any other shows as interrupted. */
const letGo = "owner = NULL, status = CASE WHEN queue IS NULL THEN status ELSE 'queued' END";

const maxTries = 100;

/** Writes and reads the tables of the run engine. What a run's owner writes is refused when its lease is stale. */
export class Journal {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Gives the statements that make a run with its first log entry. */
  creation(run: NewRun): Statement[] {
    const at = this.#clock.now();
    const { place, owner } = run;
    const params = [
      run.id,
      run.workflow,
      run.version,
      run.status,
      run.key ?? null,
      run.parentId ?? null,
      run.originId ?? null,
      JSON.stringify(run.tags ?? {}),
      owner ?? null,
      owner === undefined ? 0 : 1,
      run.input,
      run.tenant ?? null,
      place?.queue ?? null,
      place?.priority ?? 0,
      place?.turn ?? 0,
      place?.dueAt ?? null,
      run.options === undefined ? null : JSON.stringify(run.options),
      at,
      at,
    ];
    const data = stringifyJson({ workflow: run.workflow, form: logForm });
    const first: Entry = { seq: 1, type: "run.started", key: undefined, at, text: data };
    return [{ sql: insertRun, params, commutes: true }, eventStatement(run.id, first)];
  }

  /** Errors: write_conflict. */
  async write(statements: readonly Statement[]): Promise<void> {
    await this.#database.write(statements);
  }

  /** Appends entries. Errors: write_conflict when the lease is stale or something is asked of the run. */
  append(lease: Lease, entries: readonly Entry[], also: readonly Statement[] = []): Promise<unknown> {
    const statements = entries.map((entry) => eventStatement(lease.runId, entry));
    statements.push(...also);
    return this.#database.write(statements);
  }

  /** Gives the statement that changes what the run is shown as. */
  statusStatement(lease: Lease, status: "running" | "waiting"): Statement {
    const sql = "UPDATE run SET status = ?, updated_at = ? WHERE id = ? AND epoch = ?";
    return { sql, params: [status, this.#clock.now(), lease.runId, lease.epoch], expectRows: 1 };
  }

  /** Gives the statement that makes an entry the run's last checkpoint. */
  checkpointStatement(lease: Lease, seq: number): Statement {
    const sql = "UPDATE run SET checkpoint_seq = ?, updated_at = ? WHERE id = ? AND epoch = ?";
    return { sql, params: [seq, this.#clock.now(), lease.runId, lease.epoch], expectRows: 1 };
  }

  /** Gives signals of a name that a run has not taken yet and nobody is taking, oldest first, with the statements that take them. */
  async pendingSignals(
    runId: string,
    name: string,
    claimed: ReadonlySet<number>,
  ): Promise<readonly { readonly id: number; readonly payload: JsonValue; readonly take: Statement }[]> {
    const sql = "SELECT id, payload FROM run_signal WHERE run_id = ? AND name = ? ORDER BY id LIMIT 100";
    const rows = await this.#database.read({ sql, params: [runId, name] });
    return rows
      .map((row) => ({ id: Number(row["id"]), payload: String(row["payload"]) }))
      .filter(({ id }) => !claimed.has(id))
      .map(({ id, payload }) => ({
        id,
        payload: JSON.parse(payload) as JsonValue,
        take: { sql: "DELETE FROM run_signal WHERE id = ?", params: [id], expectRows: 1 },
      }));
  }

  /** Gives the runs of an owner for which a signal waits. */
  async signalled(owner: string): Promise<readonly string[]> {
    const sql =
      "SELECT DISTINCT s.run_id AS id FROM run_signal s JOIN run r ON r.id = s.run_id WHERE r.owner = ? AND r.finished_at IS NULL";
    return (await this.#database.read({ sql, params: [owner] })).map((row) => String(row["id"]));
  }

  /** Ends a run with its last entries. Errors: write_conflict. */
  async finish(lease: Lease, entries: readonly Entry[], end: RunEnd): Promise<void> {
    const at = entries.at(-1)?.at ?? this.#clock.now();
    const output = end.status === "completed" ? (end.text ?? null) : null;
    await this.#database.write([
      ...entries.map((entry) => eventStatement(lease.runId, entry)),
      {
        // Who started a run through a queue does not wait for it: its failure is kept as a dead letter.
        sql: `UPDATE run SET status = ?2, output = ?3, error = ?4, finished_at = ?5, updated_at = ?5, owner = NULL,
            dead = CASE WHEN ?2 = 'failed' AND queue IS NOT NULL THEN 1 ELSE 0 END
          WHERE id = ?1 AND epoch = ?6 AND ${unfinished}`,
        params: [
          lease.runId,
          end.status,
          output,
          end.status === "completed" ? null : JSON.stringify(end.error),
          at,
          lease.epoch,
        ],
        expectRows: 1,
        commutes: true,
      },
    ]);
  }

  /** Gives the place of the last entry of a run's log. */
  async lastSeq(runId: string): Promise<number> {
    const rows = await this.#database.read({
      sql: "SELECT max(seq) AS seq FROM run_event WHERE run_id = ?",
      params: [runId],
    });
    return Number(rows[0]?.["seq"] ?? 0);
  }

  /** Takes a run over from an owner that is gone. Errors: write_conflict when another was faster. */
  async takeOver(
    run: StoredRun,
    owner: string,
  ): Promise<Lease & { readonly lastSeq: number; readonly control: string | undefined; readonly paused: boolean }> {
    const at = this.#clock.now();
    // What lets go of a run names no owner. A run that only waits did not end its process.
    const lost = run.owner !== undefined && run.status === "running";
    failpoint("run.takeover");
    const results = await this.#database.write([
      {
        sql: `UPDATE run SET owner = ?2, epoch = epoch + 1, updated_at = ?3, status = CASE WHEN status = 'waiting' THEN status ELSE 'running' END
          WHERE id = ?1 AND epoch = ?4 AND ${unfinished} RETURNING control, paused`,
        params: [run.id, owner, at, run.epoch],
        expectRows: 1,
      },
      nextEvent({ runId: run.id, type: "run.resumed", at, data: { epoch: run.epoch + 1, ...(lost ? { lost } : {}) } }),
    ]);
    const control = results[0]?.rows[0]?.["control"];
    return {
      runId: run.id,
      epoch: run.epoch + 1,
      lastSeq: Number(results[1]?.rows[0]?.["seq"]),
      control: typeof control === "string" ? control : undefined,
      paused: Number(results[0]?.rows[0]?.["paused"]) === 1,
    };
  }

  async load(id: string): Promise<StoredRun | undefined> {
    const rows = await this.#database.read({ sql: "SELECT * FROM run WHERE id = ?", params: [id] });
    return rows[0] && toRun(rows[0]);
  }

  async unfinishedByKey(workflow: string, key: string, tenant = ""): Promise<StoredRun | undefined> {
    const rows = await this.#database.read({
      sql: "SELECT * FROM run WHERE workflow = ? AND key = ? AND coalesce(tenant, '') = ? AND finished_at IS NULL",
      params: [workflow, key, tenant],
    });
    return rows[0] && toRun(rows[0]);
  }

  async events(runId: string, after: number, limit: number): Promise<RunEvent[]> {
    const rows = await this.#database.read({
      sql: "SELECT * FROM run_event WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?",
      params: [runId, after, limit],
    });
    return rows.map(toEvent);
  }

  /** Reads a run's log to its end, page by page. */
  async *eventsAfter(runId: string, after: number): AsyncGenerator<RunEvent> {
    const pageSize = 500;
    for (let last = after; ;) {
      const page = await this.events(runId, last, pageSize);
      yield* page;
      if (page.length < pageSize) return;
      last = page.at(-1)?.seq ?? last;
    }
  }

  /** Lists runs, newest first. `interrupted` gives all unfinished ones: who is alive is not known here. */
  async list(options: ListOptions): Promise<StoredRun[]> {
    const conditions: [string, SqlValue][] = [];
    if (options.status === "interrupted") conditions.push(["finished_at IS NULL AND 1 = ?", 1]);
    else if (options.status === "paused") conditions.push(["finished_at IS NULL AND paused = ?", 1]);
    else if (options.status === "dead") conditions.push(["dead = ?", 1]);
    else if (options.status) conditions.push(["status = ?", options.status]);
    if (options.workflow) conditions.push(["workflow = ?", options.workflow]);
    if (options.queue !== undefined) conditions.push(["queue = ?", options.queue]);
    if (options.tenant !== undefined) conditions.push(["tenant = ?", options.tenant]);
    if (options.parentId !== undefined) conditions.push(["parent_id = ?", options.parentId]);
    if (options.before) conditions.push(["id < ?", options.before]);
    const where = conditions.length > 0 ? `WHERE ${conditions.map(([sql]) => sql).join(" AND ")}` : "";
    const rows = await this.#database.read({
      sql: `SELECT * FROM run ${where} ORDER BY id DESC LIMIT ?`,
      params: [...conditions.map(([, value]) => value), options.limit ?? 100],
    });
    return rows.map(toRun);
  }

  async unfinished(): Promise<StoredRun[]> {
    return (await this.#database.read({ sql: "SELECT * FROM run WHERE finished_at IS NULL ORDER BY id" })).map(toRun);
  }

  async children(parentId: string): Promise<StoredRun[]> {
    const sql = "SELECT * FROM run WHERE parent_id = ? AND finished_at IS NULL";
    return (await this.#database.read({ sql, params: [parentId] })).map(toRun);
  }

  /** Asks the owner of a run to cancel it; tells whether the run was still unfinished. Asking again changes nothing. */
  async askCancel(id: string, reason: string): Promise<boolean> {
    const sql = `UPDATE run SET control = ? WHERE id = ? AND ${unfinished} AND control IS NULL`;
    for (let tries = 1; ; tries++) {
      try {
        await this.#database.write([
          { sql, params: [reason, id], expectRows: 1 },
          nextEvent({ runId: id, type: "run.cancel_asked", at: this.#clock.now(), data: { reason } }),
        ]);
        return true;
      } catch (cause) {
        if (!storageErrors.is(cause, "write_conflict")) throw cause;
        const run = await this.load(id);
        if (run === undefined || run.finishedAt !== undefined) return false;
        if (run.control !== undefined) return true;
        // Its owner took the place in the log in the same moment.
        if (tries === maxTries) throw cause;
      }
    }
  }

  /** Gives what is asked of an owner's runs: why to cancel them, whether to hold them. */
  async controls(
    owner: string,
  ): Promise<ReadonlyMap<string, { readonly control: string | undefined; readonly paused: boolean }>> {
    const sql = `SELECT id, control, paused FROM run WHERE owner = ? AND finished_at IS NULL
      AND (control IS NOT NULL OR paused = 1)`;
    const rows = await this.#database.read({ sql, params: [owner] });
    return new Map(
      rows.map(({ id, control, paused }) => [
        String(id),
        { control: typeof control === "string" ? control : undefined, paused: Number(paused) === 1 },
      ]),
    );
  }

  /** Lets go of one run whose execution stopped, so that anyone may take it up; `owner` where it is not certain whose the lease is. */
  async releaseRun({ runId, epoch }: Lease, owner?: string): Promise<void> {
    const isOwners = owner === undefined ? "" : "AND coalesce(owner, '') = ?";
    const sql = `UPDATE run SET ${letGo} WHERE id = ? AND epoch = ? ${isOwners} AND ${unfinished}`;
    await this.#database.write([{ sql, params: [runId, epoch, ...(owner === undefined ? [] : [owner])] }]);
  }

  /** Lets go of every run of an owner that stops; they show as interrupted at once. */
  async release(owner: string): Promise<void> {
    await this.#database.write([
      { sql: `UPDATE run SET ${letGo} WHERE owner = ? AND finished_at IS NULL`, params: [owner] },
    ]);
  }

  /** Deletes finished runs: those that ended before `before`, dead letters of before `deadBefore`, and the oldest beyond `maxRuns`. */
  async prune({ before, deadBefore, maxRuns, limit }: PruneLimits): Promise<number> {
    const rows = await this.#database.read({ sql: oldRuns, params: [before, maxRuns, limit, deadBefore] });
    for (const row of rows) {
      const params = [row["id"] ?? null];
      await this.#database.write([
        { sql: "DELETE FROM run_event WHERE run_id = ?", params },
        { sql: "DELETE FROM run_signal WHERE run_id = ?", params },
        { sql: "DELETE FROM run_dependency WHERE run_id = ?", params },
        { sql: "DELETE FROM run WHERE id = ? AND finished_at IS NOT NULL", params },
      ]);
    }
    return rows.length;
  }
}

function eventStatement(runId: string, { seq, type, key, at, text }: Entry): Statement {
  return { sql: insertEvent, params: [runId, seq, type, key ?? null, at, text], commutes: true };
}

/** Gives the statement that adds an entry at the end of a run's log, wherever that is, and returns its `seq`; a log that has ended refuses it. */
export function nextEvent(event: {
  readonly runId: string;
  readonly type: string;
  readonly at: number;
  readonly data: JsonValue;
}): Statement {
  const params = [event.runId, event.type, event.at, stringifyJson(event.data)];
  return { sql: insertNextEvent, params, expectRows: 1 };
}

/** Reads a run from its row. */
export function toRun(row: Row): StoredRun {
  const text = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]));
  const json = (name: string): JsonValue | undefined =>
    row[name] === null ? undefined : (JSON.parse(String(row[name])) as JsonValue);
  return {
    id: String(row["id"]),
    workflow: String(row["workflow"]),
    status: row["status"] as RunStatus,
    key: text("key"),
    parentId: text("parent_id"),
    tags: json("tags") as JsonObject,
    owner: text("owner"),
    epoch: Number(row["epoch"]),
    control: text("control"),
    checkpointSeq: Number(row["checkpoint_seq"]),
    input: json("input") ?? null,
    output: json("output"),
    error: json("error") as ErrorData | undefined,
    version: String(row["version"]),
    tenant: text("tenant"),
    queue: text("queue"),
    priority: Number(row["priority"]),
    turn: Number(row["turn"]),
    dueAt: row["due_at"] === null ? undefined : Number(row["due_at"]),
    attempt: Number(row["attempt"]),
    paused: row["paused"] === 1,
    dead: row["dead"] === 1,
    originId: text("origin_id"),
    options: (json("options") ?? {}) as RunSettings,
    createdAt: Number(row["created_at"]),
    updatedAt: Number(row["updated_at"]),
    finishedAt: row["finished_at"] === null ? undefined : Number(row["finished_at"]),
  };
}

function toEvent(row: Row): RunEvent {
  return {
    runId: String(row["run_id"]),
    seq: Number(row["seq"]),
    type: String(row["type"]),
    at: Number(row["at"]),
    ...(row["key"] === null ? {} : { key: String(row["key"]) }),
    data: JSON.parse(String(row["data"])) as JsonValue,
  };
}
