import { createHash } from "node:crypto";
import type { AnyAgent } from "../../agents/index.ts";
import { agent as defineAgent } from "../../agents/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { isAgent } from "../is-agent.ts";

/** Names what a reward is recorded for: an agent with a model and a set of tools. */
export type ArmId = {
  readonly agent: string;
  /** `provider/name`; left out where the member's own model is used, whichever that is. */
  readonly model?: string;
  /** Order: sorted, each once. */
  readonly tools: readonly string[];
};

/** Is one way to have a task done, among which a selector chooses. */
export interface Arm extends ArmId {
  readonly member: Runnable;
}

/** Brings the names of a set of tools into one form: sorted, each once. */
export function toolSet(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}

/** Gives the key of an arm for a kind of task: equal for equal sets of tools, whatever their order. */
export function armKey({ agent, model = "", tools }: ArmId, task = ""): string {
  return JSON.stringify([task, agent, model, ...toolSet(tools)]);
}

/** Makes an arm of a member: an agent with its own tools, or a team, graph or workflow, which has none. */
export function armOf(member: Runnable, model?: string): Arm {
  const tools = isAgent(member) ? toolSet(member.tools.map(({ name }) => name)) : [];
  return { member, agent: member.name, tools, ...(model === undefined ? {} : { model }) };
}

/**
 * Makes the arms of an agent: each of the models with each of the sets of tools. An agent with fewer tools is a member of its own,
 * named after the agent and its tools; its rewards are recorded under the agent's name.
 *
 * Errors: agent_invalid where the agent's name leaves no room for such a name.
 */
export function armsOf(
  member: AnyAgent,
  choices: { readonly models?: readonly string[]; readonly toolSets?: readonly (readonly string[])[] },
): readonly Arm[] {
  const whole = toolSet(member.tools.map(({ name }) => name));
  const sets = (choices.toolSets ?? [whole]).map(toolSet);
  const models: readonly (string | undefined)[] = choices.models ?? [undefined];
  return sets.flatMap((tools) => {
    const varied = tools.join() === whole.join() ? member : withTools(member, tools);
    return models.map((model) => ({
      member: varied,
      agent: member.name,
      tools,
      ...(model === undefined ? {} : { model }),
    }));
  });
}

function withTools(member: AnyAgent, tools: readonly string[]): AnyAgent {
  const mark = createHash("sha256").update(tools.join()).digest("hex").slice(0, 6);
  const name = `${member.name}.${mark}`;
  // Checks the name; all else stays as the agent has it.
  defineAgent({ name });
  return { ...member, name, tools: member.tools.filter((tool) => tools.includes(tool.name)) };
}
