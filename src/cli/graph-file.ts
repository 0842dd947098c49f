import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { loadGraphs } from "../app/index.ts";
import { parseJson } from "../base/index.ts";
import { readStructure } from "../graph/index.ts";
import type { AnyGraph, GraphStructure } from "../graph/index.ts";
import type { Call } from "./command.ts";
import { cliErrors } from "./errors.ts";

/** Reads the graphs of a file: what a module exports, or the structure that JSON describes. Errors: usage, module_failed, json_invalid, invalid_input. */
export async function readGraphs({ args, io }: Call): Promise<readonly (AnyGraph | GraphStructure)[]> {
  const [file = ""] = args;
  const path = resolve(io.directory, file);
  if (!file.endsWith(".json")) {
    const graphs = await loadGraphs(path);
    if (graphs.length > 0) return graphs;
    throw cliErrors.create("usage", `${file} exports no graph; export what graph({ … }) gives.`);
  }
  return [readStructure(parseJson(textOf(path, file), file))];
}

/** Reads the one graph that a command is about. Errors: as `readGraphs`; usage when there are several and none is named. */
export async function readGraph(call: Call<{ readonly graph?: string }>): Promise<AnyGraph | GraphStructure> {
  const graphs = await readGraphs(call);
  const { graph: name } = call.options;
  const [only] = name === undefined ? graphs : graphs.filter((each) => each.name === name);
  if (only !== undefined && (name !== undefined || graphs.length === 1)) return only;
  const names = graphs.map((each) => each.name).join(", ");
  throw cliErrors.create("usage", `Say which graph with --graph; the file has: ${names}.`);
}

/** Reads the one graph that a command runs. Errors: as `readGraph`; usage for JSON, which holds no functions. */
export async function readRunnable(call: Call<{ readonly graph?: string }>): Promise<AnyGraph> {
  const graph = await readGraph(call);
  if ("compiled" in graph) return graph;
  throw cliErrors.create(
    "usage",
    "A graph as JSON has no functions; name the module that makes it with graphFromJson.",
  );
}

function textOf(path: string, file: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw cliErrors.create("usage", `The file ${file} cannot be read; see that it is there.`, { cause });
  }
}
