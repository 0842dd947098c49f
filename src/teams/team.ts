import type { JsonObject, JsonValue } from "../base/index.ts";
import { isName, nameForm } from "../base/index.ts";
import type { Agent, AgentInput, AgentResult, RunBudget } from "../agents/index.ts";
import type { Citation, Knowledge } from "../knowledge/index.ts";
import type { RunContext, Runnable } from "../runs/index.ts";
import { teamErrors } from "./errors.ts";
import type { RewardLedger } from "./reward/ledger.ts";

/** Says how a member is asked. Without them it gets the documents and the model that the team was started with. */
export interface AskOptions {
  /** What this one call may spend, below what the team may. */
  readonly budget?: RunBudget;
  readonly knowledge?: readonly string[];
  /** `provider/name` or `group:NAME`; overrules the member's own. */
  readonly model?: string;
  /** Lets a worker take the call from a queue, here or on another machine. */
  readonly queue?: string;
  /** Units: -10 to 10. Needs a queue. */
  readonly priority?: number;
  /** Cancels the member's run when it aborts, wherever that is. */
  readonly signal?: AbortSignal;
}

/** Is what the function of a team works with: a run's context, and its members. */
export interface TeamContext extends RunContext {
  /** Is what the team was started with. */
  readonly input: AgentInput;
  /**
   * Has a member do something, as a child run: cancel, pause, budget and trace flow down. A workflow or a graph gets `goal` as its
   * input; what it gives stands in `output`.
   *
   * Errors: those of the member's run; budget_exceeded.
   */
  ask<Output>(
    member: Agent<Output> | Team<Output>,
    goal: JsonValue,
    options?: AskOptions,
  ): Promise<AgentResult<Output>>;
  ask(member: Runnable, goal: JsonValue, options?: AskOptions): Promise<AgentResult<JsonValue>>;
  /** Opens the ledger of rewards of the database where the run is kept. Errors: reward_invalid where there is none. */
  rewards(): Promise<RewardLedger>;
  /** Gives the documents of the program, to search them without a model. Errors: team_failed where there are none. */
  documents(): TeamDocuments;
  /** Tells which model a name means here, as `provider/name`; without a name, the one that is used where none is named. */
  modelNamed(named?: string): Promise<string>;
}

/** Is where a program keeps documents. Units: bytes; larger files are refused. */
export interface TeamDocuments {
  readonly knowledge: Knowledge;
  readonly maxFileBytes: number;
}

/** Is what teams need around them. */
export interface TeamSurroundings {
  readonly documents?: TeamDocuments;
  readonly rewards?: () => Promise<RewardLedger>;
  readonly modelNamed?: (named?: string) => Promise<string>;
}

/** Is what the function of a team gives. What it does not say is taken from what its members gave together. */
export interface TeamOutcome<Output> {
  readonly output: Output;
  /** The output as text; the output itself where it is a text, else as JSON. */
  readonly text?: string;
  readonly citations?: readonly Citation[];
  /** `stop` is an answer; the others name the limit that ended the run with the best result so far. */
  readonly finishReason?: AgentResult["finishReason"];
  readonly metadata?: JsonObject;
}

/**
 * Is a team as Atlas runs it: a durable function that asks its members and gives a result of the same shape as an agent's, so that
 * a team can stand wherever an agent can. Made by `team()` and by the ready patterns.
 */
export interface Team<Output = JsonValue> extends Runnable {
  readonly kind: "team";
  readonly description: string;
  readonly members: readonly Runnable[];
  readonly version: string;
  readonly accepts: readonly string[];
  // A method, not a property: teams of any output then fit in one list.
  run(context: TeamContext, goal: string): Promise<TeamOutcome<Output>>;
}

/** Is any team, whatever its output. */
export type AnyTeam = Team<unknown>;

/** Is what a user writes to define a team. */
export interface TeamOptions<Output> {
  /** Names the team, also in the database: keep it as long as runs of it may be unfinished. */
  readonly name: string;
  readonly description?: string;
  /** Whom it may ask; they become known with it, so that their runs can be taken up after a crash. */
  readonly members: readonly Runnable[];
  /** Names the way the function works, as a workflow's; "1" by default. */
  readonly version?: string;
  readonly accepts?: readonly string[];
  readonly run: (context: TeamContext, goal: string) => Promise<TeamOutcome<Output>>;
}

/**
 * Defines a team by a function of its own; `sequential`, `parallel`, `debate` and the others are such functions, ready to use.
 *
 * Errors: team_invalid for a name that is none, or two members of one kind and name.
 * @example examples/patterns.ts
 */
export function team<Output>(options: TeamOptions<Output>): Team<Output> {
  const { name, description = "", members, version = "1", accepts = [], run } = options;
  if (!isName(name)) {
    throw teamErrors.create("team_invalid", `The team name ${JSON.stringify(name)} must be ${nameForm}.`);
  }
  const known = new Map<string, Runnable>();
  for (const member of members) {
    const key = `${member.kind}:${member.name}`;
    if ((known.get(key) ?? member) !== member) {
      throw teamErrors.create(
        "team_invalid",
        `The team ${name} has two members named ${member.name}; give one another name.`,
        {
          details: { team: name, member: member.name },
        },
      );
    }
    known.set(key, member);
  }
  return { kind: "team", name, description, members, version, accepts, run };
}
