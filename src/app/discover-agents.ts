import { readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { AgentSource, AnyAgent, AnyAgentFactory } from "../agents/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { readAgentFile } from "./agent-file.ts";
import { appErrors } from "./errors.ts";
import { loadDefinitions, sortDefinitions } from "./modules.ts";
import type { Trust } from "./settings-trust.ts";
import { requireTrust } from "./settings-trust.ts";

/** Is where agents are discovered. */
export interface DiscoveryOptions {
  /** Holds an agent in each folder of its own. */
  readonly folder: string;
  /** How messages call files: relative to this folder. */
  readonly directory: string;
  readonly trust: Trust;
  /** Are the tools that an `agent.md` may name; those that discovered modules export are put to them. */
  readonly tools: AnyTool[];
}

const maxBytes = 1024 * 1024;
const files = ["agent.ts", "agent.js", "agent.mjs", "agent.md"] as const;

/**
 * Finds the agents of a folder: `ID/agent.ts` (or `.js`, `.mjs`) exports them, `ID/agent.md` describes one. Nothing is loaded yet; a
 * file that cannot be used says so when it is.
 *
 * Order: modules first, whose tools the others may name; then by id.
 */
export function discoverAgents(options: DiscoveryOptions): readonly AgentSource[] {
  const { folder, directory } = options;
  const found = readdirSync(folder, { withFileTypes: true })
    .filter((each) => !each.isFile() && !each.name.startsWith("."))
    .map(({ name }) => ({ id: name, has: files.filter((file) => isThere(join(folder, name), file)) }))
    .filter(({ has }) => has.length > 0)
    .toSorted((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
  return found.map(({ id, has }): AgentSource => {
    const [file = "agent.md", second] = has;
    const path = join(folder, id, file);
    const place = relative(directory, path);
    let isLoaded = false;
    return {
      id,
      place,
      load: async () => {
        if (second !== undefined) {
          throw appErrors.create(
            "agent_file_invalid",
            `${relative(directory, join(folder, id))} has ${has.join(" and ")}; keep one of them and move the others away.`,
            { details: { file: place, files: [...has] } },
          );
        }
        // Where links lead counts as where they stand.
        const real = realpathSync(path);
        for (const each of new Set([folder, join(folder, id), path, dirname(real), real]))
          requireTrust(each, options.trust, "agent's place");
        // By its time: whoever loads the same file again in this process gets what it is now.
        const edition = isLoaded ? statSync(path).mtimeMs : 0;
        isLoaded = true;
        return await (file === "agent.md"
          ? loadDescription(path, place, options)
          : loadModule(path, place, { edition, options }));
      },
    };
  });
}

function rank({ has }: { readonly has: readonly string[] }): number {
  return has[0] === "agent.md" ? 1 : 0;
}

function isThere(folder: string, file: string): boolean {
  try {
    return statSync(join(folder, file)).isFile();
  } catch {
    // It is not there, or may not be looked at: it holds no agent.
    return false;
  }
}

async function loadDescription(path: string, label: string, { tools }: DiscoveryOptions): Promise<readonly AnyAgent[]> {
  const folder = join(path, "..");
  return [await readAgentFile(readText(path, label), { id: idOf(folder), label, directory: folder, tools })];
}

function readText(path: string, label: string): string {
  try {
    if (statSync(path).size > maxBytes) throw new Error("it has more than 1 MiB");
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (cause) {
    const why =
      cause instanceof TypeError ? "it is not UTF-8 text" : cause instanceof Error ? cause.message : "no reason";
    throw appErrors.create("agent_file_invalid", `${label} cannot be read: ${why}.`, {
      details: { file: label },
      cause,
    });
  }
}

function idOf(folder: string): string {
  return relative(join(folder, ".."), folder);
}

async function loadModule(
  path: string,
  place: string,
  { edition, options }: { readonly edition: number; readonly options: DiscoveryOptions },
): Promise<readonly (AnyAgent | AnyAgentFactory)[]> {
  const { agents, factories, tools } = sortDefinitions(await loadDefinitions(path, { edition }));
  if (agents.length + factories.length === 0) {
    throw appErrors.create(
      "module_failed",
      `The module ${place} cannot be used: it exports no agent and no factory of agents.`,
      {
        details: { path },
      },
    );
  }
  for (const each of tools) {
    const before = options.tools.findIndex(({ name }) => name === each.name);
    if (before === -1) options.tools.push(each);
    else options.tools[before] = each;
  }
  return [...agents, ...factories];
}
