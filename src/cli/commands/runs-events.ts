import type { Call } from "../command.ts";
import { oneLine } from "../harmless.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas runs events`. */
export interface RunsEventsOptions {
  readonly follow?: boolean;
  readonly after?: number;
}

/** Prints the log of a run, one event a line; with `--json` one JSON object a line. */
export async function runsEvents(call: Call<RunsEventsOptions>): Promise<number> {
  const { args, options, io, screen, interrupt } = call;
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(args[0] ?? "");
  const { signal } = interrupt;
  try {
    for await (const event of handle.events({ live: options.follow === true, after: options.after ?? 0, signal })) {
      if (screen.json) io.stdout.write(`${JSON.stringify(event)}\n`);
      else {
        const time = screen.style("dim", new Date(event.at).toISOString().slice(11, 23), "stdout");
        const key = event.key === undefined ? "" : ` ${oneLine(event.key, 60)}`;
        screen.print(
          `${String(event.seq).padStart(5)} ${time} ${event.type}${key} ${screen.style("dim", oneLine(JSON.stringify(event.data), 200), "stdout")}`,
        );
      }
    }
  } catch (error) {
    // To stop looking is no failure: the run goes on where it is.
    if (!signal.aborted) throw error;
  }
  return 0;
}
