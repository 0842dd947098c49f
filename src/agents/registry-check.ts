import { satisfiesVersion } from "../base/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { exampleProblems, findCycles, missingPermissions } from "../tools/index.ts";
import type { AnyAgent } from "./agent.ts";
import type { RegisteredAgent } from "./registry-entry.ts";
import { deprecationWords, pickVersion } from "./registry-entry.ts";

/** Is one thing that keeps a registered agent from working (`error`), or that is odd (`warning`). */
export interface RegistryProblem {
  readonly level: "error" | "warning";
  readonly kind: "module" | "duplicate" | "missing" | "version" | "cycle" | "deprecated" | "permission" | "example";
  /** Names the agent; left out where a file gave none. */
  readonly agent?: string;
  /** Where it comes from: a file, `settings` or `program`. */
  readonly source: string;
  /** Is a sentence that names the culprit. */
  readonly message: string;
}

/** Is what requirements are held against, beside the agents themselves. */
export interface CheckSurroundings {
  readonly tools: readonly AnyTool[];
  /** Tells whether a model of this name can be used here; models are not looked at without it. */
  readonly hasModel?: ((name: string) => Promise<boolean>) | undefined;
}

/** Finds everything that is wrong with the agents of a registry: what they require and is missing, of another version, in a circle, deprecated or forbidden. */
export async function checkAgents(
  entries: readonly RegisteredAgent[],
  surroundings: CheckSurroundings,
): Promise<readonly RegistryProblem[]> {
  const found: RegistryProblem[] = [];
  const models = new Map<string, Promise<boolean>>();
  const hasModel = (name: string): Promise<boolean> => {
    const known = models.get(name) ?? surroundings.hasModel?.(name) ?? Promise.resolve(true);
    models.set(name, known);
    return known;
  };
  for (const entry of entries) {
    const add = (level: RegistryProblem["level"], kind: RegistryProblem["kind"], message: string): void => {
      found.push({ level, kind, agent: entry.name, source: entry.source, message: `${message}.` });
    };
    checkRequiredAgents(entry, entries, add);
    checkRequiredTools(entry, surroundings.tools, add);
    for (const model of entry.requires.models ?? []) {
      if (!(await hasModel(model)))
        add("error", "missing", `${entry.name} requires the model ${model}, which cannot be used here`);
    }
    for (const each of entry.agent?.tools ?? []) await checkTool(entry.agent, each, add);
  }
  return [...found, ...circles(entries)];
}

type Add = (level: RegistryProblem["level"], kind: RegistryProblem["kind"], message: string) => void;

function checkRequiredAgents(entry: RegisteredAgent, entries: readonly RegisteredAgent[], add: Add): void {
  for (const [name, range] of Object.entries(entry.requires.agents ?? {})) {
    const known = entries.filter((each) => each.name === name);
    const picked = pickVersion(known, range);
    if (known.length === 0)
      add("error", "missing", `${entry.name} requires the agent ${name} (${range}), which is not there`);
    else if (picked === undefined) {
      const versions = known.map(({ version }) => version).join(", ");
      add("error", "version", `${entry.name} requires the agent ${name} in ${range}, and there is ${versions}`);
    } else if (picked.deprecated)
      add("warning", "deprecated", `${entry.name} requires ${name}: ${deprecationWords(picked)}`);
  }
}

function checkRequiredTools(entry: RegisteredAgent, tools: readonly AnyTool[], add: Add): void {
  for (const [name, range] of Object.entries(entry.requires.tools ?? {})) {
    const known = [...(entry.agent?.tools ?? []), ...tools].filter((each) => each.name === name);
    if (known.length === 0)
      add("error", "missing", `${entry.name} requires the tool ${name} (${range}), which is not there`);
    else if (!known.some(({ version }) => satisfiesVersion(version, range))) {
      const versions = [...new Set(known.map(({ version }) => version))].join(", ");
      add("error", "version", `${entry.name} requires the tool ${name} in ${range}, and there is ${versions}`);
    }
  }
}

async function checkTool(agent: AnyAgent | undefined, tool: AnyTool, add: Add): Promise<void> {
  if (agent?.permissions) {
    const missing = missingPermissions(tool, { of: agent.name, permissions: agent.permissions });
    if (missing.length > 0)
      add(
        "warning",
        "permission",
        `${agent.name} has the tool ${tool.name}, and does not allow it ${missing.join(", ")}`,
      );
  }
  for (const problem of await exampleProblems(tool)) add("warning", "example", problem);
}

function circles(entries: readonly RegisteredAgent[]): readonly RegistryProblem[] {
  const graph = new Map<string, readonly string[]>();
  for (const { name, requires } of entries)
    graph.set(name, [...(graph.get(name) ?? []), ...Object.keys(requires.agents ?? {})]);
  return findCycles(graph).map((circle): RegistryProblem => {
    const [first = ""] = circle;
    const source = entries.find(({ name }) => name === first)?.source ?? "";
    const message = `Agents require each other in a circle: ${[...circle, first].join(" requires ")}.`;
    return { level: "error", kind: "cycle", agent: first, source, message };
  });
}
