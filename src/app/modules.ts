import { existsSync, globSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { AnyAgent } from "../agents/index.ts";
import type { Provider } from "../providers/index.ts";
import type { AnyWorkflow } from "../runs/index.ts";
import type { AnyGraph } from "../graph/index.ts";
import type { AnyTeam } from "../teams/index.ts";
import type { AnyTool } from "../tools/index.ts";
import type { Clock } from "../base/index.ts";
import { systemClock } from "../base/index.ts";
import { appErrors } from "./errors.ts";

/** Is what the modules of a project define. */
export interface Defined {
  readonly agents: readonly AnyAgent[];
  readonly tools: readonly AnyTool[];
  readonly teams: readonly AnyTeam[];
  readonly graphs: readonly AnyGraph[];
  readonly workflows: readonly AnyWorkflow[];
  readonly providers: readonly Provider[];
}

/** How long one module may take. Units: milliseconds. */
const longestLoadMs = 10_000;

/**
 * Loads the modules of a project and sorts what they export: agents, teams, graphs, tools, workflows, providers; also inside exported lists.
 *
 * Errors: module_failed, naming the file; also for one that has not finished after 10 seconds, as one that waits for ever.
 */
export async function loadModules(patterns: readonly string[], clock: Clock = systemClock): Promise<Defined> {
  const found: unknown[] = [];
  for (const path of patterns.flatMap(filesOf)) {
    const values = Object.values(await load(path, clock))
      .flat()
      .filter(isDefinition);
    if (values.length === 0) throw failed(path, "it exports no agent, team, graph, tool, workflow or provider");
    found.push(...values);
  }
  return {
    agents: found.filter((value) => isKind<AnyAgent>(value, "agent")),
    teams: found.filter((value) => isKind<AnyTeam>(value, "team")),
    graphs: found.filter((value) => isKind<AnyGraph>(value, "graph")),
    tools: found.filter((value) => isKind<AnyTool>(value, "tool")),
    workflows: found.filter((value) => isKind<AnyWorkflow>(value, "workflow")),
    providers: found.filter(isProvider),
  };
}

function isDefinition(value: unknown): boolean {
  return ["agent", "team", "graph", "tool", "workflow"].some((kind) => isKind(value, kind)) || isProvider(value);
}

function filesOf(pattern: string): string[] {
  // A file may be named like a pattern, or stand in a folder that is.
  const files = existsSync(pattern) ? [pattern] : globSync(pattern).toSorted();
  if (files.length === 0) throw failed(pattern, "there is no such file");
  return files;
}

async function load(path: string, clock: Clock): Promise<Readonly<Record<string, unknown>>> {
  const loaded = new AbortController();
  // It keeps the process alive too: a module that waits for nothing would end it without a word.
  const late = clock.sleep(longestLoadMs, { signal: loaded.signal }).then(() => {
    throw new Error(
      `it has not finished loading after ${longestLoadMs / 1000} seconds; look for an await that never ends`,
    );
  });
  try {
    return (await Promise.race([import(pathToFileURL(path).href), late])) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw failed(path, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    loaded.abort();
  }
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
