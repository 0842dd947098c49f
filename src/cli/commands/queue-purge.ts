import type { Call } from "../command.ts";
import { requireYes } from "../confirm.ts";
import { count } from "../format.ts";
import { openAtlas } from "../open.ts";

/** Cancels every run of a queue that has not begun. */
export async function queuePurge(call: Call<{ readonly yes?: boolean }>): Promise<number> {
  const [name = ""] = call.args;
  requireYes(call, `cancels every run of ${name} that has not begun`);
  await using atlas = await openAtlas(call);
  const purged = await atlas.runs.queues.purge(name);
  if (call.screen.json) call.screen.printJson({ queue: name, cancelled: purged });
  else call.screen.print(`${count(purged, "run")} of ${name} cancelled.`);
  return 0;
}
