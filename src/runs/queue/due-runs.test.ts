import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../storage/index.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { manualClock } from "../../testing/index.ts";
import type { ManualClock } from "../../testing/index.ts";
import { runMigrations } from "../schema.ts";
import { watchDueRuns } from "./due-runs.ts";
import type { DueRuns } from "./due-runs.ts";

let folder: string;
let database: Database;
let clock: ManualClock;
let due: DueRuns;
let rung: string[];
let heard: () => void = () => {};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-due-"));
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
  await database.migrate("runs", runMigrations);
  clock = manualClock();
  rung = [];
  due = watchDueRuns(database, clock, {
    ready: (queues) => {
      rung.push(...queues);
      heard();
    },
    failed: (error) => {
      throw error;
    },
  });
});

afterEach(async () => {
  due[Symbol.dispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function add(id: string, dueAt: number, { queue = "work", status = "queued" } = {}): Promise<void> {
  const sql = `INSERT INTO run(id, workflow, status, tags, epoch, checkpoint_seq, input, queue, due_at, created_at, updated_at)
    VALUES(?, 'flow', ?, '{}', 0, 0, 'null', ?, ?, 1, 1)`;
  await database.write([{ sql, params: [id, status, queue, dueAt] }]);
}

async function waiting(): Promise<readonly string[]> {
  const rows = await database.read({ sql: "SELECT id FROM run WHERE due_at IS NOT NULL ORDER BY id" });
  return rows.map((row) => String(row["id"]));
}

/** Moves time on and waits until the bell has rung. */
async function advanceToRing(ms: number): Promise<void> {
  const ringing = new Promise<void>((resolve) => (heard = resolve));
  await clock.advance(ms);
  await ringing;
}

describe("runs whose time has not come", () => {
  it("are woken when it comes, each at its own time, with one timer", async () => {
    await add("run_b", clock.now() + 2_000, { queue: "later" });
    await add("run_a", clock.now() + 1_000, { queue: "sooner" });
    await due.look();
    expect(clock.sleeping).toBe(1);
    await advanceToRing(1_000);
    expect(rung).toEqual(["sooner"]);
    expect(await waiting()).toEqual(["run_b"]);
    await clock.waitForSleepers(1);
    await advanceToRing(1_000);
    expect(rung).toEqual(["sooner", "later"]);
    expect(await waiting()).toEqual([]);
  });

  it("are woken earlier when an earlier one comes", async () => {
    await add("run_a", clock.now() + 60_000);
    await due.look();
    await add("run_b", clock.now() + 10, { queue: "soon" });
    due.expect(clock.now() + 10);
    await advanceToRing(10);
    expect(rung).toEqual(["soon"]);
  });

  it("are woken at once when their time passed while nobody looked", async () => {
    for (let index = 0; index < 1_200; index++) await add(`run_${index}`, clock.now() - 1_000 + index / 2);
    await due.look();
    expect(await waiting()).toEqual([]);
    expect(new Set(rung)).toEqual(new Set(["work"]));
  });

  it("get turns as if they came now, so that a tenant's plans do not hold up its work", async () => {
    await add("run_a", clock.now() - 1);
    await due.look();
    const rows = await database.read({ sql: "SELECT turn FROM run" });
    expect(Number(rows[0]?.["turn"])).toBeGreaterThan(0);
  });

  it("stay asleep when they wait for other runs, too", async () => {
    await add("run_a", clock.now() - 1, { status: "blocked" });
    await due.look();
    expect(await waiting()).toEqual(["run_a"]);
    expect(clock.sleeping).toBe(0);
  });
});
