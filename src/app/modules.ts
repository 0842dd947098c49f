import { existsSync, globSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { AgentOptions, AnyAgent, AnyAgentFactory } from "../agents/index.ts";
import type { Provider } from "../providers/index.ts";
import type { AnyWorkflow } from "../runs/index.ts";
import type { AnyGraph } from "../graph/index.ts";
import type { AnyTeam } from "../teams/index.ts";
import type { AnyTool, ToolOptions } from "../tools/index.ts";
import type { Clock, Schema } from "../base/index.ts";
import { systemClock } from "../base/index.ts";
import { agent, agentOf, isAgentClass } from "../agents/index.ts";
import { tool } from "../tools/index.ts";
import { appErrors } from "./errors.ts";

/** Is what the modules of a project define. */
export interface Defined {
  readonly agents: readonly AnyAgent[];
  readonly tools: readonly AnyTool[];
  readonly teams: readonly AnyTeam[];
  readonly graphs: readonly AnyGraph[];
  readonly workflows: readonly AnyWorkflow[];
  readonly providers: readonly Provider[];
  readonly factories: readonly AnyAgentFactory[];
}

/** Is what a module defines, and where it is. */
export interface Definition {
  readonly value: unknown;
  readonly path: string;
}

/** How long one module may take. Units: milliseconds. */
const longestLoadMs = 10_000;

/**
 * Loads the modules of a project and sorts what they export: agents, factories of agents, teams, graphs, tools, workflows, providers; also
 * inside exported lists. An exported class that `agentClass` decorates is an agent. `defined` is told of each, with its file.
 *
 * Errors: module_failed, naming the file; also for one that has not finished after 10 seconds, as one that waits for ever.
 */
export async function loadModules(
  patterns: readonly string[],
  clock: Clock = systemClock,
  defined: (definition: Definition) => void = () => {},
): Promise<Defined> {
  const found: unknown[] = [];
  for (const path of patterns.flatMap(filesOf)) {
    for (const value of await loadDefinitions(path, { clock })) {
      found.push(value);
      defined({ value, path });
    }
  }
  return sortDefinitions(found);
}

/**
 * Loads one module and gives what it defines. `edition` loads it anew, where it was loaded before; what it imports itself is not.
 *
 * Errors: module_failed.
 */
export async function loadDefinitions(
  path: string,
  { clock = systemClock, edition = 0 }: { readonly clock?: Clock; readonly edition?: number } = {},
): Promise<readonly unknown[]> {
  const exported = await load(path, clock, edition);
  const values = definitionsOf(path, exported);
  if (values.length === 0) throw failed(path, "it exports no agent, team, graph, tool, workflow or provider");
  return values;
}

/** What is exported runs code of its own too: a constructor, a getter. */
function definitionsOf(path: string, exported: Readonly<Record<string, unknown>>): readonly unknown[] {
  try {
    return Object.values(exported)
      .flat()
      .map((value: unknown) => (isAgentClass(value) ? agentOf(value) : completed(value)))
      .filter(isDefinition);
  } catch (cause) {
    throw failed(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Puts in what is left out of a tool or an agent that was written by hand, without the functions that define them. */
function completed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || "version" in value) return value;
  if (isKind<ToolOptions<Schema, unknown> & { kind: "tool" }>(value, "tool")) return tool(value);
  return isKind<AgentOptions<unknown> & { kind: "agent" }>(value, "agent") ? agent(value) : value;
}

/** Sorts definitions by what they are. */
export function sortDefinitions(found: readonly unknown[]): Defined {
  return {
    agents: found.filter((value) => isKind<AnyAgent>(value, "agent")),
    teams: found.filter((value) => isKind<AnyTeam>(value, "team")),
    graphs: found.filter((value) => isKind<AnyGraph>(value, "graph")),
    tools: found.filter((value) => isKind<AnyTool>(value, "tool")),
    workflows: found.filter((value) => isKind<AnyWorkflow>(value, "workflow")),
    factories: found.filter((value) => isKind<AnyAgentFactory>(value, "agent-factory")),
    providers: found.filter(isProvider),
  };
}

function isDefinition(value: unknown): boolean {
  return kinds.some((kind) => isKind(value, kind)) || isProvider(value);
}

const kinds = ["agent", "agent-factory", "team", "graph", "tool", "workflow"] as const;

function filesOf(pattern: string): string[] {
  // A file may be named like a pattern, or stand in a folder that is.
  const files = existsSync(pattern) ? [pattern] : globSync(pattern).toSorted();
  if (files.length === 0) throw failed(pattern, "there is no such file");
  return files;
}

async function load(path: string, clock: Clock, edition: number): Promise<Readonly<Record<string, unknown>>> {
  const loaded = new AbortController();
  // It keeps the process alive too: a module that waits for nothing would end it without a word.
  const late = clock.sleep(longestLoadMs, { signal: loaded.signal }).then(() => {
    throw new Error(
      `it has not finished loading after ${longestLoadMs / 1000} seconds; look for an await that never ends`,
    );
  });
  try {
    return (await Promise.race([import(addressOf(path, edition)), late])) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw failed(path, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    loaded.abort();
  }
}

/** Gives the address of a module; Node loads an address once, so that each edition has its own. */
function addressOf(path: string, edition: number): string {
  return `${pathToFileURL(path).href}${edition === 0 ? "" : `?edition=${edition}`}`;
}

function failed(path: string, why: string, cause?: unknown): Error {
  return appErrors.create("module_failed", `The module ${path} cannot be used: ${why.replace(/\.$/, "")}.`, {
    details: { path },
    cause,
  });
}

function isKind<T extends { readonly kind: string }>(value: unknown, kind: T["kind"]): value is T {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

function isProvider(value: unknown): value is Provider {
  return typeof value === "object" && value !== null && "listModels" in value && typeof value.listModels === "function";
}
