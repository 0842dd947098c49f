import type { Call } from "../command.ts";
import { jsonOption } from "../json-option.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs steer`. */
export interface RunsSteerOptions {
  readonly data?: string;
}

/** Sends words, or JSON with `--data`, to a live run: an agent reads them before its next model call. */
export async function runsSteer(call: Call<RunsSteerOptions>): Promise<number> {
  const { args, options, screen } = call;
  const [id = "", ...words] = args;
  const input = options.data === undefined ? words.join(" ") : jsonOption(options.data, "--data");
  if (input === "") {
    const { cliErrors } = await import("../errors.ts");
    throw cliErrors.create("usage", "Say what to send: atlas runs steer ID 'use the second source', or --data JSON");
  }
  await using atlas = await openAtlas(call);
  await (await atlas.runs.open(id)).steer(input);
  if (screen.json) screen.printJson({ runId: id, sent: input });
  else screen.say(`Sent to ${id}; the run takes it before its next step that asks for it.`);
  return 0;
}
