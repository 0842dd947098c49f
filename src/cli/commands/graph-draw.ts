import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { graphHistory, graphToJson, toDot, toMermaid, toSvg } from "../../graph/index.ts";
import type { AnyGraph, DrawOptions, GraphStructure } from "../../graph/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { readGraph, readRunnable } from "../graph-file.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas graph draw`. */
export interface GraphDrawOptions {
  readonly graph?: string;
  readonly format?: string;
  readonly run?: string;
  readonly out?: string;
}

type Draw = (graph: AnyGraph | GraphStructure, options: DrawOptions) => string | Promise<string>;

const formats: ReadonlyMap<string, Draw> = new Map<string, Draw>([
  ["mermaid", toMermaid],
  ["dot", toDot],
  ["svg", toSvg],
  ["json", (graph) => `${JSON.stringify("compiled" in graph ? graphToJson(graph) : graph, null, 2)}\n`],
]);

/** Draws a graph of a file. */
export async function graphDraw(call: Call<GraphDrawOptions>): Promise<number> {
  const { options, io, screen } = call;
  const { format = "mermaid", run, out } = options;
  const draw = formats.get(format);
  if (draw === undefined)
    throw cliErrors.create(
      "usage",
      `--format is one of ${[...formats.keys()].join(", ")}, not ${JSON.stringify(format)}.`,
    );
  const drawing = run === undefined ? await draw(await readGraph(call), {}) : await drawRun(call, run, draw);
  if (out !== undefined) write(resolve(io.directory, out), out, drawing);
  if (screen.json)
    screen.printJson(out === undefined ? { format, drawing } : { format, file: resolve(io.directory, out) });
  else if (out === undefined) screen.print(drawing.trimEnd());
  else screen.say(`Drawn to ${out}.`);
  return 0;
}

function write(path: string, out: string, drawing: string): void {
  try {
    writeFileSync(path, drawing);
  } catch (cause) {
    throw cliErrors.create("usage", `The file ${out} cannot be written; see that its folder is there.`, { cause });
  }
}

async function drawRun(call: Call<GraphDrawOptions>, id: string, draw: Draw): Promise<string> {
  const graph = await readRunnable(call);
  await using atlas = await openAtlas(call);
  const history = await graphHistory(await atlas.runs.open(id), graph);
  return await draw(graph, { history });
}
