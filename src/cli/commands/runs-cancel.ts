import type { Call } from "../command.ts";
import { stateOf } from "../format.ts";
import { orInterrupted } from "../interrupt.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs cancel`. */
export interface RunsCancelOptions {
  readonly reason?: string;
}

/** Cancels a run and waits until it has ended, whichever process has it. A signal ends the waiting; the cancel stays asked for. */
export async function runsCancel(call: Call<RunsCancelOptions>): Promise<number> {
  const { args, options, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(args[0] ?? "");
  const before = await handle.record();
  const after = await orInterrupted(handle.cancel(options.reason), interrupt);
  if (screen.json) screen.printJson(after);
  else if (before.finishedAt !== undefined) screen.say(`${after.id} had ended before: ${stateOf(after)}`);
  else screen.print(`${after.id} ${stateOf(after)}`);
  return 0;
}
