import type { AgentResult } from "../../agents/index.ts";
import type { AtlasError, JsonObject, JsonValue } from "../../base/index.ts";
import { toAtlasError } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import { mergeCitations } from "../merge-citations.ts";
import type { AskOptions, TeamContext, TeamOutcome } from "../team.ts";
import type { LimitName, PatternLimits } from "./limits.ts";
import { leftOver, reachedLimit, reasonOf, withBudget } from "./limits.ts";

/** Is a result of a member, whatever it is. */
export type MemberResult = AgentResult<JsonValue>;

/** Is what became of asking a member. */
export type Given =
  | { readonly status: "answered"; readonly member: Runnable; readonly result: MemberResult }
  | { readonly status: "failed"; readonly member: Runnable; readonly error: AtlasError }
  | { readonly status: "limited"; readonly member: Runnable; readonly limit: LimitName };

/** Says what a pattern gives beside its output. */
export interface Conclusion {
  /** The results that the output rests on: their citations are its citations. */
  readonly from: readonly MemberResult[];
  readonly text?: string;
  readonly finishReason?: AgentResult["finishReason"];
  readonly metadata?: JsonObject;
}

interface Failure {
  readonly member: string;
  readonly error: AtlasError;
}

/** Asks the members of a pattern within its limits, and makes its outcome. */
export interface Asking {
  /** Asks a member. A failure is an outcome, and in the log; only the end of the run is thrown. */
  ask(member: Runnable, goal: JsonValue, options?: AskOptions): Promise<Given>;
  /** Counts a round; false when there may be no more. */
  beginRound(): boolean;
  /** The limit that was reached. */
  readonly limit: LimitName | undefined;
  /** Makes the outcome, with the reason where a limit ended the work. */
  conclude<Output>(output: Output, conclusion: Conclusion): TeamOutcome<Output>;
  /** Makes the error of a team that has nothing to give: budget_exceeded where that is why, else team_failed. */
  nothing(): AtlasError;
}

/**
 * Makes what asks members for a pattern.
 *
 * Shape: it adds the events `member.failed` { member, kind, code, message } and, at a limit, `limit.reached` { limit, rounds, calls, tokens, costMicroUsd }.
 */
export function createAsking(context: TeamContext, name: string, limits: PatternLimits = {}): Asking {
  const bounds = withBudget(limits, context.input.budget);
  const done = { rounds: 0, calls: 0, tokens: 0, costMicroUsd: 0 };
  // Where a budget above refuses, what it limits is known by the run's own; money, where both may be.
  const spentKind: LimitName = bounds.maxTokens !== undefined && bounds.maxCostUsd === undefined ? "tokens" : "cost";
  const failures: Failure[] = [];
  let limit: LimitName | undefined;
  let answers = 0;
  const failed = async (member: Runnable, call: number, error: AtlasError): Promise<Given> => {
    failures.push({ member: member.name, error });
    const data = { member: member.name, kind: member.kind, code: error.code, message: error.message };
    // A step, since members that are asked at once fail in another order when the run is taken up again.
    await context.step(`member.failed:${call}`, () => context.emit({ type: "member.failed", data }));
    return { status: "failed", member, error };
  };
  const ask: Asking["ask"] = async (member, goal, options = {}) => {
    limit ??= reachedLimit(bounds, done);
    if (limit !== undefined) return { status: "limited", member, limit };
    const call = ++done.calls;
    const budget = leftOver(bounds, done);
    try {
      const bounded = Object.keys(budget).length > 0 ? { budget: { ...budget, ...options.budget } } : {};
      const result = await context.ask(member, goal, { ...options, ...bounded });
      done.tokens += result.usage.inputTokens + result.usage.outputTokens;
      done.costMicroUsd += result.costMicroUsd ?? 0;
      answers++;
      return { status: "answered", member, result };
    } catch (cause) {
      context.signal.throwIfAborted();
      const error = toAtlasError(cause);
      // Whoever cancelled it knows why.
      if (options.signal?.aborted === true) return { status: "failed", member, error };
      if (error.code === "budget_exceeded" && answers > 0) {
        limit ??= spentKind;
        return { status: "limited", member, limit };
      }
      return await failed(member, call, error);
    }
  };
  return {
    ask,
    beginRound() {
      if (limit !== undefined) return false;
      if (done.rounds >= (bounds.maxRounds ?? Infinity)) limit = "rounds";
      else done.rounds++;
      return limit === undefined;
    },
    get limit() {
      return limit;
    },
    conclude(output, conclusion) {
      // Who was asked at the same time as the one that answered, and found nothing left.
      if (failures.some(isSpent)) limit ??= spentKind;
      if (limit !== undefined) context.emit({ type: "limit.reached", data: { limit, ...done } });
      return outcomeOf(output, conclusion, { limit, failures });
    },
    nothing: () => nothingOf(name, failures, limit),
  };
}

function outcomeOf<Output>(
  output: Output,
  { from, text, finishReason = "stop", metadata = {} }: Conclusion,
  { limit, failures }: { readonly limit: LimitName | undefined; readonly failures: readonly Failure[] },
): TeamOutcome<Output> {
  return {
    output,
    ...(text === undefined ? {} : { text }),
    citations: mergeCitations(from),
    finishReason: limit === undefined ? finishReason : reasonOf(limit),
    metadata: {
      ...metadata,
      ...(limit === undefined ? {} : { limit }),
      ...(failures.length === 0 ? {} : { failed: failures.map(({ member }) => member) }),
    },
  };
}

function isSpent({ error }: Failure): boolean {
  return error.code === "budget_exceeded";
}

function nothingOf(name: string, failures: readonly Failure[], limit: LimitName | undefined): AtlasError {
  // Whoever asked this team knows then that its budget is spent, and keeps what others gave.
  const spent = failures.every(isSpent) ? failures.at(-1) : undefined;
  if (spent !== undefined) return spent.error;
  const what = failures.map(({ member, error }) => `${member}: ${error.code}`).join("; ");
  const why = what === "" ? `its limit of ${limit ?? "members"} left no room for one` : what;
  const cause = failures.at(-1)?.error;
  return teamErrors.create("team_failed", `No member of the team ${name} gave an answer: ${why}.`, {
    details: { team: name, failed: failures.map(({ member }) => member) },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Gives the answer, or throws what the member failed with; undefined where a limit forbade to ask. */
export function answered(given: Given): MemberResult | undefined {
  if (given.status === "failed") throw given.error;
  return given.status === "answered" ? given.result : undefined;
}
