import type { Call } from "../command.ts";
import { jsonOption } from "../json-option.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs signal`. */
export interface RunsSignalOptions {
  readonly data?: string;
  readonly early?: boolean;
}

/** Sends a signal that a run waits for, such as an approval; with `--early` also one that it will wait for. */
export async function runsSignal(call: Call<RunsSignalOptions>): Promise<number> {
  const { args, options, screen } = call;
  const [id = "", name = ""] = args;
  const payload = options.data === undefined ? null : jsonOption(options.data, "--data");
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(id);
  await handle.signal(name, payload, { expected: options.early !== true });
  if (screen.json) screen.printJson({ runId: id, signal: name, payload });
  else screen.say(`Sent ${name} to ${id}.`);
  return 0;
}
