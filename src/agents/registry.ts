import type { AnyAgent } from "./agent.ts";
import type { AnyAgentFactory } from "./agent-factory.ts";
import { makeAgent } from "./agent-factory.ts";
import type { AgentMetadata } from "./agent-metadata.ts";
import { metadataProblems, readMetadata } from "./agent-metadata.ts";
import { agentErrors } from "./errors.ts";
import type { CheckSurroundings, RegistryProblem } from "./registry-check.ts";
import type { RegisteredAgent } from "./registry-entry.ts";
import { deprecationWords, newestFirst, notRegistered, pickVersion } from "./registry-entry.ts";
import type { AgentMatch, AgentQuery } from "./registry-query.ts";
import { matchAgents } from "./registry-query.ts";

/** Is where agents are read from, again and again: a file in most cases. */
export interface AgentSource {
  /** Names it for `reload`. */
  readonly id: string;
  /** Is where it is, for people. */
  readonly place: string;
  /** Reads it anew. */
  readonly load: () => Promise<readonly (AnyAgent | AnyAgentFactory)[]>;
}

/** Says how an agent is registered, over what it says of itself. */
export interface RegisterOptions extends AgentMetadata {
  /** Where it comes from, for people; `program` by default. */
  readonly source?: string;
  /** Takes the place of all versions of the name; an agent of the same name and version is a mistake otherwise. */
  readonly replace?: boolean;
}

/**
 * Holds agents by name and version, and finds them by what they can do. An agent that was handed out stays what it is,
 * whatever becomes of the registry.
 */
export interface Registry {
  /** Errors: agent_duplicate, agent_invalid for metadata that is none. */
  register(agent: AnyAgent | AnyAgentFactory, options?: RegisterOptions): RegisteredAgent;
  /** Takes away a version of a name, or all of them; tells how many there were. */
  unregister(name: string, version?: string): number;
  /**
   * Gives the newest version in the range, one that is not deprecated where there is such; one that is deprecated is warned of once.
   *
   * Errors: agent_missing; invalid_input for a text that is no range.
   */
  get(name: string, range?: string): AnyAgent;
  /** Order: by name, then the newest first. */
  list(): readonly RegisteredAgent[];
  /** Finds agents by what they can do, of each name the version that `get` gives. Order: the best first. */
  query(query: AgentQuery): readonly AgentMatch[];
  /** Makes an agent with a factory, and registers it. Errors: agent_missing, agent_config_invalid, agent_duplicate. */
  create(factory: string, config: unknown): Promise<AnyAgent>;
  /**
   * Reads a source again and puts what it gives in the place of what it gave. What fails changes nothing.
   *
   * Errors: agent_missing for an id that is none; those of the source.
   */
  reload(id: string): Promise<readonly RegisteredAgent[]>;
  /** Finds everything that is wrong: with the agents, and with sources that could not be read. */
  check(): Promise<readonly RegistryProblem[]>;
}

/** Are the options of `createRegistry`. */
export interface RegistryOptions extends Partial<CheckSurroundings> {
  readonly sources?: readonly AgentSource[];
  /** What is known to be wrong already, in its form of now; the check gives it too. */
  readonly problems?: readonly RegistryProblem[];
  /** Is told that a deprecated agent was asked for. */
  readonly warn?: (message: string) => void;
  /** Is told that the newest version of a name is another one; undefined when there is none any more. */
  readonly changed?: (name: string, agent: AnyAgent | undefined) => void;
}

/**
 * Makes a registry. It is empty until something is registered; its sources are read by `reload`.
 *
 * @example examples/registry.ts
 */
export function createRegistry(options: RegistryOptions = {}): Registry {
  return new AgentRegistry(options);
}

class AgentRegistry implements Registry {
  readonly #options: RegistryOptions;
  readonly #names = new Map<string, readonly RegisteredAgent[]>();
  readonly #sources: ReadonlyMap<string, AgentSource>;
  readonly #unread = new Map<string, RegistryProblem>();
  readonly #warned = new Set<string>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#sources = new Map((options.sources ?? []).map((source) => [source.id, source]));
  }

  register(agent: AnyAgent | AnyAgentFactory, options: RegisterOptions = {}): RegisteredAgent {
    const entry = entryOf(agent, options);
    this.#put([entry], options.replace === true ? (each) => each.name !== entry.name : () => true);
    return entry;
  }

  unregister(name: string, version?: string): number {
    const known = this.#names.get(name) ?? [];
    const left = version === undefined ? [] : known.filter((each) => each.version !== version);
    this.#set(name, left);
    return known.length - left.length;
  }

  get(name: string, range?: string): AnyAgent {
    const found = pickVersion(this.#agentsOf(name), range);
    if (found?.agent === undefined) {
      const versions = this.#agentsOf(name).map(({ version }) => version);
      throw notRegistered(name, range, { names: [...this.#names.keys()].toSorted(), versions });
    }
    const key = `${name} ${found.version}`;
    if (found.deprecated && !this.#warned.has(key)) {
      this.#warned.add(key);
      this.#options.warn?.(`${deprecationWords(found)}.`);
    }
    return found.agent;
  }

  list(): readonly RegisteredAgent[] {
    return [...this.#names.keys()].toSorted().flatMap((name) => this.#names.get(name) ?? []);
  }

  query(query: AgentQuery): readonly AgentMatch[] {
    return matchAgents(
      [...this.#names.keys()].flatMap((name) => pickVersion(this.#agentsOf(name)) ?? []),
      query,
    );
  }

  async create(name: string, config: unknown): Promise<AnyAgent> {
    const found = pickVersion((this.#names.get(name) ?? []).filter(({ kind }) => kind === "factory"));
    if (found?.factory === undefined) {
      const names = this.list().flatMap((each) => (each.kind === "factory" ? [each.name] : []));
      throw notRegistered(name, undefined, { names, versions: [] });
    }
    const made = await makeAgent(found.factory, config);
    this.register(made, { source: `factory ${name}` });
    return made;
  }

  async reload(id: string): Promise<readonly RegisteredAgent[]> {
    const source = this.#sources.get(id);
    if (source === undefined) throw notRegistered(id, undefined, { names: [...this.#sources.keys()], versions: [] });
    const { place } = source;
    try {
      const entries = (await source.load()).map((agent) => entryOf(agent, { source: place }, id));
      const before = this.list().filter((each) => each.sourceId === id);
      this.#put(entries, (each) => each.sourceId !== id, before);
      this.#unread.delete(id);
      return entries;
    } catch (error) {
      const kind = agentErrors.is(error, "agent_duplicate") ? "duplicate" : "module";
      const message = error instanceof Error ? error.message : String(error);
      this.#unread.set(id, { level: "error", kind, source: place, message });
      throw error;
    }
  }

  async check(): Promise<readonly RegistryProblem[]> {
    const { checkAgents } = await import("./registry-check.ts");
    const { tools = [], hasModel, problems = [] } = this.#options;
    return [...problems, ...this.#unread.values(), ...(await checkAgents(this.list(), { tools, hasModel }))];
  }

  #agentsOf(name: string): readonly RegisteredAgent[] {
    return (this.#names.get(name) ?? []).filter(({ kind }) => kind === "agent");
  }

  /** Puts entries in, all or none, after taking away what is not to be kept: of their own names, and those of `before`. */
  #put(
    entries: readonly RegisteredAgent[],
    keep: (entry: RegisteredAgent) => boolean,
    before: readonly RegisteredAgent[] = [],
  ): void {
    const names = new Set([...entries, ...before].map(({ name }) => name));
    const planned = [...names].map((name) => {
      const all = (this.#names.get(name) ?? []).filter(keep);
      for (const entry of entries) {
        if (entry.name !== name) continue;
        const other = all.find((each) => each.version === entry.version && each.kind === entry.kind);
        if (other !== undefined && other.agent !== undefined && other.agent === entry.agent) continue;
        if (other !== undefined) throw duplicate(entry, other);
        all.push(entry);
      }
      return [name, all] as const;
    });
    for (const [name, all] of planned) this.#set(name, all);
  }

  #set(name: string, entries: readonly RegisteredAgent[]): void {
    const before = pickVersion(this.#agentsOf(name))?.agent;
    if (entries.length === 0) this.#names.delete(name);
    else this.#names.set(name, entries.toSorted(newestFirst));
    const now = pickVersion(this.#agentsOf(name))?.agent;
    if (now !== before) this.#options.changed?.(name, now);
  }
}

function entryOf(given: AnyAgent | AnyAgentFactory, options: RegisterOptions, sourceId?: string): RegisteredAgent {
  if (!isDefinition(given))
    throw agentErrors.create(
      "agent_invalid",
      "What was to be registered is no agent; pass what agent() or agentFactory() gave.",
    );
  const { source = "program", version, description, capabilities, requires, deprecated, permissions } = options;
  const metadata = withoutGaps({ version, description, capabilities, requires, deprecated, permissions });
  const facts = readMetadata(withoutGaps({ ...given, ...metadata }));
  const problems = metadataProblems(facts);
  if (problems.length > 0) {
    throw agentErrors.create(
      "agent_invalid",
      `The agent ${given.name} (${source}) cannot be registered: ${problems.join("; ")}.`,
      { details: { agent: given.name, source, problems } },
    );
  }
  const { name } = given;
  if (given.kind === "agent-factory") return { ...facts, name, kind: "factory", source, sourceId, factory: given };
  // What was said of it here is said of it wherever it goes; without that it stays the very same.
  const agent = Object.keys(metadata).length === 0 ? given : { ...given, ...facts };
  return { ...facts, name, kind: "agent", source, sourceId, agent };
}

function isDefinition(given: unknown): boolean {
  if (typeof given !== "object" || given === null || !("kind" in given)) return false;
  return given.kind === "agent" || given.kind === "agent-factory";
}

function withoutGaps(said: { readonly [Key in keyof AgentMetadata]: AgentMetadata[Key] | undefined }): AgentMetadata {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function duplicate(entry: RegisteredAgent, other: RegisteredAgent): Error {
  const { name, version } = entry;
  const places =
    entry.source === other.source ? `twice in ${entry.source}` : `in ${other.source} and in ${entry.source}`;
  return agentErrors.create(
    "agent_duplicate",
    `There are two ${entry.kind === "agent" ? "agents" : "agent factories"} named ${name} of version ${version}: ${places}.`,
    { details: { agent: name, version, sources: [other.source, entry.source] } },
  );
}
