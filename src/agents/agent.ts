import type { JsonObject, Schema } from "../base/index.ts";
import { isName, nameForm } from "../base/index.ts";
import type { Citation } from "../knowledge/index.ts";
import type { Model, Usage } from "../providers/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { findToolProblems, toolErrors } from "../tools/index.ts";
import type { Memory, WindowPolicy } from "../memory/index.ts";
import type { ApprovalRule, InstructionsFunction, ModelFunction, ModelOptions, StopCondition } from "./agent-view.ts";
import type { AgentFacts, AgentMetadata } from "./agent-metadata.ts";
import { metadataProblems, readMetadata } from "./agent-metadata.ts";
import { formProblems } from "./agent-form.ts";
import { agentErrors } from "./errors.ts";
import { isLimit, limitWords } from "./limit-values.ts";

export type { AgentInput, RunBudget } from "./agent-input.ts";

/**
 * Bounds what one run of an agent may spend. Units: `maxSteps` model calls (default 32), `maxTokens` input and output
 * tokens of all calls together, `maxCostUsd` US dollars for all calls together, `timeoutMs` wall time of the run.
 */
export interface AgentLimits {
  readonly maxSteps?: number;
  readonly maxTokens?: number;
  readonly maxCostUsd?: number;
  readonly timeoutMs?: number;
}

/** Is an agent as Atlas runs it. Made by `agent()`. */
export interface Agent<Output = string> extends AgentFacts {
  readonly kind: "agent";
  readonly name: string;
  /** A text, or what writes one for each call of the model. */
  readonly instructions: string | InstructionsFunction;
  /**
   * A model, or `provider/name` to be found when the run starts; the configured or detected model when left out. A function
   * chooses anew for each call.
   */
  readonly model?: Model | string | ModelFunction | undefined;
  readonly options: ModelOptions;
  readonly tools: readonly AnyTool[];
  /** Files and folders whose documents the agent may search. */
  readonly knowledge: readonly string[];
  readonly output?: Schema<unknown, Output> | undefined;
  readonly limits: AgentLimits;
  /** The kind of its work, such as `code` or `summary`, for groups that choose by it. */
  readonly task?: string | undefined;
  readonly stopWhen: readonly StopCondition[];
  readonly approvals: Readonly<Record<string, ApprovalRule>>;
  readonly approvalTimeoutMs: number;
  readonly memory?: Memory | undefined;
  readonly window: WindowPolicy;
}

/** Is any agent, whatever its output. */
export type AnyAgent = Agent<unknown>;

/**
 * Says why a run of an agent ended: with an answer (`stop`), by one of its conditions (`stop_condition`), at a limit (`max_steps`,
 * `max_tokens`, `budget`, `timeout`), because it went in circles (`stuck`), or as its model says.
 */
export type AgentFinishReason =
  | "stop"
  | "stop_condition"
  | "length"
  | "content_filter"
  | "max_steps"
  | "max_tokens"
  | "budget"
  | "timeout"
  | "stuck"
  | "other";

/**
 * Is what a run of an agent gives.
 *
 * Units: `costMicroUsd` millionths of a US dollar, null when the price of the model is not known.
 */
export type AgentResult<Output = string> = {
  /** The text of the answer, or the value that follows the agent's output schema. */
  readonly output: Output;
  readonly text: string;
  /** The places in documents that the answer quotes, each verified against the file. */
  readonly citations: readonly Citation[];
  /** How many marks of the answer name no passage, or one that does not say what the answer says. */
  readonly unverified: number;
  readonly usage: Usage;
  readonly costMicroUsd: number | null;
  /** `provider/name`. */
  readonly model: string;
  readonly steps: number;
  /** `stop` is an answer; the others name the limit that ended the run with what there was. */
  readonly finishReason: AgentFinishReason;
  /** What the model says about its last answer, such as `{ extractive: true, answered: false }`. */
  readonly metadata: JsonObject;
};

/** Is the tool that an agent gets with its documents, when it runs. */
const documentSearch = "search_documents";

/** Is what holds an agent on its way; all of it may be left out. */
export interface AgentControls {
  /** Ends the run as soon as one of them holds. */
  readonly stopWhen?: StopCondition | readonly StopCondition[];
  /** Says before which tools' calls a person is asked; overrules what the tools say of themselves. */
  readonly approvals?: Readonly<Record<string, ApprovalRule>>;
  /** How long a person may think; then the call is refused. Units: milliseconds, a day by default. */
  readonly approvalTimeoutMs?: number;
  /** What is recalled before a run and kept after it. A run with a `thread` has the program's memory without it. */
  readonly memory?: Memory;
  /** How the conversation is kept within what the model can read. */
  readonly window?: WindowPolicy;
}

/** Is what a user writes to define an agent. */
export interface AgentOptions<Output> extends AgentMetadata, AgentControls {
  /** Names the agent, also in the database: keep it as long as runs of it may be unfinished. */
  readonly name: string;
  readonly instructions?: string | InstructionsFunction;
  readonly model?: Model | string | ModelFunction | undefined;
  /** Goes with every call of the model: temperature, bounds, and what only one provider knows. */
  readonly options?: ModelOptions;
  readonly tools?: readonly AnyTool[];
  readonly knowledge?: readonly string[];
  readonly output?: Schema<unknown, Output>;
  readonly limits?: AgentLimits;
  readonly task?: string;
}

/**
 * Defines an agent: instructions, a model, tools, knowledge, limits.
 *
 * Errors: agent_invalid; tool_duplicate.
 * @example examples/first-agent.ts
 */
export function agent<Output = string>(options: AgentOptions<Output>): Agent<Output> {
  const { name, instructions = "", model, tools = [], knowledge = [], output, task } = options;
  const { stopWhen = [], approvals = {}, approvalTimeoutMs = 86_400_000, memory, window = {} } = options;
  if (!isName(name)) {
    throw agentErrors.create("agent_invalid", `The agent name ${JSON.stringify(name)} must be ${nameForm}.`);
  }
  const misfits = formProblems({ tools, output, window });
  if (misfits.length > 0) throw unfit(name, misfits);
  // As undefined they would hide those of the settings.
  const given = Object.entries(options.limits ?? {}).filter(([, value]) => value !== undefined);
  const limits: AgentLimits = Object.fromEntries(given);
  for (const [key, value] of given) {
    if (isLimit(key, value)) continue;
    throw agentErrors.create("agent_invalid", `The limit ${key} of the agent ${name} must be ${limitWords(key)}.`, {
      details: { agent: name },
    });
  }
  const seen = new Set<string>();
  for (const each of tools) {
    if (seen.has(each.name)) {
      throw toolErrors.create("tool_duplicate", `The agent ${name} has two tools named ${each.name}.`, {
        details: { agent: name, tool: each.name },
      });
    }
    seen.add(each.name);
  }
  const facts = readMetadata(options);
  const needed = findToolProblems(tools, [documentSearch]).map(({ message }) => `its tool ${message}`);
  const problems = [...metadataProblems(facts), ...needed];
  for (const named of Object.keys(approvals)) {
    if (named !== documentSearch && !seen.has(named))
      problems.push(`its approvals name ${named}, which is none of its tools`);
  }
  if (!(approvalTimeoutMs > 0)) problems.push("its approvalTimeoutMs must be a number above 0");
  if (problems.length > 0) throw unfit(name, problems);
  const conditions = "holds" in stopWhen ? [stopWhen] : stopWhen;
  return {
    kind: "agent",
    name,
    instructions,
    model,
    options: options.options ?? {},
    tools,
    knowledge,
    output,
    limits,
    task,
    stopWhen: conditions,
    approvals,
    approvalTimeoutMs,
    memory,
    window,
    ...facts,
  };
}

function unfit(name: string, problems: readonly string[]): Error {
  return agentErrors.create("agent_invalid", `The agent ${name} cannot work: ${problems.join("; ")}.`, {
    details: { agent: name, problems },
  });
}
