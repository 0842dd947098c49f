import type { QueueRecord } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import type { Line } from "../line.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Lists the queues with what waits and runs in each. */
export async function queueList(call: Call): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const queues = await atlas.runs.queues.list();
  if (screen.json) screen.printJson({ queues });
  else if (queues.length === 0) screen.say('There is no queue yet. Make one with: atlas run "GOAL" --queue NAME');
  else for (const queue of queues) screen.print(queueLine(queue));
  return 0;
}

/** Writes a queue on a line. */
export function queueLine({ name, paused, ready, delayed, blocked, running, dead }: QueueRecord): Line {
  const counts = `${ready} ready, ${delayed} delayed, ${blocked} blocked, ${running} running`;
  const state = paused ? styled("yellow", "paused") : styled("green", "open");
  const lost = dead === 0 ? "" : line`, ${styled("red", `${dead} dead`)}`;
  return line`${styled("bold", oneLine(name, 64).padEnd(16))} ${state}  ${counts}${lost}`;
}
