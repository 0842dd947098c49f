import { resolve } from "node:path";
import type { RunHandle, StartOptions } from "../../runs/index.ts";
import { showAnswer } from "../answer.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { followRun } from "../follow-run.ts";
import { readGoal, runKey } from "../goal.ts";
import { styled } from "../line.ts";
import { openAtlas } from "../open.ts";
import { budgetOf } from "../run-budget.ts";

/** Are the options of `atlas run`. */
export interface RunOptions extends PlaceOptions {
  readonly knowledge?: readonly string[];
  readonly model?: string;
  readonly agent?: string;
  readonly new?: boolean;
  readonly maxSteps?: number;
  readonly maxTokens?: number;
  readonly maxCost?: number;
  readonly tenant?: string;
  readonly thread?: string;
}

/** Are the options that let a worker begin the run. */
interface PlaceOptions {
  readonly queue?: string;
  readonly priority?: string;
  readonly at?: string;
}

/** Reaches a goal with an agent; takes up the same run if it was interrupted before. */
export async function run(call: Call<RunOptions>): Promise<number> {
  const { options, io, screen } = call;
  const goal = await readGoal(call);
  const { agent = "assistant", model, tenant, thread } = options;
  const knowledge = (options.knowledge ?? []).map((path) => resolve(io.directory, path));
  const budget = budgetOf(options);
  await using atlas = await openAtlas(call, { maxSteps: options.maxSteps });
  const interrupted = new Set((await atlas.runs.list({ status: "interrupted", limit: 100 })).map(({ id }) => id));
  const handle = await atlas.start<unknown>(agent, goal, {
    knowledge,
    ...(model === undefined ? {} : { model }),
    ...(budget === undefined ? {} : { budget }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(thread === undefined ? {} : { thread }),
    ...placeOf(options),
    ...(options.new === true ? {} : { key: runKey({ agent, goal, knowledge, model, budget, tenant, thread }) }),
  });
  if (options.queue !== undefined) return tellQueued(handle, options.queue, call);
  if (!handle.isNew) {
    const verb = interrupted.delete(handle.id) ? "Resuming" : "Following";
    screen.say(
      `${verb} ${handle.id}${verb === "Following" ? ", which another process is working on" : ""}. Use --new to start anew.`,
    );
  }
  tellOthers(interrupted.size, call);
  const ending = await followRun(atlas, handle, call);
  if (ending.kind === "failed") return ending.exitCode;
  const { result, streamed, durationMs } = ending;
  showAnswer({ runId: handle.id, result, durationMs, directory: io.directory, streamed }, screen);
  return 0;
}

/** Reads where in a queue the run is to wait. Errors: usage. */
function placeOf({ queue, priority, at }: PlaceOptions): Pick<StartOptions, "queue" | "priority" | "startAt"> {
  if (queue === undefined) {
    if (priority === undefined && at === undefined) return {};
    throw cliErrors.create("usage", "--priority and --at need a --queue to wait in.");
  }
  const startAt = at === undefined ? undefined : Date.parse(at);
  if (Number.isNaN(startAt)) throw cliErrors.create("usage", "--at takes a time, as in 2027-01-31T06:00:00Z.");
  const level = priority === undefined ? undefined : Number(priority);
  if (level !== undefined && !Number.isInteger(level))
    throw cliErrors.create("usage", "--priority takes a whole number from -10 to 10.");
  return {
    queue,
    ...(level === undefined ? {} : { priority: level }),
    ...(startAt === undefined ? {} : { startAt }),
  };
}

async function tellQueued(handle: RunHandle<unknown>, queue: string, { screen }: Call): Promise<number> {
  const record = await handle.record();
  if (screen.json) screen.printJson({ runId: handle.id, status: record.status, queue });
  else {
    screen.print(handle.id);
    screen.say(`It waits in ${queue} for a worker: atlas worker --queue ${queue}`);
    screen.say(`Follow it with: atlas runs events ${handle.id} --follow`);
  }
  return 0;
}

function tellOthers(count: number, { screen }: Call): void {
  if (count === 0) return;
  const runs = count === 1 ? "1 interrupted run is" : `${count === 100 ? "100 or more" : count} interrupted runs are`;
  screen.say([styled("dim", `${runs} waiting; take up with: atlas runs resume --all`)]);
}
