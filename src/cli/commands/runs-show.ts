import type { Call } from "../command.ts";
import { duration, stateOf } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";
import type { OpenWait } from "../open-waits.ts";
import { openWaits } from "../open-waits.ts";

/** Shows one run: what it was asked, where it stands, what came out. */
export async function runsShow(call: Call): Promise<number> {
  const { args, screen } = call;
  await using atlas = await openAtlas(call);
  const handle = await atlas.runs.open(args[0] ?? "");
  const run = await handle.record();
  const waits = run.status === "waiting" ? await openWaits(handle) : [];
  if (screen.json) {
    screen.printJson({ ...run, ...(waits.length > 0 && { waitsFor: waits }) });
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
    ...named("queue", run.queue && `${run.queue}, priority ${run.priority}`),
    ...named("tenant", run.tenant),
    ...named("not until", run.dueAt === undefined ? undefined : time(run.dueAt)),
    ...named("attempt", run.attempt > 1 ? String(run.attempt) : undefined),
    ...named("parent", run.parentId),
    ...named("origin", run.originId),
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
  for (const wait of waits) tellWait(wait, run.id, call);
  if (run.interrupted) screen.say(`Take it up with: atlas runs resume ${run.id}`);
  return 0;
}

function named(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, oneLine(value)]];
}

function tellWait({ kind, key, name, question, until, refused }: OpenWait, id: string, { screen }: Call): void {
  const limit = until === undefined ? "" : ` until ${new Date(until).toISOString()}`;
  const what = kind === "timer" ? "time" : `${kind} ${oneLine(screen.hide(name), 80)}`;
  screen.print(line`${styled("dim", "waits for")} ${what}${limit}`);
  if (question !== undefined) screen.print(`          ${oneLine(screen.hide(question), 500)}`);
  if (refused !== undefined) screen.print(`          an answer was refused: ${oneLine(screen.hide(refused), 500)}`);
  if (kind === "signal") screen.say(`Answer it with: atlas runs signal ${id} ${name} --data JSON`);
  if (kind === "decision") screen.say(`Decide with: atlas runs decide ${id} ${key} done|retry|fail`);
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replaceAll("\n", "\n          ");
}
