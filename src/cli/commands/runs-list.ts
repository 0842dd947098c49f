import { baseErrors, isJsonObject } from "../../base/index.ts";
import { runStatuses } from "../../runs/index.ts";
import type { ListOptions, RunRecord } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { stateOf } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import type { Line } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs list`. */
export interface RunsListOptions {
  readonly status?: string;
  readonly queue?: string;
  readonly tenant?: string;
  readonly limit?: number;
}

/** Lists runs, the newest first. */
export async function runsList(call: Call<RunsListOptions>): Promise<number> {
  const { options, screen } = call;
  const status = options.status === undefined ? undefined : statusOf(options.status);
  await using atlas = await openAtlas(call);
  const { queue, tenant, limit = 20 } = options;
  const runs = await atlas.runs.list({
    limit,
    ...(status === undefined ? {} : { status }),
    ...(queue === undefined ? {} : { queue }),
    ...(tenant === undefined ? {} : { tenant }),
  });
  if (screen.json) screen.printJson({ runs });
  else if (runs.length === 0) screen.say('There is no such run yet. Start one with: atlas run "GOAL"');
  else for (const run of runs) screen.print(lineOf(run, call));
  return 0;
}

function statusOf(text: string): NonNullable<ListOptions["status"]> {
  const all = [...runStatuses, "interrupted", "paused", "dead"] as const;
  const found = all.find((status) => status === text);
  if (found !== undefined) return found;
  throw baseErrors.create("invalid_input", `There is no status ${JSON.stringify(text)}; use one of ${all.join(", ")}.`);
}

function lineOf(run: RunRecord, { screen }: Call): Line {
  const state = stateOf(run);
  const look = state === "completed" ? "green" : state === "failed" ? "red" : "yellow";
  const when = new Date(run.createdAt).toISOString().slice(0, 19).replace("T", " ");
  const input = isJsonObject(run.input) ? run.input : {};
  const named = input["goal"];
  // Of a graph the state says more than the graph itself, which stands before it.
  const goal = typeof named === "string" ? named : JSON.stringify("#graph" in input ? input["state"] : run.input);
  return line`${run.id}  ${when}  ${styled(look, state.padEnd(11))}  ${oneLine(run.workflow)}  ${oneLine(screen.hide(goal), 80)}`;
}
