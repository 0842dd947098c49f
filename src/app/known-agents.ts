import type { AgentLimits, AnyAgent } from "../agents/index.ts";
import { agent } from "../agents/index.ts";
import type { AnyTeam } from "../teams/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { appErrors } from "./errors.ts";
import type { AgentSettings, LimitSettings, Settings } from "./settings-shape.ts";

const assistantInstructions = "You are a careful assistant. Do what the goal asks, completely and briefly.";

/**
 * Gathers the agents that can be started by name: the built-in `assistant`, those of the settings, those of modules and of
 * the program. The later replaces the earlier.
 *
 * Errors: agent_invalid; tool_not_found.
 */
export function knownAgents(
  settings: Settings,
  tools: readonly AnyTool[],
  defined: readonly AnyAgent[],
): ReadonlyMap<string, AnyAgent> {
  const known = new Map<string, AnyAgent>();
  const add = (each: AnyAgent): void => void known.set(each.name, each);
  add(agent<unknown>({ name: "assistant", instructions: assistantInstructions, knowledge: settings.knowledge.paths }));
  for (const [name, each] of Object.entries(settings.agents)) add(fromSettings(name, each, tools));
  for (const each of defined) add(each);
  return known;
}

/**
 * Gathers the teams that can be started by name; the later replaces the earlier.
 *
 * Errors: name_taken when an agent has the name of a team: both are started by name.
 */
export function knownTeams(
  defined: readonly AnyTeam[],
  agents: ReadonlyMap<string, AnyAgent>,
): ReadonlyMap<string, AnyTeam> {
  const known = new Map(defined.map((each) => [each.name, each]));
  for (const name of known.keys()) {
    if (!agents.has(name)) continue;
    throw appErrors.create("name_taken", `An agent and a team are both named ${name}; give one another name.`, {
      details: { name },
    });
  }
  return known;
}

/** Gives an agent the limits of the settings where its own leave them open. */
export function withLimits(each: AnyAgent, settings: Settings): AnyAgent {
  return { ...each, limits: { ...limitsOf(settings.limits), ...each.limits } };
}

function fromSettings(name: string, settings: AgentSettings, tools: readonly AnyTool[]): AnyAgent {
  const { instructions, model, knowledge = [], task, limits = {} } = settings;
  const own = (settings.tools ?? []).map((wanted) => {
    const found = tools.find((tool) => tool.name === wanted);
    if (found) return found;
    const known = tools.map((tool) => tool.name);
    throw appErrors.create(
      "tool_not_found",
      `The agent ${name} of the settings names the tool ${JSON.stringify(wanted)}, which no module exports; known: ${known.join(", ") || "none"}.`,
      { details: { agent: name, tool: wanted, known } },
    );
  });
  return agent<unknown>({
    name,
    instructions,
    knowledge,
    tools: own,
    limits: limitsOf(limits),
    ...(model === undefined ? {} : { model }),
    ...(task === undefined ? {} : { task }),
  });
}

function limitsOf({ maxSteps, maxTokens, maxCostUsd, timeoutMs }: LimitSettings): AgentLimits {
  return {
    ...(maxSteps === undefined ? {} : { maxSteps }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}
