import type { Call } from "../command.ts";
import { openAtlas } from "../open.ts";

/** Pauses a run with its children, whichever process has it. */
export async function runsPause(call: Call): Promise<number> {
  const { args, screen } = call;
  await using atlas = await openAtlas(call);
  const after = await (await atlas.runs.open(args[0] ?? "")).pause();
  if (screen.json) screen.printJson(after);
  else screen.print(`${after.id} paused; it goes on with: atlas runs resume ${after.id}`);
  return 0;
}
