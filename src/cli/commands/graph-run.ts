import { isJsonObject } from "../../base/index.ts";
import type { AnyGraph, Graph } from "../../graph/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { followRun } from "../follow-run.ts";
import { readRunnable } from "../graph-file.ts";
import { jsonOption } from "../json-option.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas graph run`. */
export interface GraphRunOptions {
  readonly graph?: string;
  readonly state?: string;
  readonly new?: boolean;
}

/** Runs a graph of a file and prints the state at its end; takes up the same run if it was interrupted before. */
export async function graphRun(call: Call<GraphRunOptions>): Promise<number> {
  const { options, screen } = call;
  const graph = await readRunnable(call);
  const state = jsonOption(options.state ?? "{}", "--state");
  if (!isJsonObject(state))
    throw cliErrors.create("usage", `--state must be a JSON object, as in --state '{"draft":""}'.`);
  await using atlas = await openAtlas(call);
  const key = options.new === true ? {} : { key: `graph ${graph.name} ${JSON.stringify(state)}` };
  const handle = await atlas.start(typed(graph), state, key);
  if (!handle.isNew) screen.say(`Resuming ${handle.id}. Use --new to start anew.`);
  const ending = await followRun(atlas, handle, call);
  if (ending.kind === "failed") return ending.exitCode;
  if (screen.json) screen.printJson({ runId: handle.id, state: ending.result, durationMs: ending.durationMs });
  else screen.print(JSON.stringify(ending.result, null, 2));
  return 0;
}

/** What a graph begins with is checked by its schema when it is started. */
function typed(graph: AnyGraph): Graph {
  return graph as Graph;
}
