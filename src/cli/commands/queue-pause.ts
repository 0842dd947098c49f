import type { Call } from "../command.ts";
import { openAtlas } from "../open.ts";

/** Lets no worker take runs from a queue; what runs goes on. */
export async function queuePause(call: Call): Promise<number> {
  return await change(call, "pause");
}

/** Lets workers take runs from a queue again. */
export async function queueResume(call: Call): Promise<number> {
  return await change(call, "resume");
}

async function change(call: Call, what: "pause" | "resume"): Promise<number> {
  const { args, screen } = call;
  const [name = ""] = args;
  await using atlas = await openAtlas(call);
  await atlas.runs.queues[what](name);
  const queue = await atlas.runs.queues.show(name);
  if (screen.json) screen.printJson(queue);
  else if (what === "pause") screen.print(`${name} is paused; ${queue.running} running go on.`);
  else screen.print(`${name} is open; ${queue.ready} ready.`);
  return 0;
}
