import type { Call } from "../command.ts";
import { duration, stateOf } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Shows one run: what it was asked, where it stands, what came out. */
export async function runsShow(call: Call): Promise<number> {
  const { args, screen } = call;
  await using atlas = await openAtlas(call);
  const run = await (await atlas.runs.open(args[0] ?? "")).record();
  if (screen.json) {
    screen.printJson(run);
    return 0;
  }
  const time = (at: number): string => new Date(at).toISOString();
  const rows: [string, string][] = [
    ["run", run.id],
    ["state", stateOf(run)],
    ["workflow", oneLine(run.workflow)],
    ["created", time(run.createdAt)],
    ...(run.finishedAt === undefined
      ? []
      : ([["took", duration(run.finishedAt - run.createdAt)]] satisfies [string, string][])),
    ...(run.parentId === undefined ? [] : ([["parent", run.parentId]] satisfies [string, string][])),
    ["input", indented(run.input)],
    ...(run.output === undefined ? [] : ([["output", indented(run.output)]] satisfies [string, string][])),
    ...(run.error === undefined
      ? []
      : ([["error", oneLine(screen.redact(`${run.error.code}: ${run.error.message}`), 2000)]] satisfies [
          string,
          string,
        ][])),
  ];
  for (const [name, value] of rows) screen.print(line`${styled("dim", name.padEnd(9))} ${value}`);
  if (run.interrupted) screen.say(`Take it up with: atlas runs resume ${run.id}`);
  return 0;
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll("\n", "\n          ");
}
