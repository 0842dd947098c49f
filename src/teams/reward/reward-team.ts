import type { Agent, AgentResult } from "../../agents/index.ts";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { seededRandom } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import type { Team, TeamContext, TeamOutcome } from "../team.ts";
import { team } from "../team.ts";
import type { Arm } from "./arm.ts";
import { armKey, armOf } from "./arm.ts";
import type { DebtMeter } from "./debt.ts";
import type { RewardLedger } from "./ledger.ts";
import type { BenchChange } from "./limiter.ts";
import { measuredAsk, shownArm } from "./measured-ask.ts";
import type { Choice, RewardSelector, SelectionOptions } from "./selector.ts";
import { rewardSelector } from "./selector.ts";

/** Says how what a team does is measured. */
export interface RewardOptions {
  readonly meter: DebtMeter;
  /** Where rewards are kept: in the database of the run by default. */
  readonly ledger?: RewardLedger;
  /** The kind of the task: rewards of different kinds are not compared. */
  readonly task?: string;
}

/** Are the options of `withReward`. */
export interface WithRewardOptions extends RewardOptions {
  /** Names the team; the member's name with `.rewarded` by default. */
  readonly name?: string;
}

/** Are the options of `rewardTeam`. */
export interface RewardTeamOptions extends RewardOptions, SelectionOptions {
  readonly name: string;
  readonly description?: string;
  /** Among whom it chooses. Order: of no weight. */
  readonly arms: readonly Arm[];
}

/**
 * Makes a team of one member whose work is measured: debt before, debt after, tokens, and the reward of it in the ledger. It gives
 * what the member gives.
 *
 * Shape: it adds the events of `measuredAsk`.
 * Errors: team_invalid; those of the member.
 * @example examples/reward.ts
 */
export function withReward<Output>(member: Agent<Output> | Team<Output>, options: WithRewardOptions): Team<Output>;
export function withReward(member: Runnable, options: WithRewardOptions): Team<unknown>;
export function withReward(member: Runnable, options: WithRewardOptions): Team<unknown> {
  const { name = `${member.name}.rewarded`, meter, ledger, task } = options;
  const arm = armOf(member);
  return team<unknown>({
    name,
    members: [member],
    run: async (context, goal) => outcomeOf(await measuredAsk(context, { arm, goal, meter, ledger, task })),
  });
}

/**
 * Makes a team that chooses one of its arms for each goal by what they earned, and measures what it does.
 *
 * Shape: it adds the events of `measuredAsk`, and `arm.chosen` { key, task, agent, model, tools, reason, candidates }; `arm.benched` and
 * `arm.returned` { key, reason, since, until, times, likelyHarmful }.
 * Errors: team_invalid; reward_invalid; those of the member.
 * @example examples/reward.ts
 */
export function rewardTeam(options: RewardTeamOptions): Team {
  const { name, description, arms, meter, ledger, task } = options;
  const choose = armChooser(options);
  const members = [...new Set(arms.map(({ member }) => member))];
  return team<JsonValue>({
    name,
    members,
    ...(description === undefined ? {} : { description }),
    run: async (context, goal) => {
      const arm = await choose(context);
      return outcomeOf(await measuredAsk(context, { arm, goal, meter, ledger, task }));
    },
  });
}

/**
 * Makes what chooses an arm as a step of a run, and tells the log why. For teams of one's own, beside `measuredAsk`.
 *
 * Errors: reward_invalid; those of the ledger.
 */
export function armChooser(
  options: SelectionOptions & Pick<RewardTeamOptions, "arms" | "ledger" | "task">,
): (context: TeamContext) => Promise<Arm> {
  const { arms, task = "" } = options;
  // A selector remembers what it chose and does not know the reward of yet.
  const selectors = new WeakMap<RewardLedger, RewardSelector>();
  const selectorOf = (ledger: RewardLedger): RewardSelector => {
    const made = selectors.get(ledger) ?? rewardSelector({ ...options, ledger });
    selectors.set(ledger, made);
    return made;
  };
  const choose = async (context: TeamContext): Promise<Arm> => {
    // Drawn outside of the step: the chance of what follows is then the same when the step is not done again.
    const seed = Math.floor(context.random.next() * 2 ** 32);
    const chosen = await context.step("reward.choose", async ({ idempotencyKey }) => {
      const selector = selectorOf(options.ledger ?? (await context.rewards()));
      const choice = await selector.choose({ random: seededRandom(seed), by: idempotencyKey });
      return shownChoice(choice, task);
    });
    const { changes, ...shown } = chosen;
    for (const { type, data } of changes) context.emit({ type, data });
    context.emit({ type: "arm.chosen", data: shown });
    // A later version of the program may have other arms than the one that chose.
    return arms.find((each) => armKey(each, task) === shown.key) ?? (await choose(context));
  };
  return choose;
}

function shownChoice({ arm, reason, candidates, changes }: Choice, task: string) {
  return {
    ...shownArm(arm, task),
    reason,
    candidates: candidates.map((each) => ({ ...each, tools: [...each.tools] })),
    changes: changes.map(shownChange),
  };
}

function shownChange({ type, record, likelyHarmful }: BenchChange): { type: BenchChange["type"]; data: JsonObject } {
  const { key, reason, since, until, times } = record;
  return { type, data: { key, reason, since, until, times, likelyHarmful } };
}

function outcomeOf({
  output,
  text,
  citations,
  finishReason,
  metadata,
}: AgentResult<JsonValue>): TeamOutcome<JsonValue> {
  return { output, text, citations, finishReason, metadata };
}
