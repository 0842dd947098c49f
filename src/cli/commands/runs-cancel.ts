import type { Call } from "../command.ts";
import { stateOf } from "../format.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs cancel`. */
export interface RunsCancelOptions {
  readonly reason?: string;
}

/** Cancels a run and waits until it has ended, whichever process has it. */
export async function runsCancel(call: Call<RunsCancelOptions>): Promise<number> {
  const { args, options, screen } = call;
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(args[0] ?? "");
  const before = await handle.record();
  const after = await handle.cancel(options.reason);
  if (screen.json) screen.printJson(after);
  else if (before.finishedAt !== undefined) screen.say(`${after.id} had ended before: ${stateOf(after)}`);
  else screen.print(`${after.id} ${stateOf(after)}`);
  return 0;
}
