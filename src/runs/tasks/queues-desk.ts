import { baseErrors, stringifyJson } from "../../base/index.ts";
import type { Row } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { cancelledError } from "../refusals.ts";
import { toTicket } from "../queue/ready-runs.ts";
import type { QueueLimits, QueueRecord, Queues } from "../queues.ts";
import { endWaiting } from "./end-waiting.ts";
import { checkName } from "./start-options.ts";
import { readLimits } from "./turnstile.ts";

/** Each count is answered from a partial index that holds just these runs. */
const counts = {
  ready: "status = 'queued' AND paused = 0 AND due_at IS NULL AND owner IS NULL",
  delayed: "status = 'queued' AND due_at IS NOT NULL AND finished_at IS NULL",
  blocked: "status = 'blocked'",
  running: "queue IS NOT NULL AND owner IS NOT NULL AND finished_at IS NULL AND status <> 'waiting'",
  dead: "dead = 1",
} as const;
type Count = keyof typeof counts;
const names = Object.keys(counts) as Count[];

const saveQueue = {
  paused: "INSERT INTO run_queue(name, paused) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET paused = ?2",
  limits: "INSERT INTO run_queue(name, limits) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET limits = ?2",
} as const;
const notBegun = `SELECT id, epoch, queue, workflow, tenant, priority, turn FROM run
  WHERE id > ? AND queue = ? AND status IN ('queued', 'blocked') AND epoch = 0 AND owner IS NULL ORDER BY id LIMIT ?`;
const forgetTurns = "DELETE FROM run_turn WHERE queue = ?";
const batchSize = 200;

/** Makes the desk at which queues are seen and steered. */
export function createQueues(engine: Engine): Queues {
  const { database } = engine.options;
  const save = async (name: string, what: keyof typeof saveQueue, value: string | number): Promise<void> => {
    checkName("queue", name);
    await database.write([{ sql: saveQueue[what], params: [name, value] }]);
    engine.changed();
  };
  return {
    list: () => readQueues(engine),
    async show(name) {
      checkName("queue", name);
      return (await readQueues(engine, name))[0] ?? emptyQueue(name);
    },
    pause: (name) => save(name, "paused", 1),
    resume: (name) => save(name, "paused", 0),
    async limit(name, limits) {
      checkLimits(limits);
      await save(name, "limits", stringifyJson(limits, `limits of the queue ${name}`, 100_000));
    },
    async purge(name) {
      checkName("queue", name);
      const ended: string[] = [];
      for (let after = ""; ;) {
        const rows = await database.read({ sql: notBegun, params: [after, name, batchSize] });
        const purged = await Promise.all(rows.map((row) => purgeRun(engine, row)));
        ended.push(...purged.flat());
        if (rows.length < batchSize) break;
        after = String(rows.at(-1)?.["id"] ?? "");
      }
      // Who had many runs here would otherwise wait as long as if they had been done.
      if (ended.length > 0) await database.write([{ sql: forgetTurns, params: [name] }]);
      // Told at the end: runs of this queue that depend on each other are purged, and do not fail because of it.
      for (const id of ended) engine.ended(id);
      engine.notify();
      return ended.length;
    },
  };
}

async function purgeRun(engine: Engine, row: Row): Promise<readonly string[]> {
  const ticket = toTicket(row);
  const { runId: id, epoch } = ticket;
  const error = cancelledError(id, "its queue was purged").toJSON();
  if (!(await endWaiting(engine, { id, epoch }, { status: "cancelled", error, dead: false }))) return [];
  const queue = await engine.queue();
  await queue.withdraw([ticket]).catch((cause: unknown) => engine.warn(`the ticket of ${id} not taken back`, cause));
  return [id];
}

async function readQueues(engine: Engine, only?: string): Promise<readonly QueueRecord[]> {
  const { database } = engine.options;
  const and = only === undefined ? "" : " AND queue = ?";
  const params = only === undefined ? [] : [only];
  const counted = await Promise.all(
    names.map(async (name) => {
      const sql = `SELECT queue, count(*) AS runs FROM run WHERE ${counts[name]}${and} GROUP BY queue`;
      return (await database.read({ sql, params })).map((row) => ({
        queue: row["queue"] === null ? "" : String(row["queue"]),
        count: { [name]: Number(row["runs"]) },
      }));
    }),
  );
  const where = only === undefined ? "" : " WHERE name = ?";
  const known = await database.read({ sql: `SELECT name, paused, limits FROM run_queue${where}`, params });
  const queues = new Map(
    known.map((row): [string, QueueRecord] => {
      const name = String(row["name"]);
      return [name, { ...emptyQueue(name), paused: row["paused"] === 1, limits: readLimits(row["limits"]) }];
    }),
  );
  for (const { queue, count } of counted.flat())
    if (queue !== "") queues.set(queue, { ...(queues.get(queue) ?? emptyQueue(queue)), ...count });
  return [...queues.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function emptyQueue(name: string): QueueRecord {
  return { name, paused: false, limits: {}, ready: 0, delayed: 0, blocked: 0, running: 0, dead: 0 };
}

function checkLimits({ concurrency, perTenant, tenants = {}, weights = {} }: QueueLimits): void {
  for (const [name, value] of Object.entries({ concurrency, perTenant, ...prefixed("tenants", tenants) }))
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      throw invalid(name, value, "a whole number from 0 on");
  for (const [name, value] of Object.entries(prefixed("weights", weights)))
    if (!(value >= 0.001 && value <= 1_000)) throw invalid(name, value, "from 0.001 to 1000");
  for (const tenant of [...Object.keys(tenants), ...Object.keys(weights)]) checkName("tenant", tenant);
}

function prefixed(group: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}.${name}`, value]));
}

function invalid(name: string, value: number, wanted: string): Error {
  return baseErrors.create("invalid_input", `The limit ${name} is ${value}; it must be ${wanted}.`, {
    details: { limit: name },
  });
}
