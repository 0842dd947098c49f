import type { Database, Row } from "../../src/storage/index.ts";

const lastEntries = 8;
const jobs = `SELECT j.id, j.state, j.priority, j.start_after, j.started_on, j.data->>'epoch' AS epoch,
    (SELECT string_agg(c.owner || ' at ' || c.at, ', ') FROM atlas_queue.atlas_claim c WHERE c.name = j.name AND j.id = ANY(c.jobs)) AS claims
  FROM atlas_queue.job j WHERE j.data->>'run' = ?`;
const active = `SELECT j.data->>'run' AS run, j.data->>'epoch' AS epoch, r.status, r.epoch AS row_epoch, r.owner,
    (SELECT string_agg(c.owner, ', ') FROM atlas_queue.atlas_claim c WHERE c.name = j.name AND j.id = ANY(c.jobs)) AS claims
  FROM atlas_queue.job j LEFT JOIN run r ON r.id = j.data->>'run' WHERE j.state = 'active'`;

/** Tells all that the database knows of a run that does not end: its row, the end of its log, its owner, its tickets. */
export async function tellOfRun(database: Database, id: string): Promise<readonly string[]> {
  const [row] = await database.read({ sql: "SELECT * FROM run WHERE id = ?", params: [id] });
  const log = await database.read({
    sql: "SELECT seq, type, key, at, data FROM run_event WHERE run_id = ? ORDER BY seq DESC LIMIT ?",
    params: [id, lastEntries],
  });
  const needs = await database.read({ sql: "SELECT * FROM run_dependency WHERE run_id = ?", params: [id] });
  const signals = await database.read({ sql: "SELECT id, name FROM run_signal WHERE run_id = ?", params: [id] });
  const parts = { needs, signals, tickets: await ofQueue(database, jobs, [id]) };
  return [
    `row: ${told([row ?? {}])}`,
    ...log.toReversed().map((entry) => `log: ${told([entry])}`),
    ...Object.entries(parts).flatMap(([name, rows]) => (rows.length === 0 ? [] : [`${name}: ${told(rows)}`])),
  ];
}

/** Tells what all runs share: the owners, and the tickets that count as running. */
export async function tellOfAll(database: Database): Promise<readonly string[]> {
  const owners = await database.read({ sql: "SELECT id, name, beat, seen_at FROM run_owner" });
  const held = await ofQueue(database, active, []);
  return [
    `now: ${Date.now()}`,
    ...owners.map((row) => `owner: ${told([row])}`),
    ...held.map((row) => `claimed: ${told([row])}`),
  ];
}

/** Sets the clock of the queue engine forward, as those of the processes are: nothing waits for a time that a wrong clock wrote. */
export async function forwardTickets(database: Database): Promise<void> {
  if (database.capabilities.dialect !== "postgres") return;
  const sql = "UPDATE atlas_queue.job SET start_after = now() WHERE state < 'active' AND start_after > now()";
  await database.write([{ sql }]);
}

async function ofQueue(database: Database, sql: string, params: readonly string[]): Promise<readonly Row[]> {
  if (database.capabilities.dialect !== "postgres") return [];
  return await database.read({ sql, params });
}

function told(rows: readonly Row[]): string {
  return rows
    .map((row) => {
      const { input: _, ...rest } = row;
      return Object.entries(rest)
        .filter(([, value]) => value !== null && value !== undefined)
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(" ");
    })
    .join(" | ");
}
