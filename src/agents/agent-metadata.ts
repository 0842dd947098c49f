import { isVersion, isVersionRange } from "../base/index.ts";
import { isPermission } from "../tools/index.ts";

/** Is what an agent cannot do without: other agents and tools by name and range of versions, and models by `provider/name`. */
export interface AgentRequirements {
  readonly agents?: Readonly<Record<string, string>>;
  readonly tools?: Readonly<Record<string, string>>;
  readonly models?: readonly string[];
}

/** Says that an agent should no longer be used: since which version, and what to use in its place. */
export interface Deprecation {
  readonly since?: string;
  readonly use?: string;
  readonly reason?: string;
}

/** Is what can be said of an agent for those who look for one. */
export interface AgentMetadata {
  /** A semantic version; `1.0.0` by default. */
  readonly version?: string;
  readonly description?: string;
  /** What it is good at, and how good. Units: 0 to 1; a list means 1 each. */
  readonly capabilities?: Readonly<Record<string, number>> | readonly string[];
  readonly requires?: AgentRequirements;
  readonly deprecated?: Deprecation;
  /** What its tools may do, as in `fs:read` or `net`; everything when left out, nothing when empty. */
  readonly permissions?: readonly string[];
}

/** Is what is known of an agent for those who look for one. */
export interface AgentFacts {
  readonly version: string;
  readonly description: string;
  readonly capabilities: Readonly<Record<string, number>>;
  readonly requires: AgentRequirements;
  readonly deprecated?: Deprecation | undefined;
  readonly permissions?: readonly string[] | undefined;
}

/** Reads what is said of an agent; capabilities become a table of strengths. */
export function readMetadata(given: AgentMetadata): AgentFacts {
  const { version = "1.0.0", description = "", capabilities = {}, requires = {}, deprecated, permissions } = given;
  const strengths = isList(capabilities) ? Object.fromEntries(capabilities.map((each) => [each, 1])) : capabilities;
  return { version, description, capabilities: strengths, requires, deprecated, permissions };
}

/** Finds what is wrong with what is said of an agent; each problem is a sentence without its full stop. */
export function metadataProblems({ version, capabilities, requires, permissions = [] }: AgentFacts): readonly string[] {
  const problems: string[] = [];
  if (!isVersion(version))
    problems.push(`its version ${JSON.stringify(version)} must be a semantic version, as in "1.0.0"`);
  for (const [name, strength] of Object.entries(capabilities)) {
    if (name.trim() === "" || name.length > 64)
      problems.push(`its capability ${JSON.stringify(name.slice(0, 64))} must have a name of 1 to 64 characters`);
    if (!(strength >= 0 && strength <= 1))
      problems.push(`its capability ${name} must have a strength from 0 to 1, not ${strength}`);
  }
  for (const kind of ["agents", "tools"] as const) {
    for (const [name, range] of Object.entries(requires[kind] ?? {})) {
      if (!isVersionRange(range))
        problems.push(`it requires ${name} in ${JSON.stringify(range)}, which is no range of versions, as in "^1.2.0"`);
    }
  }
  for (const model of requires.models ?? []) {
    if (!/^([\w-]+\/\S+|group:[\w-]+)$/.test(model))
      problems.push(`it requires the model ${JSON.stringify(model)}, which must be "provider/name" or "group:NAME"`);
  }
  for (const permission of permissions) {
    if (permission !== "*" && !isPermission(permission))
      problems.push(
        `its permission ${JSON.stringify(permission)} must be words with ":" between, as in "fs:read", or "*"`,
      );
  }
  return problems;
}

function isList(capabilities: NonNullable<AgentMetadata["capabilities"]>): capabilities is readonly string[] {
  return Array.isArray(capabilities);
}
