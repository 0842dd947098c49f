import type { AgentResult } from "../../agents/index.ts";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { toAtlasError } from "../../base/index.ts";
import type { TeamContext } from "../team.ts";
import type { Arm } from "./arm.ts";
import { armKey } from "./arm.ts";
import type { DebtMeter, DebtReport, DebtState } from "./debt.ts";
import { debtOffset } from "./debt.ts";
import type { RewardLedger } from "./ledger.ts";
import { rewardOf, rewardScore } from "./reward.ts";
import { countOf } from "./statistics.ts";

/** Says how a member is asked and measured. */
export interface MeasuredAskOptions {
  readonly arm: Arm;
  readonly goal: string;
  readonly meter: DebtMeter;
  /** That of the database where the run is kept, by default. */
  readonly ledger?: RewardLedger | undefined;
  /** The kind of the task. */
  readonly task?: string | undefined;
  /** Tells measured tasks of one run apart; a run is counted once for each. */
  readonly part?: string | undefined;
}

/** What a member that failed used is not known to who asked it: the mean of its arm, or this. */
const unknownTokens = 10_000;

/**
 * Has a member do something, and records what it was worth: debt is measured before and after, each as a step.
 *
 * A meter or a ledger that fails loses no result: the event `reward.unmeasured` { agent, phase, code } says so. A member that failed is recorded
 * too, and its failure goes on.
 *
 * Shape: it adds the event `reward.recorded` { id, task, agent, model, tools, offset, tokens, reward, score, before, after, parts }.
 * Errors: those of the member.
 */
export async function measuredAsk(context: TeamContext, options: MeasuredAskOptions): Promise<AgentResult<JsonValue>> {
  const { arm, goal } = options;
  const before = await measure(context, options, { when: "before", goal });
  let result: AgentResult<JsonValue> | undefined;
  try {
    const { model } = arm;
    result = await context.ask(arm.member, goal, model === undefined ? {} : { model });
    return result;
  } finally {
    // What was cancelled says nothing of who did it.
    if (before !== undefined && !context.signal.aborted) await settle(context, options, { before, result });
  }
}

async function measure(
  context: TeamContext,
  options: MeasuredAskOptions,
  state: DebtState,
): Promise<DebtReport | undefined> {
  return await attempt({ context, options, phase: state.when }, () =>
    context.step(`reward.${state.when}`, ({ signal }) => options.meter.measure(state, { signal }), {
      announce: { meter: options.meter.name },
    }),
  );
}

async function settle(
  context: TeamContext,
  options: MeasuredAskOptions,
  { before, result }: { before: DebtReport; result: AgentResult<JsonValue> | undefined },
): Promise<void> {
  const { arm, goal, task = "", part } = options;
  const given = result && { text: result.text, output: result.output, metadata: result.metadata };
  const after = await measure(context, options, { when: "after", goal, ...(given && { result: given }) });
  if (after === undefined) return;
  const { offset, parts } = debtOffset(before, after);
  const id = part === undefined ? context.runId : `${context.runId}/${part}`;
  const recorded = await attempt({ context, options, phase: "record" }, () =>
    context.step("reward.record", async () => {
      const ledger = options.ledger ?? (await context.rewards());
      const tokens = result === undefined ? await meanTokens(ledger, arm, task) : tokensOf(result);
      const { agent, tools } = arm;
      const entry = { id, task, agent, model: arm.model ?? result?.model ?? "", tools, offset, tokens, parts };
      await ledger.record(entry);
      const reward = rewardOf(offset, tokens);
      return { ...entry, tools: [...tools], parts: [...parts], reward: { ...reward }, score: rewardScore(reward) };
    }),
  );
  if (recorded === undefined) return;
  context.emit({ type: "reward.recorded", data: { ...recorded, before: before.total, after: after.total } });
}

interface Attempt {
  readonly context: TeamContext;
  readonly options: MeasuredAskOptions;
  readonly phase: "before" | "after" | "record";
}

/** Does what may fail without harm to the result; undefined where it failed. */
async function attempt<T>({ context, options, phase }: Attempt, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    context.signal.throwIfAborted();
    const { code } = toAtlasError(error);
    const data: JsonObject = { agent: options.arm.agent, phase, code };
    context.emit({ type: "reward.unmeasured", data });
    return undefined;
  }
}

function tokensOf({ usage }: AgentResult<JsonValue>): number {
  return usage.inputTokens + usage.outputTokens;
}

async function meanTokens(ledger: RewardLedger, arm: Arm, task: string): Promise<number> {
  const known = await ledger.statistics(arm, task);
  return known.tokens === 0 ? unknownTokens : known.tokens / countOf(known);
}

/** Gives what the log shows of an arm. */
export function shownArm(arm: Arm, task: string): JsonObject & { readonly key: string } {
  const { agent, model = "", tools } = arm;
  return { key: armKey(arm, task), task, agent, model, tools: [...tools] };
}
