import type { DeadFilter } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { requireYes } from "../confirm.ts";
import { cliErrors } from "../errors.ts";
import { count, duration } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { jsonOption } from "../json-option.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Are the options that choose dead letters, and what is done with them. */
export interface QueueDeadOptions {
  readonly queue?: string;
  readonly workflow?: string;
  readonly code?: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly input?: string;
  readonly fromStart?: boolean;
  readonly yes?: boolean;
}

/** Lists the runs that failed for good. */
export async function queueDeadList(call: Call<QueueDeadOptions>): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const runs = await atlas.runs.deadLetters.list(filterOf(call));
  if (screen.json) screen.printJson({ runs });
  else if (runs.length === 0) screen.say("There are no dead letters.");
  for (const { id, queue = "", workflow, attempt, error } of screen.json ? [] : runs) {
    const why = oneLine(screen.redact(`${error?.code ?? ""}: ${error?.message ?? ""}`), 90);
    screen.print(
      line`${id}  ${oneLine(queue, 20)}  ${oneLine(workflow, 30)}  ${count(attempt, "attempt")}  ${styled("red", why)}`,
    );
  }
  return 0;
}

/** Shows the whole story of one dead letter: input, attempts, error, and where its log is. */
export async function queueDeadShow(call: Call): Promise<number> {
  const { args, screen } = call;
  await using atlas = await openAtlas(call);
  const letter = await atlas.runs.deadLetters.show(args[0] ?? "");
  if (screen.json) {
    screen.printJson(letter);
    return 0;
  }
  const { run, attempts, events } = letter;
  screen.print(line`${styled("bold", run.id)}  ${oneLine(run.workflow)}  queue ${oneLine(run.queue ?? "none")}`);
  screen.print(line`input ${oneLine(screen.hide(JSON.stringify(run.input)), 2000)}`);
  for (const { attempt, startedAt, endedAt, owner, error } of attempts) {
    const took = endedAt === undefined ? "cut off" : duration(endedAt - startedAt);
    const why = error === undefined ? "" : oneLine(screen.redact(`${error.code}: ${error.message}`), 500);
    const where = owner === undefined ? "" : ` on ${oneLine(owner, 40)}`;
    screen.print(
      line`attempt ${attempt}  ${new Date(startedAt).toISOString()}  ${took}${where}  ${styled("red", why)}`,
    );
  }
  screen.say(`${count(events.length, "event")}: atlas runs events ${run.id}`);
  screen.say(`Try it again with: atlas queue dead redrive ${run.id}`);
  return 0;
}

/** Starts dead letters again, one or many, where they stood; with another input from the start. */
export async function queueDeadRedrive(call: Call<QueueDeadOptions>): Promise<number> {
  const { options, screen } = call;
  const filter = chosen(call);
  const input = options.input === undefined ? undefined : jsonOption(options.input, "--input");
  await using atlas = await openAtlas(call);
  const ids = await atlas.runs.deadLetters.redrive(filter, {
    ...(input === undefined ? {} : { input }),
    ...(options.fromStart === undefined ? {} : { fromStart: options.fromStart }),
  });
  if (screen.json) screen.printJson({ redriven: ids });
  else for (const id of ids) screen.print(id);
  if (ids.length === 0) screen.say("There was nothing to redrive.");
  return 0;
}

/** Deletes dead letters with their logs. */
export async function queueDeadPurge(call: Call<QueueDeadOptions>): Promise<number> {
  requireYes(call, "deletes dead letters with their logs for good");
  const filter = chosen(call);
  await using atlas = await openAtlas(call);
  const purged = await atlas.runs.deadLetters.purge(filter);
  if (call.screen.json) call.screen.printJson({ purged });
  else call.screen.print(`${count(purged, "dead letter")} deleted.`);
  return 0;
}

function chosen(call: Call<QueueDeadOptions>): DeadFilter {
  const { queue, workflow, code, all } = call.options;
  const named = call.args.length > 0 || queue !== undefined || workflow !== undefined || code !== undefined;
  if (named || all === true) return filterOf(call);
  throw cliErrors.create("usage", "Name dead letters, choose them with --queue, --workflow or --code, or say --all.");
}

function filterOf({ args, options }: Call<QueueDeadOptions>): DeadFilter {
  const { queue, workflow, code, limit } = options;
  return {
    ...(args.length === 0 ? {} : { ids: args }),
    ...(queue === undefined ? {} : { queue }),
    ...(workflow === undefined ? {} : { workflow }),
    ...(code === undefined ? {} : { code }),
    ...(limit === undefined ? {} : { limit }),
  };
}
