import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agent } from "../../agents/index.ts";
import type { Database } from "../../storage/index.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { manualClock } from "../../testing/index.ts";
import { z } from "zod";
import { tool } from "../../tools/index.ts";
import type { Arm } from "./arm.ts";
import { armOf, armsOf } from "./arm.ts";
import type { RewardLedger } from "./ledger.ts";
import { openRewards } from "./open-rewards.ts";
import { rewardSelector } from "./selector.ts";
import type { SelectorOptions } from "./selector.ts";

let folder: string;
let database: Database;
let ledger: RewardLedger;
let told: number;
const clock = manualClock();
const day = 86_400_000;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-selector-"));
  database = await sqlite({ path: join(folder, "atlas.db") });
  ledger = await openRewards({ database, clock });
  told = 0;
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const [good, fair, bad] = ["good", "fair", "bad"].map((name) => armOf(agent({ name }))) as [Arm, Arm, Arm];
const selector = (options: Partial<SelectorOptions> = {}) =>
  rewardSelector({ ledger, arms: [good, fair, bad], clock, seed: 1, ...options });

async function tell(arm: Arm, offset: number, tokens = 1000): Promise<void> {
  const { agent: name, tools, model = "a/one" } = arm;
  await ledger.record({ id: `r${++told}`, task: "", agent: name, model, tools, offset, tokens, parts: [] });
}

test("each arm is tried before anything is compared, and a seed gives the same choices", async () => {
  const [one, two] = [selector({ seed: 5 }), selector({ seed: 5 })];
  const chosen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const [choice, same] = [await one.choose(), await two.choose()];
    expect(same.arm).toBe(choice.arm);
    expect(choice.reason).toBe("cold");
    chosen.add(choice.arm.agent);
    await tell(choice.arm, 1);
  }
  expect([...chosen].toSorted()).toEqual(["bad", "fair", "good"]);
});

test.each(["thompson", "ucb"] as const)(
  "with %s, the arm that earns most is chosen most, and others are still tried",
  async (exploration) => {
    for (let round = 0; round < 4; round++)
      for (const [arm, offset] of [
        [good, 20],
        [fair, 10],
        [bad, 8],
      ] as const)
        await tell(arm, offset + round, 1000 + 400 * round);
    const choosing = selector({ exploration, limits: false });
    const counts: Record<string, number> = {};
    for (let round = 0; round < 60; round++) {
      const { arm } = await choosing.choose();
      counts[arm.agent] = (counts[arm.agent] ?? 0) + 1;
    }
    expect(counts["good"] ?? 0).toBeGreaterThan(20);
    if (exploration === "thompson") expect(Object.keys(counts).length).toBeGreaterThan(1);
    const { arm, reason, candidates } = await selector({ width: 0, limits: false }).choose();
    expect([arm.agent, reason]).toEqual(["good", "best"]);
    expect(candidates.map(({ agent, runs, state }) => [agent, runs, state])).toEqual([
      ["good", 4, "active"],
      ["fair", 4, "active"],
      ["bad", 4, "active"],
    ]);
  },
);

test("a bias for tools is added to what an arm is believed to be worth", async () => {
  for (const arm of [good, fair, bad]) for (let round = 0; round < 3; round++) await tell(arm, 10);
  const { arm, candidates } = await selector({
    width: 0,
    bias: ({ agent: name }) => (name === "fair" ? 1 : 0),
  }).choose();
  expect([arm.agent, candidates[1]?.bias]).toEqual(["fair", 1]);
});

test("an arm that harms is benched with a reason, comes back on probation, and stays away longer the next time", async () => {
  for (let round = 0; round < 3; round++) {
    await tell(good, 10);
    await tell(fair, 10);
    await tell(bad, -10);
  }
  const benched = await selector().choose({ by: "run_1" });
  expect(benched.changes).toMatchObject([
    { type: "arm.benched", record: { reason: "harmful", times: 1, until: clock.now() + day } },
  ]);
  expect(benched.changes[0]?.likelyHarmful).toBeGreaterThan(0.95);
  expect((await selector().choose({ by: "run_1" })).changes, "a step that is done again").toEqual(benched.changes);
  const later = await selector().choose({ by: "run_2" });
  expect([later.changes, later.candidates[2]?.state]).toEqual([[], "benched"]);
  for (let round = 0; round < 20; round++) expect((await selector({ seed: round }).choose()).arm).not.toBe(bad);

  await clock.advance(day);
  const returned = await selector().choose();
  expect(returned.changes).toMatchObject([
    { type: "arm.returned", record: { state: "probation", reason: "cooldown_over" } },
  ]);
  expect([returned.candidates[2]?.runs, returned.candidates[2]?.state], "what was before is forgiven").toEqual([
    0,
    "probation",
  ]);
  await tell(bad, -1);
  await tell(bad, -1);
  const again = await selector().choose();
  expect(again.changes).toMatchObject([
    { record: { reason: "failed_probation", times: 2, until: clock.now() + 2 * day } },
  ]);
});

test("an arm that does well on probation is free again", async () => {
  for (let round = 0; round < 3; round++) for (const arm of [good, fair, bad]) await tell(arm, arm === bad ? -10 : 10);
  await selector().choose();
  await clock.advance(day);
  await selector().choose();
  await tell(bad, 5);
  await tell(bad, 5);
  expect((await selector().choose()).changes).toEqual([]);
  expect(await ledger.benches()).toMatchObject([{ state: "free", reason: "passed_probation", times: 0 }]);
});

test("an arm that spends tokens and pays nothing off is benched, but never the last", async () => {
  for (let round = 0; round < 6; round++) for (const arm of [good, fair, bad]) await tell(arm, 0);
  const { changes, candidates, reason } = await selector().choose();
  expect(changes.map(({ record }) => record.reason)).toEqual(["no_offset", "no_offset"]);
  expect(candidates.filter(({ state }) => state !== "benched")).toHaveLength(1);
  expect(reason).toBe("only");
});

test("arms vary an agent by model and by tools, and share its name in the ledger", () => {
  const [read, write] = ["read", "write"].map((name) => tool({ name, input: z.object({}), run: () => 1 }));
  if (!read || !write) throw new Error("tools");
  const arms = armsOf(agent({ name: "mender", tools: [write, read] }), {
    models: ["a/one", "b/two"],
    toolSets: [["read", "write"], ["read"]],
  });
  expect(arms.map(({ agent: name, model, tools }) => [name, model, tools.join()])).toEqual([
    ["mender", "a/one", "read,write"],
    ["mender", "b/two", "read,write"],
    ["mender", "a/one", "read"],
    ["mender", "b/two", "read"],
  ]);
  expect(new Set(arms.map(({ member }) => member.name)).size).toBe(2);
});

test("no arm is refused, and so are two of one kind", () => {
  expect(() => selector({ arms: [] })).toThrow(/at least one/);
  expect(() => selector({ arms: [good, good] })).toThrow(/two arms/);
});
