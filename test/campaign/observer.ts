import { setTimeout as delay } from "node:timers/promises";
import { isJsonObject } from "../../src/base/index.ts";
import type { JsonValue } from "../../src/base/index.ts";
import type { RunEvent, Runs } from "../../src/runs/index.ts";
import type { Database, Row } from "../../src/storage/index.ts";
import { finalText } from "./evidence.ts";
import type { FinalRun, Parked } from "./evidence.ts";

/** Watches a campaign from outside of its processes: by the tables, and as a follower of logs. */
export class Observer {
  readonly #database: Database;
  readonly #runs: Runs;
  readonly #followers: Promise<void>[] = [];
  readonly #stop = new AbortController();
  /** What finished runs were seen to be. */
  readonly seen = new Map<string, Set<string>>();
  readonly followed = new Map<string, RunEvent[]>();

  constructor(database: Database, runs: Runs) {
    this.#database = database;
    this.#runs = runs;
  }

  /** Looks at the runs: how many there are and how many are unfinished; notes how finished ones look. */
  async look(): Promise<{ readonly total: number; readonly unfinished: readonly FinalRun[] }> {
    const rows = (await this.#database.read({ sql: "SELECT * FROM run ORDER BY id" })).map(toFinal);
    for (const run of rows) {
      if (run.finished) this.seen.set(run.id, (this.seen.get(run.id) ?? new Set()).add(finalText(run)));
    }
    return { total: rows.length, unfinished: rows.filter(({ finished }) => !finished) };
  }

  /** Finds the effects that wait for a decision now. */
  async parked(): Promise<Parked[]> {
    const sql = `SELECT e.run_id, e.key, r.input FROM run r JOIN run_event e ON e.run_id = r.id AND e.type = 'effect.parked'
      WHERE r.finished_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM run_event later WHERE later.run_id = e.run_id AND later.seq > e.seq AND later.key = e.key)`;
    return (await this.#database.read({ sql })).map((row) => {
      const input = JSON.parse(String(row["input"])) as { readonly plan: number };
      return { run: String(row["run_id"]), plan: input.plan, key: String(row["key"]) };
    });
  }

  /** Follows a run live until its end, whatever becomes of those who execute it. */
  follow(id: string): void {
    if (this.followed.has(id)) return;
    const events: RunEvent[] = [];
    this.followed.set(id, events);
    this.#followers.push(this.#follow(id, events));
  }

  /** Ends the followers that still wait, after they saw the end of what has ended. */
  async done(): Promise<void> {
    const all = Promise.all(this.#followers);
    const late = setTimeout(() => this.#stop.abort(), 20_000);
    await all;
    clearTimeout(late);
  }

  /** Gives each run as it is at the end; `needs` says what it was started after, and its row where the answer to its start was lost. */
  async finals(needs: ReadonlyMap<string, readonly string[]>): Promise<Map<string, FinalRun>> {
    const rows = await this.#database.read({ sql: "SELECT * FROM run ORDER BY id" });
    return new Map(rows.map(toFinal).map((run) => [run.id, { ...run, needs: needs.get(run.id) ?? run.needs }]));
  }

  /** Reads every log past the engine. */
  async rows(): Promise<Map<string, RunEvent[]>> {
    const logs = new Map<string, RunEvent[]>();
    const sql = "SELECT * FROM run_event WHERE run_id > ? OR (run_id = ? AND seq > ?) ORDER BY run_id, seq LIMIT 20000";
    for (let last: readonly [string, number] = ["", 0]; ;) {
      const page = (await this.#database.read({ sql, params: [last[0], last[0], last[1]] })).map(toEvent);
      for (const event of page) {
        const log = logs.get(event.runId) ?? [];
        if (log.push(event) === 1) logs.set(event.runId, log);
      }
      const end = page.at(-1);
      if (end === undefined) return logs;
      last = [end.runId, end.seq];
    }
  }

  /** Reads the logs of some runs as the engine gives them. */
  async logs(ids: Iterable<string>): Promise<Map<string, RunEvent[]>> {
    const logs = new Map<string, RunEvent[]>();
    for (const id of ids) {
      logs.set(id, await Array.fromAsync((await this.#runs.open(id)).events({ live: false })));
    }
    return logs;
  }

  async #follow(id: string, events: RunEvent[]): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const run = await this.#runs.open(id);
        for await (const event of run.events({ after: events.at(-1)?.seq ?? 0, signal })) {
          if (event.transient !== true) events.push(event);
        }
        if ((await run.record()).finishedAt !== undefined) {
          for await (const event of run.events({ after: events.at(-1)?.seq ?? 0, live: false })) events.push(event);
          return;
        }
      } catch {
        // The database was away for a moment.
      }
      await delay(100);
    }
  }
}

function toFinal(row: Row): FinalRun {
  const text = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]));
  const json = (name: string): JsonValue | undefined =>
    row[name] === null ? undefined : (JSON.parse(String(row[name])) as JsonValue);
  const [input, error] = [json("input") ?? null, json("error") ?? null];
  const plan = isJsonObject(input) ? input["plan"] : undefined;
  return {
    id: String(row["id"]),
    workflow: String(row["workflow"]),
    status: String(row["status"]),
    finished: row["finished_at"] !== null,
    plan: typeof plan === "number" ? plan : undefined,
    output: json("output"),
    errorCode: isJsonObject(error) && typeof error["code"] === "string" ? error["code"] : undefined,
    attempt: Number(row["attempt"]),
    dead: Number(row["dead"]) === 1,
    isDue: row["due_at"] === null || Number(row["due_at"]) <= Date.now(),
    queue: text("queue"),
    tenant: text("tenant"),
    parentId: text("parent_id"),
    originId: text("origin_id"),
    needs: row["origin_id"] === null ? needsIn(json("options")) : [],
  };
}

function needsIn(options: JsonValue | undefined): readonly string[] {
  const after = isJsonObject(options) ? options["after"] : undefined;
  const runs = isJsonObject(after) ? after["runs"] : undefined;
  return Array.isArray(runs) ? runs.map(String) : [];
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
