import { parseSchema, stringifyJson } from "../../base/index.ts";
import type { SqlValue } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { runErrors } from "../errors.ts";
import { loadRun, recordOf } from "../handle.ts";
import type { StoredRun } from "../journal.ts";
import { toRun } from "../journal.ts";
import type { DeadFilter, DeadLetters, RedriveOptions } from "../queues.ts";
import { attemptsOf } from "./attempts.ts";
import { redriveRun } from "./redrive.ts";
import type { Turnstile } from "./turnstile.ts";

const pageSize = 100;
/** The dead ones are found by the index that holds only these, however many runs there are. */
const allDead = "id IN (SELECT id FROM run WHERE dead = 1 AND ";
const purgeRun = [
  "DELETE FROM run_event WHERE run_id = ?",
  "DELETE FROM run_signal WHERE run_id = ?",
  "DELETE FROM run_dependency WHERE run_id = ?",
];

/** Makes the desk at which dead letters are seen, redriven and purged. */
export function createDeadLetters(engine: Engine, turnstile: Turnstile): DeadLetters {
  return {
    async list(filter = {}) {
      const runs: StoredRun[] = [];
      for await (const page of deadRuns(engine, { limit: pageSize, ...filter }, "newest")) runs.push(...page);
      return await Promise.all(runs.map((run) => recordOf(engine, run)));
    },
    async show(id) {
      const run = await loadRun(engine, id);
      if (!run.dead) throw notDead(run);
      const events = await Array.fromAsync(engine.journal.eventsAfter(id, 0));
      return { run: await recordOf(engine, run), attempts: attemptsOf(events), events };
    },
    async redrive(filter, options = {}) {
      await checkIds(engine, filter);
      const made: string[] = [];
      for await (const page of deadRuns(engine, filter)) {
        const input = options.input === undefined ? undefined : await readInputs(engine, page, options);
        for (const run of page) made.push(...(await redriveRun({ engine, turnstile }, run, { ...options, ...input })));
      }
      return made;
    },
    async purge(filter) {
      await checkIds(engine, filter);
      let total = 0;
      for await (const page of deadRuns(engine, filter)) for (const run of page) total += await purge(engine, run);
      return total;
    },
  };
}

/** Reads dead runs, the oldest first unless it is said otherwise, page by page; all that the filter chooses unless it has a limit. */
async function* deadRuns(
  engine: Engine,
  filter: DeadFilter,
  order: "oldest" | "newest" = "oldest",
): AsyncGenerator<readonly StoredRun[]> {
  const { queue, workflow, code, ids, limit = Infinity } = filter;
  const conditions = [queue === undefined ? `${allDead}queue > '')` : `${allDead}queue = ?)`];
  const values: SqlValue[] = queue === undefined ? [] : [queue];
  const where = (sql: string, ...params: SqlValue[]): void => {
    conditions.push(sql);
    values.push(...params);
  };
  if (workflow !== undefined) where("workflow = ?", workflow);
  // The code stands in the error's JSON; "_" matches any character here, so it is looked at again below.
  if (code !== undefined) where("error LIKE ?", `%"code":${JSON.stringify(code)}%`);
  const [isNext, direction] = order === "newest" ? ["id < ?", "DESC"] : ["id > ?", "ASC"];
  let left = limit;
  let last: string | undefined;
  for (let chosen = ids; left > 0;) {
    const some = chosen?.slice(0, pageSize);
    const inIds = some === undefined ? [] : [`id IN (${some.map(() => "?").join(", ") || "NULL"})`];
    const next = last === undefined || some !== undefined ? [] : [last];
    const all = [...conditions, ...inIds, ...next.map(() => isNext)].join(" AND ");
    const sql = `SELECT * FROM run WHERE ${all} ORDER BY id ${direction} LIMIT ?`;
    const params = [...values, ...(some ?? []), ...next, pageSize];
    const found = (await engine.options.database.read({ sql, params })).map(toRun);
    const page = found.filter((run) => code === undefined || run.error?.code === code).slice(0, left);
    yield page;
    left -= page.length;
    last = found.at(-1)?.id ?? last;
    chosen = chosen?.slice(pageSize);
    if (chosen === undefined ? found.length < pageSize : chosen.length === 0) return;
  }
}

/** Whoever names runs means these: one that is not there, or not dead, is a mistake. Errors: run_not_found, run_not_dead. */
async function checkIds(engine: Engine, { ids = [] }: DeadFilter): Promise<void> {
  for (const id of ids) {
    const run = await loadRun(engine, id);
    if (!run.dead) throw notDead(run);
  }
}

function notDead(run: StoredRun): Error {
  return runErrors.create("run_not_dead", `The run ${run.id} is ${run.status}, and no dead letter.`, {
    details: { runId: run.id, status: run.status },
  });
}

/** Checks the new input with the schema of every workflow that is to get it. */
async function readInputs(engine: Engine, runs: readonly StoredRun[], options: RedriveOptions) {
  const { input } = options;
  for (const name of new Set(runs.map((run) => run.workflow))) {
    const schema = engine.workflows.get(name)?.input;
    if (schema) await parseSchema(schema, input, `input of ${name}`);
  }
  stringifyJson(input, "input of the redriven run");
  return { fromStart: true };
}

async function purge(engine: Engine, run: StoredRun): Promise<number> {
  const results = await engine.options.database.write([
    { sql: "DELETE FROM run WHERE id = ? AND dead = 1", params: [run.id] },
    ...purgeRun.map((sql) => ({
      sql: `${sql} AND NOT EXISTS (SELECT 1 FROM run WHERE id = ?)`,
      params: [run.id, run.id],
    })),
  ]);
  return results[0]?.changes ?? 0;
}
