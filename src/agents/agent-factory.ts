import { checkSchema, describeIssues, isName, nameForm } from "../base/index.ts";
import type { Schema, SchemaOutput } from "../base/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { AgentFacts, AgentMetadata } from "./agent-metadata.ts";
import { metadataProblems, readMetadata } from "./agent-metadata.ts";
import { agentErrors } from "./errors.ts";

/** Is what makes agents of one sort from a configuration. Made by `agentFactory()`. */
export interface AgentFactory<Config extends Schema = Schema> extends AgentFacts {
  readonly kind: "agent-factory";
  readonly name: string;
  readonly config: Config;
  // A method, not a property: factories of any configuration then fit in one list.
  make(config: SchemaOutput<Config>): AnyAgent | Promise<AnyAgent>;
}

/** Is any factory, whatever its configuration. */
export type AnyAgentFactory = AgentFactory;

/** Is what a user writes to define a factory. */
export interface AgentFactoryOptions<Config extends Schema> extends AgentMetadata {
  readonly name: string;
  /** Checks the configuration before an agent is made of it. */
  readonly config: Config;
  readonly make: (config: SchemaOutput<Config>) => AnyAgent | Promise<AnyAgent>;
}

/**
 * Defines what makes agents of one sort: `registry.create(name, config)` checks the configuration, makes the agent and registers it.
 *
 * Errors: agent_invalid.
 * @example examples/registry.ts
 */
export function agentFactory<Config extends Schema>(options: AgentFactoryOptions<Config>): AgentFactory<Config> {
  const { name, config, make } = options;
  const facts = readMetadata(options);
  const problems = [...(isName(name) ? [] : [`its name must be ${nameForm}`]), ...metadataProblems(facts)];
  if (problems.length > 0) {
    throw agentErrors.create(
      "agent_invalid",
      `The agent factory ${JSON.stringify(name)} cannot work: ${problems.join("; ")}.`,
      { details: { factory: name, problems } },
    );
  }
  return { kind: "agent-factory", name, config, make, ...facts };
}

/**
 * Makes an agent with a factory. What the agent does not say of itself is the factory's.
 *
 * Errors: agent_config_invalid, which names every place of the configuration that is wrong; what `make` throws.
 */
export async function makeAgent(factory: AnyAgentFactory, config: unknown): Promise<AnyAgent> {
  const read = await checkSchema(factory.config, config);
  if (!read.ok) {
    throw agentErrors.create(
      "agent_config_invalid",
      `The configuration of ${factory.name} is not valid: ${describeIssues(read.issues)}.`,
      { details: { factory: factory.name, issues: read.issues.map((issue) => ({ ...issue })) } },
    );
  }
  const made = await factory.make(read.value);
  const isSilent = Object.keys(made.capabilities).length === 0;
  return {
    ...made,
    description: made.description === "" ? factory.description : made.description,
    capabilities: isSilent ? factory.capabilities : made.capabilities,
    deprecated: made.deprecated ?? factory.deprecated,
  };
}
