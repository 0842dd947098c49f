import { describe, expect, it } from "vitest";
import { z } from "zod";
import { database, events, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import { baseErrors } from "../../base/index.ts";
import type { RunHandle } from "../index.ts";
import { workflow } from "../index.ts";

useEngine();

let works = false;
const keys: string[] = [];
const order = workflow({
  name: "order",
  input: z.object({ item: z.string() }),
  run: async (context, { item }) => {
    await context.step("reserve", ({ idempotencyKey }) => void keys.push(idempotencyKey));
    return await context.step("charge", ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (!works) throw baseErrors.create("timed_out", "The bank is away.", { retry: "never" });
      return `${item} is paid`;
    });
  },
});
const other = workflow({ name: "other", run: () => Promise.reject(new Error("broken")) });

async function die(count = 1): Promise<RunHandle<unknown>[]> {
  works = false;
  keys.length = 0;
  const made: RunHandle<unknown>[] = [];
  for (let each = 0; each < count; each++) {
    const run = await runs.start(
      order,
      { item: `book ${each}` },
      { queue: "shop", tenant: "acme", key: `order-${each}` },
    );
    await run.result().catch(() => {});
    made.push(run);
  }
  return made;
}

async function resultsOf(ids: readonly string[]): Promise<unknown[]> {
  return await Promise.all(ids.map(async (id) => await (await runs.open(id)).result()));
}

describe("dead letters", () => {
  it("are listed by queue, workflow and code, and tell their whole story", async () => {
    const [dead] = await die();
    const second = await runs.start(other, null, { queue: "rest", retry: { attempts: 2, minDelayMs: 0 } });
    await second.result().catch(() => {});
    const list = async (filter: object) => (await runs.deadLetters.list(filter)).map(({ id }) => id);
    expect(await list({})).toEqual([second.id, dead?.id]);
    expect(await list({ queue: "shop" })).toEqual([dead?.id]);
    expect(await list({ workflow: "other" })).toEqual([second.id]);
    expect(await list({ code: "timed_out" })).toEqual([dead?.id]);
    expect(await list({ code: "timed%out" })).toEqual([]);
    expect(await list({ limit: 1 })).toEqual([second.id]);
    const story = await runs.deadLetters.show(second.id);
    expect(story).toMatchObject({
      run: { input: null, status: "failed", dead: true, error: { message: "broken" } },
      attempts: [
        { attempt: 1, error: { message: "broken" } },
        { attempt: 2, error: { message: "broken" } },
      ],
    });
    expect(story.attempts[0]?.owner).toMatch(/^worker-/);
    expect(story.events).toEqual(await events(second));
  });

  it("are redriven as new runs that go on where the dead ones failed, with the same idempotency keys", async () => {
    const [dead] = await die();
    works = true;
    const made = await runs.deadLetters.redrive({ ids: [dead?.id ?? ""] });
    expect(await resultsOf(made)).toEqual(["book 0 is paid"]);
    expect(keys).toEqual(["reserve", "charge", "charge"].map((key) => `${dead?.id}:${key}`));
    const [id = ""] = made;
    expect(await (await runs.open(id)).record()).toMatchObject({
      originId: dead?.id,
      attempt: 2,
      tenant: "acme",
      key: "order-0",
    });
    expect(await dead?.record()).toMatchObject({ status: "failed", dead: false });
    await expect(runs.deadLetters.show(dead?.id ?? "")).rejects.toMatchObject({ code: "run_not_dead" });
    await expect(runs.deadLetters.redrive({ ids: [dead?.id ?? ""] })).rejects.toMatchObject({ code: "run_not_dead" });
    await expect(runs.deadLetters.purge({ ids: ["run_none"] })).rejects.toMatchObject({ code: "run_not_found" });
  });

  it("are redriven from the start, or with another input that fits the schema", async () => {
    const [first, second] = await die(2);
    works = true;
    const again = await runs.deadLetters.redrive({ ids: [first?.id ?? ""] }, { fromStart: true });
    expect(await resultsOf(again)).toEqual(["book 0 is paid"]);
    expect(keys.slice(4)).toEqual([`${first?.id}:reserve`, `${first?.id}:charge`]);
    const wrong = runs.deadLetters.redrive({ ids: [second?.id ?? ""] }, { input: { item: 5 } });
    await expect(wrong).rejects.toMatchObject({ code: "invalid_input" });
    const edited = await runs.deadLetters.redrive({ ids: [second?.id ?? ""] }, { input: { item: "map" } });
    expect(await resultsOf(edited)).toEqual(["map is paid"]);
    expect(keys.slice(6)).toEqual([`${edited[0]}:reserve`, `${edited[0]}:charge`]);
  });

  it("die again with the whole story when the redriven run fails too", async () => {
    const [dead] = await die();
    const [id = ""] = await runs.deadLetters.redrive({ queue: "shop" });
    await expect((await runs.open(id)).result()).rejects.toThrow("The bank is away.");
    expect((await runs.deadLetters.list()).map((run) => run.id)).toEqual([id]);
    works = true;
    expect(await resultsOf(await runs.deadLetters.redrive({}))).toEqual(["book 0 is paid"]);
    expect(keys.every((key) => key.startsWith(`${dead?.id}:`))).toBe(true);
    expect(keys.filter((key) => key.endsWith(":reserve"))).toHaveLength(1);
  });

  it("are redriven in the order in which they were started", async () => {
    const dead = await die(3);
    await restart({ worker: false });
    const made = await runs.deadLetters.redrive({ limit: 2 });
    const origins = await Promise.all(made.map(async (id) => (await (await runs.open(id)).record()).originId));
    const oldest = dead.map(({ id }) => id).toSorted();
    expect(origins).toEqual(oldest.slice(0, 2));
    const turns = await database.read({ sql: "SELECT origin_id FROM run WHERE status = 'queued' ORDER BY turn" });
    expect(turns.map((row) => row["origin_id"])).toEqual(origins);
  });

  it("are also the runs that ended their workers again and again", async () => {
    await restart({ worker: false });
    const run = await runs.start(order, { item: "bomb" }, { queue: "shop" });
    const lost = [2, 3, 4, 5, 6].map((seq) => ({
      sql: "INSERT INTO run_event(run_id, seq, type, at, data) VALUES(?, ?, 'run.returned', 1, ?)",
      params: [run.id, seq, JSON.stringify({ lost: true })],
    }));
    await database.write(lost);
    await restart();
    runs.register(order);
    await expect((await runs.open(run.id)).result()).rejects.toMatchObject({ code: "run_poisoned" });
    expect(await runs.deadLetters.list({ code: "run_poisoned" })).toMatchObject([{ id: run.id, dead: true }]);
    works = true;
    const [id = ""] = await runs.deadLetters.redrive({ code: "run_poisoned" });
    expect(await (await runs.open(id)).result()).toBe("bomb is paid");
  });

  it("are redriven once, however many ask at the same time", async () => {
    const [dead] = await die();
    works = true;
    const asked = await Promise.all([1, 2, 3].map(() => runs.deadLetters.redrive({ queue: "shop" })));
    expect(asked.flat()).toHaveLength(1);
    expect(await runs.list({ queue: "shop" })).toHaveLength(2);
    expect(dead).toBeDefined();
  });

  it("are not redriven while an unfinished run has their key", async () => {
    const [dead] = await die();
    await runs.queues.pause("shop");
    await runs.start(order, { item: "pen" }, { queue: "shop", tenant: "acme", key: "order-0" });
    expect(await runs.deadLetters.redrive({})).toEqual([]);
    expect(await dead?.record()).toMatchObject({ dead: true });
  });

  it("are redriven and purged many at a time", async () => {
    await die(3);
    await restart({ worker: false });
    await database.write([
      {
        sql: `INSERT INTO run(id, workflow, version, status, tags, epoch, checkpoint_seq, input, error, queue, dead, created_at, updated_at, finished_at)
          WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 349)
          SELECT 'run_0' || i, 'order', '1', 'failed', '{}', 1, 0, '{"item":"x"}', '{"code":"timed_out"}', 'shop', 1, 1, 1, 1 FROM n`,
      },
    ]);
    expect(await runs.deadLetters.redrive({ queue: "shop", limit: 120 })).toHaveLength(120);
    expect(await runs.deadLetters.purge({ code: "timed_out", limit: 30 })).toBe(30);
    expect(await runs.deadLetters.purge({})).toBe(103);
    expect(await runs.deadLetters.list()).toEqual([]);
    expect(await runs.queues.show("shop")).toMatchObject({ dead: 0, ready: 120 });
  });

  it("outlive other finished runs, by their own retention", async () => {
    const [dead] = await die();
    await restart({ retention: { keepMs: -1, maxRuns: 0 } });
    const done = await runs.start(workflow({ name: "done", run: async () => 1 }), null);
    await done.result();
    await runs.prune();
    expect((await runs.list()).map(({ id }) => id)).toEqual([dead?.id]);
    await restart({ retention: { keepDeadMs: -1 } });
    expect(await runs.prune()).toBe(1);
    expect(await runs.list()).toEqual([]);
  });
});
