import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import type { Database } from "../../storage/index.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { manualClock } from "../../testing/index.ts";
import type { BenchRecord, RewardLedger } from "./ledger.ts";
import type { RewardEntry } from "./record.ts";
import { openRewards } from "./open-rewards.ts";

const server = { started: undefined as PostgresServer | undefined };
afterAll(async () => await server.started?.[Symbol.asyncDispose]());

/** Gives what opens one new database as often as it is called. */
const stores: Readonly<Record<string, () => Promise<() => Promise<Database>>>> = {
  sqlite: async () => {
    const path = join(folder, "atlas.db");
    return async () => await sqlite({ path });
  },
  postgres: async () => {
    server.started ??= await startPostgres();
    const url = await server.started.createDatabase("rewards");
    return async () => await postgres({ url });
  },
};

let folder: string;
let open: () => Promise<Database>;
let database: Database;
let ledger: RewardLedger;
const clock = manualClock();
const halfLifeMs = 1000;

describe.each(Object.entries(stores))("on %s", (_, make) => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "atlas-rewards-"));
    open = await make();
    database = await open();
    ledger = await openRewards({ database, clock, halfLifeMs });
  });
  afterEach(async () => {
    await database[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const entry = (id: string, changes: Partial<RewardEntry> = {}): RewardEntry => ({
    id,
    task: "code",
    agent: "mender",
    model: "a/one",
    tools: ["write", "read"],
    offset: 10,
    tokens: 100,
    parts: [],
    ...changes,
  });

  test("a run is counted once, however often and from wherever it is told", async () => {
    await using other = await open();
    const second = await openRewards({ database: other, clock });
    const told = await Promise.all(
      Array.from({ length: 8 }, (_, index) => (index % 2 ? ledger : second).record(entry("r1"))),
    );
    expect(told.filter(Boolean)).toHaveLength(1);
    const known = await ledger.statistics(entry("r1"), "code");
    expect([known.runs, known.tokens]).toEqual([{ positive: 1, zero: 0, negative: 0 }, 100]);
  });

  test("a set of tools is the same in any order, and rewards are apart by task, agent, model and tools", async () => {
    await ledger.record(entry("r1", { tools: ["read", "write", "read"] }));
    await ledger.record(entry("r2"));
    await ledger.record(entry("r3", { tools: ["read"] }));
    await ledger.record(entry("r4", { model: "b/two", offset: -1 }));
    await ledger.record(entry("r5", { task: "text", offset: 0 }));
    const shown = (await ledger.list()).map(({ task, model, tools, runs }) => [
      task,
      model,
      tools.join(),
      runs.positive,
    ]);
    expect(shown).toEqual([
      ["code", "a/one", "read", 1],
      ["code", "a/one", "read,write", 2],
      ["code", "b/two", "read,write", 0],
      ["text", "a/one", "read,write", 0],
    ]);
    const { agent, tools } = entry("");
    expect((await ledger.statistics({ agent, tools }, "code")).runs).toEqual({ positive: 2, zero: 0, negative: 1 });
  });

  test("old records count less by half for each half-life", async () => {
    await ledger.record(entry("old", { offset: 1 }));
    await clock.advance(2 * halfLifeMs);
    await ledger.record(entry("new", { offset: 11 }));
    const { offset, logReward } = await ledger.statistics(entry(""), "code");
    expect(offset.mean).toBeCloseTo((0.25 * 1 + 11) / 1.25, 9);
    expect(logReward.weight).toBeCloseTo(1.25, 9);
  });

  test("records come back as they were told, the newest first, and what is old can be deleted", async () => {
    const parts = [{ name: "todos", offset: 3.5, state: "compared" as const }];
    await ledger.record(entry("a", { parts, offset: 3.5 }));
    await clock.advance(1);
    await ledger.record(entry("b", { offset: -Infinity, tokens: 0 }));
    const [b, a] = await ledger.records({ task: "code" });
    expect(a).toMatchObject({ id: "a", tools: ["read", "write"], parts, offset: 3.5 });
    expect(a?.reward.logMagnitude).toBeCloseTo(Math.log(3.5) - 3 * Math.log(100), 12);
    expect(b).toMatchObject({ id: "b", offset: -Number.MAX_VALUE, reward: { sign: -1 } });
    expect(await ledger.prune(clock.now())).toBe(1);
    expect(await ledger.records()).toHaveLength(1);
  });

  test("of two that bench an arm at once, one is first", async () => {
    const bench = (revision: number, changedBy: string): BenchRecord => ({
      key: "k",
      state: "benched",
      reason: "harmful",
      since: 1,
      until: 2,
      times: 1,
      changedBy,
      revision,
    });
    expect(await ledger.writeBench(bench(1, "a"))).toBe(true);
    expect(await ledger.writeBench(bench(1, "b"))).toBe(false);
    expect(await ledger.writeBench(bench(2, "c"))).toBe(true);
    expect(await ledger.writeBench(bench(2, "d"))).toBe(false);
    expect(await ledger.benches()).toEqual([bench(2, "c")]);
  });

  test("a ledger whose records never count is refused", async () => {
    await expect(openRewards({ database, halfLifeMs: 0 })).rejects.toThrow(
      expect.objectContaining({ code: "reward_invalid" }),
    );
  });
});
