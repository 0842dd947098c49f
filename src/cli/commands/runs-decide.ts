import type { EffectDecision } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { jsonOption } from "../json-option.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs decide`. */
export interface RunsDecideOptions {
  readonly output?: string;
  readonly reason?: string;
}

/** Says what became of an effect that a crash cut off: it was done, is to be done again, or failed. */
export async function runsDecide(call: Call<RunsDecideOptions>): Promise<number> {
  const { args, options, screen } = call;
  const [id = "", key = "", outcome = ""] = args;
  const decision = decisionOf(outcome, options);
  await using atlas = await openAtlas(call);
  await (await atlas.runs.open(id)).decide(key, decision);
  if (screen.json) screen.printJson({ runId: id, key, decision });
  else screen.say(`Decided: ${key} of ${id} ${outcome}.`);
  return 0;
}

function decisionOf(outcome: string, { output, reason }: RunsDecideOptions): EffectDecision {
  if (outcome === "done")
    return { outcome, ...(output === undefined ? {} : { output: jsonOption(output, "--output") }) };
  if (outcome === "retry") return { outcome };
  if (outcome === "fail") return { outcome, ...(reason === undefined ? {} : { reason }) };
  throw cliErrors.create("usage", "Say done, retry or fail: atlas runs decide ID KEY done --output JSON");
}
