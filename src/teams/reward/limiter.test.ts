import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryRewards } from "../../../tools/lib/memory-rewards.ts";
import type { JudgedArm } from "./limiter.ts";
import { reviewBenches } from "./limiter.ts";
import { posteriorOf } from "./posterior.ts";
import { rewardSelector } from "./selector.ts";
import { noSpread } from "./statistics.ts";
import { workflow } from "../../runs/index.ts";

const offset = fc.oneof(fc.constant(0), fc.integer({ min: -20, max: 20 }), fc.double({ noNaN: true }));
const rounds = fc.array(fc.tuple(fc.nat(3), offset, fc.nat(1_000_000), fc.nat(200)), { maxLength: 60 });

test("whatever arms do, somebody is on the list, and a change of a bench says why", async () => {
  await fc.assert(
    fc.asyncProperty(rounds, fc.nat(), async (history, seed) => {
      const { ledger, clock } = memoryRewards();
      const arms = ["a", "b", "c", "d"].map((agent) => ({
        agent,
        tools: [],
        member: workflow({ name: agent, run: async () => 0 }),
      }));
      const selector = rewardSelector({ ledger, arms, clock, seed });
      for (const [index, [arm, points, tokens, hours]] of history.entries()) {
        const agent = arms[arm]?.agent ?? "";
        await ledger.record({
          id: `${index}`,
          task: "",
          agent,
          model: "",
          tools: [],
          offset: points,
          tokens,
          parts: [],
        });
        await clock.advance(hours * 3_600_000);
        const { candidates, changes, arm: chosen } = await selector.choose();
        expect(candidates.some(({ state }) => state !== "benched")).toBe(true);
        expect(candidates.find((each) => each.agent === chosen.agent)?.state).not.toBe("benched");
        for (const { mean, draw } of candidates)
          expect([Number.isFinite(mean), Number.isFinite(draw)]).toEqual([true, true]);
        for (const { record } of changes) expect(record.until).toBeGreaterThanOrEqual(record.since);
      }
    }),
    { numRuns: 60 },
  );
});

test("where all are benched already, the best of them goes on", async () => {
  const { ledger, clock } = memoryRewards();
  const now = clock.now();
  const judged = [-9, -3, -6].map((mean, index): JudgedArm => {
    const score = { weight: 9, mean, variance: 1 };
    const runs = { positive: 0, zero: 0, negative: 9 };
    const statistics = {
      agent: "a",
      tools: [],
      task: "",
      runs,
      score,
      logReward: noSpread,
      offset: score,
      tokens: 9,
      lastAt: now,
    };
    const bench = {
      key: `${index}`,
      state: "benched",
      reason: "harmful",
      since: now,
      until: now + 9,
      times: 1,
      changedBy: "",
      revision: 1,
    } as const;
    return { key: `${index}`, statistics, posterior: posteriorOf(score, { mean: 0, variance: 1 }), bench };
  });
  const { active, changes } = await reviewBenches(judged, { ledger, limits: {}, now, by: "" });
  expect([[...active], changes]).toEqual([["1"], []]);
});
