import type { Agent } from "../../agents/index.ts";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { stringifyJson } from "../../base/index.ts";
import type { Graph } from "../../graph/index.ts";
import type { Runnable, Workflow } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import type { Team } from "../team.ts";

/** Is what a member gives as its output. */
export type OutputOf<Member> =
  Member extends Agent<infer Output>
    ? Output
    : Member extends Team<infer Output>
      ? Output
      : Member extends Graph<infer _, infer State>
        ? State
        : Member extends Workflow<infer _, infer Output>
          ? Output
          : JsonValue;

/** Checks the members that a pattern is made of. Errors: team_invalid. */
export function checkMembers(team: string, members: readonly Runnable[], least = 1): void {
  if (members.length < least) {
    throw teamErrors.create(
      "team_invalid",
      `The team ${team} has ${members.length} members; it needs ${least} or more.`,
      {
        details: { team },
      },
    );
  }
  members.forEach((member: unknown, index) => {
    if (isRunnable(member)) return;
    throw teamErrors.create(
      "team_invalid",
      `Member ${index + 1} of the team ${team} is nothing that can be asked: give an agent, a team, a graph or a workflow.`,
      { details: { team, member: index } },
    );
  });
}

/** Tells whether a value can be asked as a member: a tool can not, an agent that has it can. */
export function isRunnable(value: unknown): value is Runnable {
  if (typeof value !== "object" || value === null || !("kind" in value) || !("name" in value)) return false;
  return typeof value.kind === "string" && value.kind !== "tool" && typeof value.name === "string" && value.name !== "";
}

/** Tells whether a member takes a text as its goal, as agents and teams do; the others take plain data. */
function takesText({ kind }: Runnable): boolean {
  return kind === "agent" || kind === "team";
}

/**
 * Gives what a member is asked where it needs more than the goal: one text for agents and teams, the goal first and each part under
 * its name; an object of `goal` and the parts for workflows and graphs.
 */
export function brief(member: Runnable, goal: string, parts: JsonObject): JsonValue {
  if (!takesText(member)) return { goal, ...parts };
  const sections = Object.entries(parts).map(([name, value]) => `${titleOf(name)}:\n${textOf(value)}`);
  return [goal, ...sections].join("\n\n");
}

/** Writes a value as text: a text as it is, a list of texts as a list, else JSON. */
export function textOf(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.every((each) => typeof each === "string"))
    return value.map((each) => `- ${each}`).join("\n");
  return value === undefined ? "" : stringifyJson(value, "what a member is told");
}

function titleOf(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}
