import type { JsonObject, JsonValue } from "../base/index.ts";
import { stringifyJson } from "../base/index.ts";
import type { AgentInput, AgentResult } from "../agents/index.ts";
import { noUsage, sumUsage } from "../providers/index.ts";
import type { Resolve, RunContext, Runnable } from "../runs/index.ts";
import { teamErrors } from "./errors.ts";
import type { RewardLedger } from "./reward/ledger.ts";
import type { AnyTeam, AskOptions, TeamContext, TeamOutcome, TeamSurroundings } from "./team.ts";

/** Is a run of a team, with what it works with. */
export interface TeamRun {
  readonly context: RunContext;
  readonly input: AgentInput;
  readonly resolve: Resolve;
  readonly surroundings: TeamSurroundings;
}

/** Runs a team's function, and gives its result in the shape of an agent's. Errors: those of the function and of the members. */
export async function runTeam(
  team: AnyTeam,
  { context, input, resolve, surroundings }: TeamRun,
): Promise<AgentResult<unknown>> {
  const { name, members } = team;
  context.emit({
    type: "team.started",
    data: { team: name, members: members.map((member) => member.name), goal: input.goal },
  });
  const account = createAccount();
  const outcome = await team.run(teamContext(context, input, { resolve, account, surroundings }), input.goal);
  return resultOf(team, outcome, account);
}

/** Gathers what members used; what they said is the affair of whoever asked. */
interface Account {
  readonly results: Pick<AgentResult, "usage" | "costMicroUsd" | "steps">[];
}

interface TeamParts {
  readonly resolve: Resolve;
  readonly account: Account;
  readonly surroundings: TeamSurroundings;
}

function createAccount(): Account {
  return { results: [] };
}

function teamContext(
  context: RunContext,
  input: AgentInput,
  { resolve, account, surroundings }: TeamParts,
): TeamContext {
  let asks = 0;
  const ask = async (member: Runnable, goal: JsonValue, options: AskOptions = {}): Promise<AgentResult<JsonValue>> => {
    const { queue, priority, signal, ...rest } = options;
    const callable = resolve(member);
    const { name, kind } = member;
    const tell = teller(context, ++asks);
    const asked = callable.input(goal, { ...inherited(input), ...rest });
    // Called at once, not after what is told: calls of one member are told apart by their order.
    const [, given] = await Promise.all([
      tell("member.asked", { member: name, kind }),
      context.call(callable.workflow, asked, { queue, priority, signal }),
    ]);
    const result = isResult(given) ? given : plainResult(callable.output(given));
    const { usage, costMicroUsd, steps } = result;
    account.results.push({ usage, costMicroUsd, steps });
    await tell("member.answered", { member: name, kind, usage, costMicroUsd });
    return result;
  };
  return {
    ...context,
    input,
    ask,
    rewards: surroundings.rewards ?? noRewards,
    documents: () => surroundings.documents ?? noDocuments(),
    modelNamed: surroundings.modelNamed ?? asNamed,
  };
}

/** Tells of one ask, each thing once: members that are asked at the same time answer in another order when a run is taken up again. */
function teller(context: RunContext, ask: number): (type: string, data: JsonObject) => Promise<void> {
  return async (type, data) => await context.step(`${type}:${ask}`, () => context.emit({ type, data }));
}

async function asNamed(named = ""): Promise<string> {
  return named;
}

function noDocuments(): never {
  throw teamErrors.create("team_failed", "There are no documents here; give the program knowledge.");
}

async function noRewards(): Promise<RewardLedger> {
  throw teamErrors.create("reward_invalid", "There is no ledger of rewards here; give the team one.");
}

function inherited({ knowledge, model, tenant }: AgentInput): JsonObject {
  return {
    ...(knowledge === undefined ? {} : { knowledge }),
    ...(model === undefined ? {} : { model }),
    ...(tenant === undefined ? {} : { tenant }),
  };
}

/** Tells what an agent or a team gave from what a workflow or a graph did. */
function isResult(value: unknown): value is AgentResult<JsonValue> {
  return (
    typeof value === "object" && value !== null && "finishReason" in value && "citations" in value && "usage" in value
  );
}

function plainResult(output: JsonValue): AgentResult<JsonValue> {
  return {
    output,
    text: textOf(output),
    citations: [],
    unverified: 0,
    usage: noUsage,
    costMicroUsd: 0,
    model: "",
    steps: 0,
    finishReason: "stop",
    metadata: {},
  };
}

function resultOf(team: AnyTeam, outcome: TeamOutcome<unknown>, { results }: Account): AgentResult<unknown> {
  const { output, text = textOf(output), citations = [], finishReason = "stop", metadata = {} } = outcome;
  const costs = results.map(({ costMicroUsd }) => costMicroUsd);
  return {
    output,
    text,
    citations,
    unverified: 0,
    usage: sumUsage(results.map(({ usage }) => usage)),
    costMicroUsd: costs.some((cost) => cost === null)
      ? null
      : costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0),
    model: `team:${team.name}`,
    steps: results.reduce((sum, { steps }) => sum + steps, 0),
    finishReason,
    metadata,
  };
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : stringifyJson(output, "what a team gave");
}
