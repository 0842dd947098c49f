import { seededRandom } from "../../src/base/index.ts";
import type { Random } from "../../src/base/index.ts";
import { workflow } from "../../src/runs/index.ts";
import type { Arm, SelectionOptions } from "../../src/teams/reward/index.ts";
import { rewardOf, rewardScore, rewardSelector } from "../../src/teams/reward/index.ts";
import { drawNormal } from "../../src/teams/reward/posterior.ts";
import { memoryRewards } from "./memory-rewards.ts";
import type { Effect, World } from "./reward-worlds.ts";

/** Names how arms are chosen in a simulation. */
export type Policy = "thompson" | "ucb" | "greedy" | "random";

/** Is what a policy reached in a world, with one seed. */
export interface Outcome {
  /** The mean of the scores of its runs. */
  readonly score: number;
  /** Units: debt points paid off for each million tokens. */
  readonly pointsPerMillion: number;
  /** The sum of offset / tokens^3, as it is defined. */
  readonly total: number;
}

/** Is a mean with the half of its 95 % confidence interval. */
export interface Interval {
  readonly mean: number;
  readonly half: number;
}

/** Is how a policy did beside random choice, over all seeds. */
export interface Comparison {
  readonly world: World;
  readonly policy: Policy;
  /** Units: score of a run, more than that of random choice with the same seed. */
  readonly gain: Interval;
  /** The median of total reward over that of random choice; undefined where one of them is not above 0. */
  readonly ratio: number | undefined;
  readonly pointsPerMillion: { readonly own: number; readonly random: number };
  readonly verdict: "better" | "no difference" | "worse";
}

/** Four runs a day. */
const roundMs = 6 * 3_600_000;

/** Lets a policy choose in a world. What a run does depends on seed, round and arm alone, so policies meet the same luck. */
export async function simulate(world: World, policy: Policy, seed: number): Promise<Outcome> {
  const { ledger, clock } = memoryRewards();
  const arms = world.arms.map((each): Arm => ({ ...each, member: workflow({ name: each.agent, run: async () => 0 }) }));
  const chance = seededRandom(seed * 7919 + 1);
  const selector = rewardSelector({ ledger, arms, clock, ...optionsOf(policy) });
  const chosen: number[] = [];
  const pending: { readonly round: number; readonly arm: number; readonly offset: number; readonly tokens: number }[] =
    [];
  let [score, offsets, tokens, total] = [0, 0, 0, 0];
  for (let round = 0; round < world.rounds; round++) {
    for (let due = pending[0]; due && due.round + world.delay < round; due = pending[0]) {
      pending.shift();
      const { agent, model = "", tools } = arms[due.arm] ?? { agent: "", tools: [] };
      await ledger.record({
        id: `${due.round}`,
        task: "",
        agent,
        model,
        tools,
        offset: due.offset,
        tokens: due.tokens,
        parts: [],
      });
    }
    const arm =
      policy === "random"
        ? Math.floor(chance.next() * arms.length)
        : arms.indexOf((await selector.choose({ random: chance })).arm);
    const run = draw(world.effect(arm, round, chosen), seededRandom(seed * 1_000_003 + round * 101 + arm));
    chosen.push(arm);
    pending.push({ round, arm, ...run });
    const reward = rewardOf(run.offset, run.tokens);
    score += rewardScore(reward);
    total += reward.sign * Math.exp(reward.logMagnitude);
    offsets += run.offset;
    tokens += run.tokens;
    await clock.advance(roundMs);
  }
  return { score: score / world.rounds, pointsPerMillion: (offsets / tokens) * 1_000_000, total };
}

/** Compares policies with random choice in a world. Order: as the policies. */
export async function compare(
  world: World,
  policies: readonly Policy[],
  seeds: number,
): Promise<readonly Comparison[]> {
  const all = Array.from({ length: seeds }, (_, index) => index + 1);
  const random = await Promise.all(all.map((seed) => simulate(world, "random", seed)));
  const compared: Comparison[] = [];
  for (const policy of policies) {
    const own = await Promise.all(all.map((seed) => simulate(world, policy, seed)));
    const gain = intervalOf(own.map(({ score }, index) => score - (random[index]?.score ?? 0)));
    const ratios = own.flatMap(({ total }, index) => {
      const other = random[index]?.total ?? 0;
      return total > 0 && other > 0 ? [total / other] : [];
    });
    compared.push({
      world,
      policy,
      gain,
      ratio: ratios.length * 2 > seeds ? ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] : undefined,
      pointsPerMillion: {
        own: intervalOf(own.map(({ pointsPerMillion }) => pointsPerMillion)).mean,
        random: intervalOf(random.map(({ pointsPerMillion }) => pointsPerMillion)).mean,
      },
      verdict: gain.mean > gain.half ? "better" : gain.mean < -gain.half ? "worse" : "no difference",
    });
  }
  return compared;
}

/** Writes comparisons as a table in Markdown. */
export function comparisonTable(compared: readonly Comparison[]): string {
  const rows = compared.map(({ world, policy, gain, ratio, pointsPerMillion, verdict }) =>
    [
      world.name,
      policy,
      `${signed(gain.mean)} ± ${gain.half.toFixed(2)}`,
      ratio === undefined ? "–" : ratio.toFixed(2),
      `${pointsPerMillion.random.toFixed(0)} → ${pointsPerMillion.own.toFixed(0)}`,
      verdict,
    ].join(" | "),
  );
  const head =
    "| world | choice | gain in score a run | total reward, × random | points a million tokens, random → own | verdict |";
  return [head, "| --- | --- | --- | --- | --- | --- |", ...rows.map((row) => `| ${row} |`)].join("\n");
}

function optionsOf(policy: Policy): SelectionOptions {
  if (policy === "greedy") return { width: 0 };
  return { exploration: policy === "ucb" ? "ucb" : "thompson" };
}

function draw(
  { offset, spread, tokens, noise }: Effect,
  random: Random,
): { readonly offset: number; readonly tokens: number } {
  // Debt comes in halves of points, and many a run changes nothing.
  const points = Math.round(2 * (offset + spread * drawNormal(random))) / 2;
  return { offset: points, tokens: Math.max(1, Math.round(tokens * Math.exp(noise * drawNormal(random)))) };
}

function intervalOf(values: readonly number[]): Interval {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, half: (1.96 + 2.7 / (values.length - 1)) * Math.sqrt(variance / values.length) };
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
