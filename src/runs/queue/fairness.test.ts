import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../storage/index.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { runMigrations } from "../schema.ts";
import { databaseQueue } from "./database-queue.ts";
import type { ClaimRequest, Queue, Ticket } from "./queue.ts";
import { allotTurns } from "./turns.ts";

let folder: string;
let database: Database;
let queue: Queue;
let made = 0;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-fairness-"));
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
  await database.migrate("runs", runMigrations);
  queue = databaseQueue(database);
});

afterEach(async () => {
  await queue[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Arrival {
  readonly tenant: number;
  readonly priority: number;
  readonly count: number;
}

/** Puts runs of a tenant into a queue, as starting them does. */
async function enqueue(name: string, weights: readonly number[], { tenant, priority, count }: Arrival): Promise<void> {
  const wish = { queue: name, priority, tenant: `tenant-${tenant}`, weight: weights[tenant] };
  const turns = await allotTurns(
    database,
    Array.from({ length: count }, () => wish),
  );
  await database.write(
    turns.map((turn) => ({
      sql: `INSERT INTO run(id, workflow, status, tags, epoch, checkpoint_seq, input, tenant, queue, priority, turn, created_at, updated_at)
        VALUES(?, 'flow', 'queued', '{}', 0, 0, 'null', ?, ?, ?, ?, 1, 1)`,
      params: [`run_${(made++).toString().padStart(9, "0")}`, wish.tenant, name, priority, turn],
    })),
  );
}

async function claim(name: string, limit: number): Promise<readonly Ticket[]> {
  const request: ClaimRequest = {
    queue: name,
    limit,
    owner: "own_tester",
    workflows: ["flow"],
    concurrency: Infinity,
    perTenant: Infinity,
    tenants: {},
    perWorkflow: {},
  };
  return await queue.claim(request);
}

function tenantOf({ tenant = "" }: Ticket): number {
  return Number(tenant.split("-")[1]);
}

/**
 * Watches two tenants of one priority: while both wait, what one has got beyond the other, by weight, stays within one run of each.
 * Whenever one of them has nothing waiting, the count begins anew.
 */
class Scale {
  #low = 0;
  #high = 0;
  #now = 0;
  readonly #a: number;
  readonly #b: number;

  constructor(a: number, b: number) {
    this.#a = a;
    this.#b = b;
  }

  got(tenant: number, weights: readonly number[]): void {
    if (tenant === this.#a) this.#now += 1 / (weights[tenant] ?? 1);
    if (tenant === this.#b) this.#now -= 1 / (weights[tenant] ?? 1);
    this.#low = Math.min(this.#low, this.#now);
    this.#high = Math.max(this.#high, this.#now);
    const bound = 1 / (weights[this.#a] ?? 1) + 1 / (weights[this.#b] ?? 1);
    expect(this.#high - this.#low, "one of two waiting tenants got too much").toBeLessThanOrEqual(bound + 1e-6);
  }

  restart(): void {
    this.#low = this.#high = this.#now = 0;
  }
}

/** Counts what waits, of each tenant, in each priority. */
class Backlogs {
  readonly #waiting = new Map<string, number>();

  add(tenant: number, priority: number, count: number): void {
    const key = `${priority} ${tenant}`;
    this.#waiting.set(key, this.of(tenant, priority) + count);
  }

  of(tenant: number, priority: number): number {
    return this.#waiting.get(`${priority} ${tenant}`) ?? 0;
  }

  get highest(): number {
    const found = [...this.#waiting].filter(([, count]) => count > 0).map(([key]) => Number(key.split(" ")[0]));
    return Math.max(-Infinity, ...found);
  }
}

const tenants = [0, 1, 2, 3];
const priorities = [0, 5];
const act = fc.oneof(
  fc.record({
    tenant: fc.constantFrom(...tenants),
    priority: fc.constantFrom(...priorities),
    count: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 20, max: 60 })),
  }),
  fc.record({ claim: fc.integer({ min: 1, max: 16 }) }),
);
const scenario = fc.record({
  weights: fc.tuple(...tenants.map(() => fc.constantFrom(1, 1, 2, 5))),
  acts: fc.array(act, { minLength: 5, maxLength: 30 }),
});

describe("a queue shared by tenants", () => {
  it(
    "serves two tenants that wait in equal measure, by weight, whatever came before",
    { timeout: 60_000 },
    async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(scenario, async ({ weights, acts }) => {
          const name = `round-${round++}`;
          const backlogs = new Backlogs();
          const scales = new Map<string, Scale>();
          for (const priority of priorities)
            for (const a of tenants)
              for (const b of tenants) if (a < b) scales.set(`${priority} ${a} ${b}`, new Scale(a, b));
          const restartIdle = (): void => {
            for (const [key, scale] of scales) {
              const [priority = 0, a = 0, b = 0] = key.split(" ").map(Number);
              if (backlogs.of(a, priority) === 0 || backlogs.of(b, priority) === 0) scale.restart();
            }
          };
          const take = async (limit: number): Promise<number> => {
            const tickets = await claim(name, limit);
            for (const ticket of tickets) {
              expect(ticket.priority, "a higher priority was passed by").toBe(backlogs.highest);
              const tenant = tenantOf(ticket);
              backlogs.add(tenant, ticket.priority, -1);
              for (const [key, scale] of scales) if (key.startsWith(`${ticket.priority} `)) scale.got(tenant, weights);
              restartIdle();
            }
            return tickets.length;
          };
          for (const each of acts) {
            if ("claim" in each) await take(each.claim);
            else {
              await enqueue(name, weights, each);
              backlogs.add(each.tenant, each.priority, each.count);
            }
          }
          while ((await take(16)) > 0);
          expect(backlogs.highest, "something was left behind").toBe(-Infinity);
        }),
        { numRuns: 40 },
      );
    },
  );

  it("gives each of twenty tenants its share within five percent, though one has half of the backlog", async () => {
    const weights = Array.from({ length: 20 }, (_, tenant) => (tenant === 19 ? 3 : 1));
    for (let tenant = 0; tenant < 20; tenant++) {
      await enqueue("work", weights, { tenant, priority: 0, count: tenant === 0 ? 2_000 : 100 + 3 * tenant });
    }
    const counts = new Map<number, number>();
    for (let taken = 0; taken < 1_100; taken += 50) {
      for (const ticket of await claim("work", 50))
        counts.set(tenantOf(ticket), (counts.get(tenantOf(ticket)) ?? 0) + 1);
    }
    for (let tenant = 0; tenant < 20; tenant++) {
      const fair = (1_100 * (weights[tenant] ?? 1)) / 22;
      expect(Math.abs((counts.get(tenant) ?? 0) - fair) / fair, `tenant ${tenant}`).toBeLessThanOrEqual(0.05);
    }
  });

  it("lets a newcomer begin at once, behind a backlog of thousands", async () => {
    await enqueue("work", [1, 1], { tenant: 0, priority: 0, count: 5_000 });
    for (let round = 0; round < 5; round++) await claim("work", 20);
    await enqueue("work", [1, 1], { tenant: 1, priority: 0, count: 3 });
    expect((await claim("work", 6)).map(tenantOf).filter((tenant) => tenant === 1)).toHaveLength(3);
  });

  it("gives a tenant that was away no arrears", async () => {
    await enqueue("work", [1, 1], { tenant: 0, priority: 0, count: 200 });
    await enqueue("work", [1, 1], { tenant: 1, priority: 0, count: 1 });
    for (let round = 0; round < 5; round++) await claim("work", 20);
    await enqueue("work", [1, 1], { tenant: 1, priority: 0, count: 50 });
    const next = (await claim("work", 20)).map(tenantOf);
    expect(next.filter((tenant) => tenant === 1)).toHaveLength(10);
  });
});
