import type { Call } from "../command.ts";
import { jsonOption } from "../json-option.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs fork`. */
export interface RunsForkOptions {
  readonly at?: number;
  readonly input?: string;
}

/** Makes a new run that goes on from what another one had recorded up to an entry of its log, and waits for it. */
export async function runsFork(call: Call<RunsForkOptions>): Promise<number> {
  const { args, options, screen } = call;
  const input = options.input === undefined ? undefined : jsonOption(options.input, "--input");
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(args[0] ?? "");
  const forked = await handle.fork({
    ...(options.at === undefined ? {} : { at: options.at }),
    ...(input === undefined ? {} : { input }),
  });
  screen.say(`${forked.id} goes on from ${handle.id}.`);
  const output = await forked.result();
  if (screen.json) screen.printJson({ runId: forked.id, status: "completed", output });
  else screen.stream(`${typeof output === "string" ? output : JSON.stringify(output, undefined, 2)}\n`);
  return 0;
}
