import { compareVersions, isVersionRange, satisfiesVersion } from "../base/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { AnyAgentFactory } from "./agent-factory.ts";
import type { AgentFacts } from "./agent-metadata.ts";
import { agentErrors } from "./errors.ts";

/** Is an agent, or a factory of agents, as a registry holds it. */
export interface RegisteredAgent extends AgentFacts {
  readonly name: string;
  readonly kind: "agent" | "factory";
  /** Where it comes from: a file, `settings`, or `program`. */
  readonly source: string;
  /** Names the source for `reload`; left out where nothing can be read again. */
  readonly sourceId?: string | undefined;
  /** Is there for an agent, with what was said of it when it was registered. */
  readonly agent?: AnyAgent | undefined;
  readonly factory?: AnyAgentFactory | undefined;
}

/** Orders entries of one name: the newest first. */
export function newestFirst(one: RegisteredAgent, other: RegisteredAgent): number {
  return compareVersions(other.version, one.version);
}

/**
 * Picks the entry of a name that a range means: the newest that is not deprecated, else the newest. Without a range a version with
 * a hyphen is picked only where there is no other.
 *
 * Errors: invalid_input for a text that is no range.
 */
export function pickVersion(entries: readonly RegisteredAgent[], range?: string): RegisteredAgent | undefined {
  const fitting = entries.filter(({ version }) => satisfiesVersion(version, range ?? "*")).toSorted(newestFirst);
  const found = fitting.find(({ deprecated }) => deprecated === undefined) ?? fitting[0];
  return found ?? (range === undefined ? entries.toSorted(newestFirst)[0] : undefined);
}

/** Makes the error of an agent that is not there, or not in such a version; it lists what is there. */
export function notRegistered(
  name: string,
  range: string | undefined,
  known: { readonly names: readonly string[]; readonly versions: readonly string[] },
): Error {
  const { names, versions } = known;
  const isThere = versions.length > 0;
  const wanted = `${name}${range === undefined ? "" : ` in ${range}`}`;
  const hint = isThere ? `there is ${versions.join(", ")}` : `known: ${names.slice(0, 20).join(", ") || "none"}`;
  return agentErrors.create("agent_missing", `No agent ${wanted} is registered; ${hint}.`, {
    details: { agent: name, ...(range === undefined ? {} : { range }), known: isThere ? [...versions] : [...names] },
  });
}

/** Splits `name@range`; a text without a range behind `@` is a name. */
export function splitReference(reference: string): { readonly name: string; readonly range?: string } {
  const at = reference.indexOf("@");
  const range = at > 0 ? reference.slice(at + 1) : "";
  return range !== "" && isVersionRange(range) ? { name: reference.slice(0, at), range } : { name: reference };
}

/** Writes in words that an agent is deprecated. */
export function deprecationWords({ name, version, deprecated }: RegisteredAgent): string {
  const { since, use, reason } = deprecated ?? {};
  return [
    `The agent ${name} ${version} is deprecated${since === undefined ? "" : ` since ${since}`}`,
    ...(reason === undefined ? [] : [reason]),
    ...(use === undefined ? [] : [`use ${use}`]),
  ].join("; ");
}
