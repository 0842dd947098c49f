import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../base/index.ts";
import { mustFail, registerContract } from "../../../testing/contract.ts";
import {
  brokenStrategies,
  contractCandidate,
  contractView,
  strategyContract,
} from "../../../testing/strategy-contract.ts";
import { createStats } from "../member-stats.ts";
import type { CandidateMember, MemberStats, Strategy } from "../strategy.ts";
import { adaptive } from "./adaptive.ts";
import { byCapability } from "./by-capability.ts";
import { failover } from "./failover.ts";
import { lowestCost } from "./lowest-cost.ts";
import { lowestLatency } from "./lowest-latency.ts";
import { randomChoice } from "./random-choice.ts";
import { roundRobin } from "./round-robin.ts";
import { taskAware } from "./task-aware.ts";
import { weighted } from "./weighted.ts";

const all = {
  failover,
  roundRobin,
  randomChoice,
  weighted,
  lowestCost,
  lowestLatency,
  byCapability,
  taskAware,
  adaptive,
};
const seen = (stats: Partial<MemberStats>): MemberStats => ({
  inFlight: 0,
  calls: 20,
  failureRate: 0,
  successesInRow: 20,
  firstPartMs: 100,
  tokensPerSecond: 50,
  ...stats,
});

/** Counts who is chosen in many calls. */
function choose(strategy: Strategy, candidates: readonly CandidateMember[], calls: number): number[] {
  const counts = candidates.map(() => 0);
  const random = seededRandom(42);
  for (let call = 0; call < calls; call++) {
    const first = strategy.rank(candidates, contractView(1, { random }))[0]?.candidate.index ?? -1;
    counts[first] = (counts[first] ?? 0) + 1;
  }
  return counts;
}

describe.each(Object.entries(all))("%s keeps the contract of strategies:", (_, make) => {
  const subject = async () => ({ make: () => make(), [Symbol.asyncDispose]: async () => {} });
  registerContract(it, { cases: strategyContract, make: subject });
});

describe("the contract catches a strategy that", () => {
  it.each(brokenStrategies.map((broken) => [broken.name, broken] as const))("%s", async (_, { wrap, noticedBy }) => {
    const make = async () => ({ make: () => wrap(randomChoice()), [Symbol.asyncDispose]: async () => {} });
    await mustFail({ cases: strategyContract, make }, noticedBy);
  });
});

describe("the simple strategies", () => {
  const three = [0, 1, 2].map((index) => contractCandidate(index));

  it("take the first, each in turn, or any (acceptance 24)", () => {
    expect(choose(failover(), three, 30)).toEqual([30, 0, 0]);
    expect(choose(roundRobin(), three, 30)).toEqual([10, 10, 10]);
    for (const count of choose(randomChoice(), three, 3_000)) expect(count).toBeGreaterThan(900);
  });

  it("split by weight to within 2 % over 10,000 calls (acceptance 24)", () => {
    const weights = [3, 1, 0.5, 0];
    const counts = choose(
      weighted(),
      weights.map((weight, index) => contractCandidate(index, { weight })),
      10_000,
    );
    for (const [index, weight] of weights.entries()) {
      expect(Math.abs((counts[index] ?? 0) / 10_000 - weight / 4.5)).toBeLessThanOrEqual(0.02);
    }
  });
});

describe("the lowest cost", () => {
  it("is that of an answer which succeeds; who has no price is left out (acceptance 13) (acceptance 24)", () => {
    const cheap = contractCandidate(0, { expectedCostMicroUsd: 100, stats: seen({ failureRate: 0.6 }) });
    const dear = contractCandidate(1, { expectedCostMicroUsd: 200, stats: seen({}) });
    const unknown = contractCandidate(2, { expectedCostMicroUsd: null });
    const ranked = lowestCost()
      .rank([cheap, dear, unknown], contractView(1))
      .map(({ candidate }) => candidate.index);
    expect(ranked).toEqual([1, 0]);
  });
});

describe("the lowest latency", () => {
  const fast = contractCandidate(0, { stats: seen({ firstPartMs: 100, tokensPerSecond: 20 }) });
  const slow = contractCandidate(1, { stats: seen({ firstPartMs: 300, tokensPerSecond: 90 }) });

  it("goes by the first part, or by the speed after it, and explores (acceptance 24)", () => {
    const [first = 0, second = 0] = choose(lowestLatency(), [fast, slow], 2_000);
    expect(first / 2_000).toBeGreaterThan(0.9);
    expect(second / 2_000).toBeGreaterThan(0.02);
    const [, speed = 0] = choose(lowestLatency({ by: "tokensPerSecond" }), [fast, slow], 2_000);
    expect(speed / 2_000).toBeGreaterThan(0.9);
  });

  it("takes the better of two, so that not all run to one of many (acceptance 24)", () => {
    const many = [100, 110, 120, 130].map((firstPartMs, index) =>
      contractCandidate(index, { stats: seen({ firstPartMs }) }),
    );
    const [best = 0, next = 0, , last = 0] = choose(lowestLatency({ explore: 0 }), many, 2_000);
    expect(best / 2_000).toBeGreaterThan(0.4);
    expect(next / 2_000).toBeGreaterThan(0.2);
    expect(last).toBe(0);
  });

  it("counts failures and load against a member, and tries the unknown (acceptance 24)", () => {
    const failing = contractCandidate(0, { stats: seen({ firstPartMs: 100, failureRate: 0.5 }) });
    expect(choose(lowestLatency({ explore: 0 }), [failing, slow], 10)).toEqual([0, 10]);
    const busy = contractCandidate(0, { stats: seen({ firstPartMs: 100, inFlight: 60 }) });
    expect(choose(lowestLatency({ explore: 0 }), [busy, slow], 10)).toEqual([0, 10]);
    const unknown = contractCandidate(1, { stats: seen({ calls: 0, firstPartMs: null }) });
    expect(choose(lowestLatency({ explore: 0 }), [fast, unknown], 10)).toEqual([0, 10]);
  });
});

describe("capability and task", () => {
  const can = contractCandidate(0).capabilities;

  it("prefer what the request could use, or what is named (acceptance 24)", () => {
    const plain = contractCandidate(0, { capabilities: { ...can, structuredOutput: "none", contextTokens: 900 } });
    const native = contractCandidate(1, { capabilities: { ...can, contextTokens: 500 } });
    const request = { messages: [], responseFormat: { name: "f", schema: {} } };
    const view = contractView(1, { request });
    expect(byCapability().rank([plain, native], view)[0]?.candidate).toBe(native);
    const large = byCapability({ prefer: ["large_context"] });
    expect(large.rank([native, plain], view)[0]?.candidate).toBe(plain);
  });

  it("take who is strong enough, and of those who are alike the cheapest (acceptance 24)", () => {
    const members = [
      contractCandidate(0, { strengths: { code: 0.4, writing: 0.9 }, expectedCostMicroUsd: 1 }),
      contractCandidate(1, { strengths: { code: 0.9 }, expectedCostMicroUsd: 500 }),
      contractCandidate(2, { strengths: { code: 0.88 }, expectedCostMicroUsd: 50 }),
    ];
    const strategy = taskAware({ atLeast: 0.6, tieBreak: lowestCost() });
    const ranked = strategy.rank(members, contractView(1, { task: "code" })).map(({ candidate }) => candidate.index);
    expect(ranked).toEqual([2, 1]);
    const writing = contractView(1, { task: "writing" });
    expect(taskAware().rank(members, writing)[0]?.candidate.index).toBe(0);
  });
});

describe("the adaptive choice", () => {
  /** Calls two members of which the first, after calls that all went well, fails 30 % until it heals; gives the share that it got. */
  function course(seed: number, stepMs: number, goodCalls: number) {
    const random = seededRandom(seed);
    const strategy = adaptive();
    const keepers = [createStats(), createStats()];
    let nowMs = 0;
    let healed = true;
    const call = (): number => {
      nowMs += stepMs;
      const candidates = keepers.map((keeper, index) => contractCandidate(index, { stats: keeper.read(nowMs) }));
      const chosen = strategy.rank(candidates, contractView(1, { random, nowMs }))[0]?.candidate.index ?? 0;
      const failed = chosen === 0 && !healed && random.next() < 0.3;
      const sample = { failed, firstPartMs: 100, tokensPerSecond: 50, cachedShare: null, outputTokens: 20 };
      keepers[chosen]?.add(sample, nowMs);
      return chosen;
    };
    const shareOfFirst = (calls: number): number => {
      let hits = 0;
      for (let made = 0; made < calls; made++) hits += call() === 0 ? 1 : 0;
      return hits / calls;
    };
    shareOfFirst(goodCalls);
    healed = false;
    shareOfFirst(50);
    const failing = shareOfFirst(300);
    healed = true;
    shareOfFirst(300);
    return { failing, back: shareOfFirst(300) };
  }

  it.each([
    [0, 0],
    [500, 0],
    [0, 500],
    [500, 500],
    [0, 5_000],
  ])(
    "leaves a member that fails 30 %% within 50 calls and returns to it, %d ms apart, after %d good calls (acceptance 24)",
    (stepMs, goodCalls) => {
      const courses = Array.from({ length: 60 }, (_, seed) => course(seed + 1, stepMs, goodCalls));
      const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
      expect(1 - mean(courses.map(({ failing }) => failing))).toBeGreaterThanOrEqual(0.95);
      expect(mean(courses.map(({ back }) => back))).toBeGreaterThan(0.3);
    },
  );

  it("gives members that are as good as each other an even share, also who came late (acceptance 24)", () => {
    const well = (calls: number) => seen({ calls, failureRate: 0, successesInRow: calls });
    const members = [well(10_000), well(60)].map((stats, index) => contractCandidate(index, { stats }));
    const [first = 0] = choose(adaptive(), members, 2_000);
    expect(Math.abs(first / 2_000 - 0.5)).toBeLessThan(0.05);
  });

  it("does not go on trying a member that is known to be well, and slow and dear (acceptance 24)", () => {
    const well = (firstPartMs: number) => seen({ calls: 200, successesInRow: 200, firstPartMs });
    const members = [
      contractCandidate(0, { stats: well(100), expectedCostMicroUsd: 100 }),
      contractCandidate(1, { stats: well(2_000), expectedCostMicroUsd: 5_000 }),
    ];
    const [, second = 0] = choose(adaptive(), members, 2_000);
    expect(second / 2_000).toBeLessThan(0.05);
  });
});

describe("what is remembered of a member", () => {
  it("counts calls under way by leases that end once, and is never negative (acceptance 24)", () => {
    const stats = createStats();
    const [first, second] = [stats.lease(), stats.lease()];
    expect(stats.inFlight).toBe(2);
    for (const end of [first, first, second, second, first]) end();
    expect(stats.inFlight).toBe(0);
  });

  it("fades with time (acceptance 24)", () => {
    const stats = createStats();
    const sample = { firstPartMs: 1_000, tokensPerSecond: 10, cachedShare: 0.5, outputTokens: 5 };
    stats.add({ ...sample, failed: true }, 0);
    stats.add({ ...sample, failed: false, firstPartMs: 100 }, 3_600_000);
    const { firstPartMs, failureRate } = stats.read(3_600_000);
    expect(firstPartMs).toBeLessThan(101);
    expect(failureRate).toBeLessThan(0.05);
  });
});
