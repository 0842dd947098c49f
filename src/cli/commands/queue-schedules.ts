import type { ScheduleRecord } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { oneLine } from "../harmless.ts";
import { jsonOption } from "../json-option.ts";
import type { Line } from "../line.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options of `atlas queue schedules set`. */
export interface QueueScheduleOptions {
  readonly workflow?: string;
  readonly cron?: string;
  readonly input?: string;
  readonly timezone?: string;
  readonly queue?: string;
  readonly tenant?: string;
  readonly missed?: string;
  readonly count?: number;
}

/** Lists what starts runs by the calendar. */
export async function queueSchedulesList(call: Call): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const schedules = await atlas.runs.schedules.list();
  if (screen.json) screen.printJson({ schedules });
  else if (schedules.length === 0) screen.say("There are no schedules.");
  else for (const each of schedules) screen.print(scheduleLine(each));
  return 0;
}

/** Makes or changes a schedule. */
export async function queueSchedulesSet(call: Call<QueueScheduleOptions>): Promise<number> {
  const { args, options, screen } = call;
  const [name = ""] = args;
  const { workflow, cron, input, timezone, queue, tenant, missed = "skip" } = options;
  if (workflow === undefined || cron === undefined)
    throw cliErrors.create("usage", 'Name what to start and when: --workflow NAME --cron "0 6 * * 1"');
  if (missed !== "skip" && missed !== "once") throw cliErrors.create("usage", "--missed is skip or once.");
  await using atlas = await openAtlas(call);
  const made = await atlas.runs.schedules.set({
    name,
    workflow,
    cron,
    missed,
    input: input === undefined ? null : jsonOption(input, "--input"),
    ...(timezone === undefined ? {} : { timezone }),
    ...(queue === undefined ? {} : { queue }),
    ...(tenant === undefined ? {} : { tenant }),
  });
  if (screen.json) screen.printJson(made);
  else screen.print(scheduleLine(made));
  return 0;
}

/** Removes a schedule; what it has started goes on. */
export async function queueSchedulesRemove(call: Call): Promise<number> {
  const { args, screen } = call;
  const [name = ""] = args;
  await using atlas = await openAtlas(call);
  const removed = await atlas.runs.schedules.remove(name);
  if (screen.json) screen.printJson({ name, removed });
  else screen.say(removed ? `${name} is removed.` : `There is no schedule ${name}.`);
  return removed ? 0 : 4;
}

/** Shows when a cron expression comes next. */
export async function queueSchedulesPreview(call: Call<QueueScheduleOptions>): Promise<number> {
  const { args, options, screen } = call;
  await using atlas = await openAtlas(call);
  const times = await atlas.runs.schedules.preview(args[0] ?? "", {
    count: options.count ?? 5,
    ...(options.timezone === undefined ? {} : { timezone: options.timezone }),
  });
  if (screen.json) screen.printJson({ times });
  else for (const at of times) screen.print(new Date(at).toISOString());
  if (times.length === 0) screen.say("It never comes.");
  return 0;
}

function scheduleLine({ name, cron, timezone = "UTC", workflow, nextAt }: ScheduleRecord): Line {
  const next = new Date(nextAt).toISOString();
  return line`${styled("bold", oneLine(name, 40).padEnd(16))} ${oneLine(cron, 60)} (${oneLine(timezone, 40)})  ${oneLine(workflow, 40)}  next ${next}`;
}
