import type { Runnable } from "../../runs/index.ts";
import { isAgent } from "../is-agent.ts";
import { wordsOf } from "../words.ts";

/** Tells what is known of a member, for a planner. */
export interface MemberFacts {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** What it is good at, and how good. Units: 0 to 1. */
  readonly capabilities: Readonly<Record<string, number>>;
  readonly tools: readonly string[];
}

/** Gathers what is known of members. */
export function factsOf(member: Runnable): MemberFacts {
  const { name, kind } = member;
  if (isAgent(member)) {
    const { description, instructions, capabilities, tools } = member;
    return {
      name,
      kind,
      description: description || (typeof instructions === "string" ? instructions : ""),
      capabilities,
      tools: tools.map((tool) => tool.name),
    };
  }
  const description = "description" in member && typeof member.description === "string" ? member.description : "";
  return { name, kind, description, capabilities: {}, tools: [] };
}

/**
 * Orders members by how many of a task's words say what they can: capabilities count most, by their strength, then names, then
 * descriptions. Order: the best first; members of one rank as they stand.
 */
export function rankMembers(goal: string, members: readonly MemberFacts[]): readonly MemberFacts[] {
  const wanted = stems(goal);
  return members
    .map((member) => ({ member, score: scoreOf(member, wanted) }))
    .toSorted((a, b) => b.score - a.score)
    .map(({ member }) => member);
}

function scoreOf({ name, description, capabilities, tools }: MemberFacts, wanted: ReadonlySet<string>): number {
  const count = (text: string): number => [...stems(text)].filter((each) => wanted.has(each)).length;
  const strengths = Object.entries(capabilities).map(([each, strength]) => 4 * strength * count(each));
  return strengths.reduce((sum, each) => sum + each, 2 * count(name) + count(description) + count(tools.join(" ")));
}

/** A text of any length is looked at as far as a planner would read it. */
function stems(text: string): ReadonlySet<string> {
  return wordsOf(text.slice(0, 4000));
}
