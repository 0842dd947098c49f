import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs events`. */
export interface RunsEventsOptions {
  readonly follow?: boolean;
  readonly after?: number;
}

/** Prints the log of a run, one event a line; with `--json` one JSON object a line. */
export async function runsEvents(call: Call<RunsEventsOptions>): Promise<number> {
  const { args, options, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(args[0] ?? "");
  const { signal } = interrupt;
  try {
    for await (const event of handle.events({ live: options.follow === true, after: options.after ?? 0, signal })) {
      if (screen.json) screen.printJson(event, "sequence");
      else {
        const time = styled("dim", new Date(event.at).toISOString().slice(11, 23));
        const key = event.key === undefined ? "" : ` ${oneLine(screen.hide(event.key), 60)}`;
        const data = styled("dim", oneLine(screen.hide(JSON.stringify(event.data)), 200));
        screen.print(line`${String(event.seq).padStart(5)} ${time} ${oneLine(event.type)}${key} ${data}`);
      }
    }
  } catch (error) {
    // To stop looking is no failure: the run goes on where it is.
    if (!signal.aborted) throw error;
  }
  return 0;
}
