import { satisfiesVersion } from "../base/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { RegisteredAgent } from "./registry-entry.ts";

/** Says what an agent is looked for; what is left out does not matter. */
export interface AgentQuery {
  /** What it must be good at: one capability, or several that it must all have. */
  readonly capability?: string | readonly string[];
  /** The kind of work: an agent of this `task`, or with a capability of this name. */
  readonly task?: string;
  readonly needs?: AgentNeeds;
}

/** Says what an agent must have: tools by name or with a range of versions, documents, an output schema. */
export interface AgentNeeds {
  readonly tools?: readonly string[] | Readonly<Record<string, string>>;
  readonly knowledge?: boolean;
  readonly output?: boolean;
}

/** Is an agent that a query found. */
export interface AgentMatch {
  readonly name: string;
  readonly version: string;
  readonly agent: AnyAgent;
  /** The mean of the strengths that were asked for; 1 where none was. Units: 0 to 1. */
  readonly score: number;
  readonly strengths: Readonly<Record<string, number>>;
  readonly deprecated: boolean;
}

/** Finds the agents that a query means. Order: those that are not deprecated, then the strongest, then by name. */
export function matchAgents(entries: readonly RegisteredAgent[], query: AgentQuery): readonly AgentMatch[] {
  return entries.flatMap((entry) => matchOf(entry, query) ?? []).toSorted(byStrength);
}

function byStrength(one: AgentMatch, other: AgentMatch): number {
  return (
    Number(one.deprecated) - Number(other.deprecated) ||
    other.score - one.score ||
    (one.name < other.name ? -1 : Number(one.name > other.name))
  );
}

function matchOf({ agent, deprecated }: RegisteredAgent, query: AgentQuery): AgentMatch | undefined {
  if (agent === undefined) return undefined;
  const { capability = [], task, needs = {} } = query;
  if (!hasAll(agent, needs)) return undefined;
  const strengths: Record<string, number> = {};
  for (const name of typeof capability === "string" ? [capability] : capability) {
    strengths[name] = strengthOf(agent, name);
  }
  if (task !== undefined) strengths[task] = agent.task === task ? 1 : strengthOf(agent, task);
  const asked = Object.values(strengths);
  if (asked.some((strength) => strength === 0)) return undefined;
  const score = asked.length === 0 ? 1 : asked.reduce((sum, each) => sum + each, 0) / asked.length;
  const { name, version } = agent;
  return { name, version, agent, score, strengths, deprecated: deprecated !== undefined };
}

function strengthOf({ capabilities }: AnyAgent, name: string): number {
  return Object.hasOwn(capabilities, name) ? (capabilities[name] ?? 0) : 0;
}

function hasAll(agent: AnyAgent, { tools = [], knowledge = false, output = false }: AgentNeeds): boolean {
  const wanted = isNames(tools) ? tools.map((name) => [name, "*"] as const) : Object.entries(tools);
  const isEquipped = wanted.every(([name, range]) => {
    const found = agent.tools.find((each) => each.name === name);
    return found !== undefined && (range === "*" || satisfiesVersion(found.version, range));
  });
  return isEquipped && (!knowledge || agent.knowledge.length > 0) && (!output || agent.output !== undefined);
}

function isNames(tools: NonNullable<AgentNeeds["tools"]>): tools is readonly string[] {
  return Array.isArray(tools);
}
