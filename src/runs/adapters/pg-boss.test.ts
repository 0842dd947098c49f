import { Pool } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { startPostgres } from "../../../test/lib/postgres.ts";
import { silentLogger } from "../../telemetry/index.ts";
import type { ClaimRequest, Ticket } from "../queue/queue.ts";
import { pgBossQueue } from "./pg-boss.ts";

import type { SqlRow, SqlServer } from "./pg-boss-sql.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function open(url: string) {
  const pool = new Pool({ connectionString: url, max: 6 });
  pool.on("error", () => {});
  const sql: SqlServer = {
    async query(text, values) {
      const result = await pool.query(text, values && [...values]);
      return { rows: [result].flat().flatMap((each: { rows: SqlRow[] }) => each.rows) };
    },
    async transaction(body) {
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        const done = await body({ query: (text, values) => client.query(text, values && [...values]) });
        await client.query("COMMIT");
        return done;
      } catch (error) {
        await client.query("ROLLBACK");
        throw error;
      } finally {
        client.release();
      }
    },
    async listen(channel, heard) {
      const client = await pool.connect();
      client.on("notification", ({ payload = "" }) => heard(payload));
      await client.query(`LISTEN ${channel}`);
      return {
        async [Symbol.asyncDispose]() {
          client.release(true);
        },
      };
    },
  };
  await pool.query(
    "create table if not exists run(id text, queue text, tenant text, workflow text, status text, owner text, finished_at bigint); create table if not exists run_served(queue text, priority bigint, turn bigint, primary key(queue, priority))",
  );
  const queue = pgBossQueue({ server: sql, logger: silentLogger });
  return {
    queue,
    sql,
    async [Symbol.asyncDispose]() {
      await queue[Symbol.asyncDispose]();
      await pool.end();
    },
  };
}
const ticket = (runId: string, more: Partial<Ticket> = {}): Ticket => ({
  runId,
  epoch: 0,
  queue: "mail",
  workflow: "send",
  tenant: undefined,
  priority: 0,
  turn: 0,
  dueAt: undefined,
  ...more,
});
const ask = (more: Partial<ClaimRequest> = {}): ClaimRequest => ({
  queue: "mail",
  limit: 10,
  owner: "own_a",
  workflows: ["send"],
  concurrency: Infinity,
  perTenant: Infinity,
  tenants: {},
  perWorkflow: {},
  ...more,
});
const ids = (tickets: readonly Ticket[]) => tickets.map(({ runId }) => runId);

describe("the queue of pg-boss", () => {
  test("hands out by priority, turn and age", async () => {
    await using it = await open(await server.createDatabase());
    await it.queue.offer([
      ticket("b", { turn: 2e6 }),
      ticket("a", { turn: 2e6 }),
      ticket("c", { priority: 3, turn: 9e6 }),
      ticket("d", { turn: 1e6 }),
    ]);
    await it.queue.offer([ticket("a", { turn: 2e6 })]);
    expect(await it.queue.claim(ask())).toEqual([
      ticket("c", { priority: 3, turn: 9e6 }),
      ticket("d", { turn: 1e6 }),
      ticket("a", { turn: 2e6 }),
      ticket("b", { turn: 2e6 }),
    ]);
    await it.queue.offer([ticket("a", { turn: 2e6 })]);
    expect(await it.queue.claim(ask())).toEqual([]);
    await it.queue.settle([ticket("a")]);
    await it.queue.offer([ticket("a", { turn: 2e6 })]);
    expect(ids(await it.queue.claim(ask()))).toEqual(["a"]);
    await it.queue.release("own_a");
    expect((await it.sql.query("select * from atlas_queue.job")).rows).toEqual([]);
  });
  test("keeps limits", async () => {
    await using it = await open(await server.createDatabase());
    const all = Array.from({ length: 100 }, (_, i) =>
      ticket(`r${String(i).padStart(3, "0")}`, {
        tenant: `t${i % 4}`,
        turn: i * 1e6,
        workflow: i % 10 ? "send" : "strange",
      }),
    );
    await it.queue.offer(all);
    const first = await it.queue.claim(ask({ limit: 64, perTenant: 2, tenants: { t1: 5 } }));
    expect(ids(first)).toEqual([
      "r001",
      "r002",
      "r003",
      "r004",
      "r005",
      "r006",
      "r007",
      "r008",
      "r009",
      "r013",
      "r017",
    ]);
    expect(await it.queue.claim(ask({ limit: 64, perTenant: 2, tenants: { t1: 5 } }))).toEqual([]);
    await it.queue.settle(first.slice(0, 3));
    expect(ids(await it.queue.claim(ask({ limit: 64, perTenant: 2, tenants: { t1: 5 } })))).toEqual([
      "r011",
      "r014",
      "r021",
    ]);
    expect(await it.queue.claim(ask({ limit: 64, concurrency: 12 }))).toHaveLength(1);
    expect(await it.queue.claim(ask({ limit: 64, perWorkflow: { send: 20 } }))).toHaveLength(8);
    expect(await it.queue.claim(ask({ limit: 64, workflows: ["strange"] }))).toHaveLength(10);
  });
});
