import { statSync } from "node:fs";
import { join, relative } from "node:path";
import type { AgentSource, AnyAgent, AnyAgentFactory, Registry, RegistryProblem } from "../agents/index.ts";
import { agentErrors, createRegistry } from "../agents/index.ts";
import { isAtlasError } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { appErrors } from "./errors.ts";
import { knownAgents } from "./known-agents.ts";
import type { Definition, Defined } from "./modules.ts";
import type { LoadedSettings } from "./settings.ts";

/** Is what the agents of a program come from. */
export interface AgentRegistryOptions {
  readonly settings: LoadedSettings;
  readonly defined: Defined;
  /** What modules define, each with its file. */
  readonly definitions: readonly Definition[];
  /** The agents of the program itself, the last word. */
  readonly agents: readonly AnyAgent[];
  readonly logger: Logger;
  readonly hasModel: (name: string) => Promise<boolean>;
  /** Refuses to start where anything is wrong with agents. */
  readonly strict: boolean;
}

/** Is a registry with what the rest of the program knows it by. */
export interface OpenRegistry {
  readonly registry: Registry;
  /** The newest agent of each name, kept up to date. */
  readonly agents: ReadonlyMap<string, AnyAgent>;
  /** All tools that are known here: of modules, and of agents. */
  readonly tools: () => readonly AnyTool[];
  /** Takes who is told of agents that come later. */
  readonly follow: (changed: (agent: AnyAgent) => void) => void;
}

/**
 * Gathers the agents that can be started by name. A module's replaces one of the settings, and the program's own every other; any other
 * two of one name and version are a mistake, of which the first is kept. What cannot be used is warned of, and the others are there.
 *
 * Errors: tool_not_found, agent_invalid, settings_invalid for a folder that is not there; with `strict` registry_invalid, which lists everything that is wrong.
 */
export async function openRegistry(options: AgentRegistryOptions): Promise<OpenRegistry> {
  const { settings, defined, logger, hasModel } = options;
  const tools = [...defined.tools];
  const agents = new Map<string, AnyAgent>();
  const problems: RegistryProblem[] = [];
  let told: ((agent: AnyAgent) => void) | undefined;
  const sources = await findSources(settings, tools);
  const registry = createRegistry({
    sources,
    tools,
    hasModel,
    problems,
    warn: (message) => logger.warn(message),
    changed: (name, agent) => {
      if (agent === undefined) agents.delete(name);
      else agents.set(name, agent);
      if (agent !== undefined) told?.(agent);
    },
  });
  const note = (error: unknown, source: string): void => {
    // What the registry notes of its sources itself is told by its check.
    const message = error instanceof Error ? error.message : String(error);
    logger.warn(`An agent is left out: ${message.replaceAll(/:?\n\s*/g, "; ")}`);
    if (!sources.some(({ place }) => place === source)) problems.push(problemOf(error, source));
  };
  for (const { id, place } of sources) await registry.reload(id).catch((error: unknown) => note(error, place));
  registerAll(registry, { ...options, tools, note });
  if (options.strict) await refuseProblems(registry);
  return { registry, agents, tools: () => allTools(tools, registry), follow: (changed) => (told = changed) };
}

async function findSources(
  { values, directory, trust }: LoadedSettings,
  tools: AnyTool[],
): Promise<readonly AgentSource[]> {
  const folder = values.agentsFolder ?? join(directory, "agents");
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    if (values.agentsFolder === undefined) return [];
    throw appErrors.create("settings_invalid", `There is no folder ${folder}, which agentsFolder names.`, {
      details: { key: "agentsFolder", path: folder },
    });
  }
  const { discoverAgents } = await import("./discover-agents.ts");
  return discoverAgents({ folder, directory, trust, tools });
}

function registerAll(
  registry: Registry,
  parts: AgentRegistryOptions & {
    readonly tools: readonly AnyTool[];
    readonly note: (error: unknown, source: string) => void;
  },
): void {
  const { settings, defined, definitions, note } = parts;
  const places = new Map(definitions.map(({ value, path }) => [value, relative(settings.directory, path)]));
  const register = (each: AnyAgent | AnyAgentFactory, source: string): void => {
    try {
      registry.register(each, { source });
    } catch (error) {
      note(error, source);
    }
  };
  for (const each of [...defined.agents, ...defined.factories]) register(each, places.get(each) ?? "modules");
  const ofModules = new Set(defined.agents.map(({ name }) => name));
  const names = new Set(registry.list().map(({ name }) => name));
  for (const each of knownAgents(settings.values, parts.tools, []).values()) {
    // The assistant is there unless another agent has its name; one of a module replaces that of the settings.
    const isOwn = each.name in settings.values.agents;
    if (ofModules.has(each.name) || (!isOwn && names.has(each.name))) continue;
    register(each, isOwn ? "settings" : "built in");
  }
  const replaced = new Set<string>();
  for (const each of parts.agents) {
    registry.register(each, { replace: !replaced.has(each.name) });
    replaced.add(each.name);
  }
}

function problemOf(error: unknown, source: string): RegistryProblem {
  const kind = agentErrors.is(error, "agent_duplicate") ? "duplicate" : "module";
  const name = isAtlasError(error) ? error.details["agent"] : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return { level: "error", kind, source, message, ...(typeof name === "string" ? { agent: name } : {}) };
}

async function refuseProblems(registry: Registry): Promise<void> {
  const errors = (await registry.check()).filter(({ level }) => level === "error");
  if (errors.length === 0) return;
  throw agentErrors.create(
    "registry_invalid",
    `The agents cannot work together:\n  ${errors.map(({ message }) => message).join("\n  ")}`,
    { details: { problems: errors.map((each) => ({ ...each })) } },
  );
}

function allTools(tools: readonly AnyTool[], registry: Registry): readonly AnyTool[] {
  return [...new Set([...tools, ...registry.list().flatMap(({ agent }) => agent?.tools ?? [])])];
}
