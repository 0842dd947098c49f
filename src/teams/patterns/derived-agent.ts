import type { AnyAgent } from "../../agents/index.ts";
import { agent } from "../../agents/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import { isAgent } from "../is-agent.ts";

/**
 * Makes an agent of a team's own out of a member: the same, but for what is changed, under the name of the team and its own.
 *
 * Errors: team_invalid where the team's tool has the name of one that the agent has; agent_invalid where the names are too long together.
 */
export function derivedAgent(team: string, member: AnyAgent, changes: Partial<AnyAgent>): AnyAgent {
  const name = changes.name ?? `${team}.${member.name}`;
  // Checks the name; all else stays as the agent has it.
  agent({ name });
  const tools = changes.tools ?? [];
  const taken = tools.find((tool) => member.tools.some((own) => own.name === tool.name));
  if (taken !== undefined) {
    throw teamErrors.create(
      "team_invalid",
      `The agent ${member.name} has a tool named ${taken.name}, which is the name of the one that the team ${team} gives it.`,
      { details: { team, member: member.name, tool: taken.name } },
    );
  }
  return { ...member, ...changes, name, tools: [...member.tools, ...tools] };
}

/** Tells what a member is for, as far as it says so: description, strengths and instructions. */
export function aboutMember(member: Runnable): string {
  const said = "description" in member && typeof member.description === "string" ? member.description : "";
  if (!isAgent(member)) return `${member.name} ${said}`;
  const { instructions, capabilities } = member;
  const told = typeof instructions === "string" ? instructions : "";
  return [member.name, said, ...Object.keys(capabilities), told].join(" ");
}
