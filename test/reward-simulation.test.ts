import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { workflow } from "../src/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import { armOf, openRewards, rewardSelector } from "../src/teams/reward/index.ts";
import type { RewardLedger } from "../src/teams/reward/index.ts";
import { manualClock } from "../src/testing/index.ts";
import { memoryRewards } from "../tools/lib/memory-rewards.ts";
import { compare, comparisonTable, simulate } from "../tools/lib/reward-simulation.ts";
import { worlds } from "../tools/lib/reward-worlds.ts";

test.each(worlds.map((world) => [world.name, world] as const))(
  "choosing by reward does in %s what the docs say",
  async (_, world) => {
    const [compared] = await compare(world, ["thompson"], 20);
    if (compared === undefined) throw new Error("nothing was compared");
    const { gain, verdict } = compared;
    if (world.expected === "better") expect([verdict, gain.mean > 3]).toEqual(["better", true]);
    else expect(gain.mean - gain.half, comparisonTable([compared])).toBeLessThan(1);
  },
);

test("a seed gives the same run again", async () => {
  const [world] = worlds;
  if (!world) throw new Error("no world");
  expect(await simulate(world, "thompson", 3)).toEqual(await simulate(world, "thompson", 3));
});

test("the ledger of the simulation leads to the choices that the one in the database leads to", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-reward-simulation-"));
  const arms = ["a", "b", "c"].map((name) => armOf(workflow({ name, run: async () => 0 })));
  const choices = async (ledger: RewardLedger, clock: ReturnType<typeof manualClock>): Promise<readonly string[]> => {
    const selector = rewardSelector({ ledger, arms, clock, seed: 11, coldRuns: 3 });
    const chosen: string[] = [];
    for (let round = 0; round < 25; round++) {
      const { arm, changes } = await selector.choose();
      chosen.push(arm.agent, ...changes.map(({ type, record }) => `${type} ${record.key}`));
      const offset = { a: 6, b: 4, c: -9 }[arm.agent] ?? 0;
      await ledger.record({
        ...arm,
        id: `${round}`,
        task: "",
        model: "",
        offset,
        tokens: 5_000 + 100 * round,
        parts: [],
      });
      await clock.advance(6 * 3_600_000);
    }
    return chosen;
  };
  {
    await using database = await sqlite({ path: join(folder, "atlas.db") });
    const clock = manualClock();
    const memory = memoryRewards();
    const inDatabase = await choices(await openRewards({ database, clock }), clock);
    expect(inDatabase).toEqual(await choices(memory.ledger, memory.clock));
    expect(inDatabase.some((each) => each.startsWith("arm.benched"))).toBe(true);
  }
  rmSync(folder, { recursive: true });
});
