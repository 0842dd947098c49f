import type { JsonValue } from "../../base/index.ts";
import { baseErrors, parseSchema, stringifyJson } from "../../base/index.ts";
import type { Row, Statement } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Engine } from "../engine.ts";
import { runErrors } from "../errors.ts";
import type { Schedule, ScheduleRecord, Schedules } from "../queues.ts";
import type { AnyWorkflow } from "../run.ts";
import type { Calendar } from "./calendar.ts";
import { checkName, checkStartOptions } from "./start-options.ts";
import type { Starter } from "./start.ts";
import { keepTime } from "./timekeeper.ts";

/** Is the desk at which schedules are kept, with what starts their runs. */
export interface ScheduleDesk extends Schedules, AsyncDisposable {
  /** Looks for what is due: another process, or a new workflow, may have brought something. */
  look(): void;
}

const maxPreview = 1_000;
/** A time that is longer ago than this was missed: nobody was there, and its policy says what becomes of it. */
const missedAfterMs = 60_000;
const never = Number.MAX_SAFE_INTEGER;

const save = `INSERT INTO run_schedule(name, data, next_at) VALUES(?1, ?2, ?3)
  ON CONFLICT(name) DO UPDATE SET data = ?2, next_at = ?3`;
const pass = "UPDATE run_schedule SET next_at = ?, last_at = ? WHERE name = ? AND next_at = ?";

/** Makes the desk at which schedules are kept, and starts what is due as long as the engine works on queues. */
export function createSchedules(engine: Engine, starter: Starter): ScheduleDesk {
  const { database } = engine.options;
  const list = async (): Promise<readonly ScheduleRecord[]> =>
    (await database.read({ sql: "SELECT * FROM run_schedule ORDER BY name" })).map(toRecord);

  /** Starts the run of every schedule that is due, and tells when the next one is. */
  const fireDue = async (): Promise<number | undefined> => {
    if (engine.options.calendar === undefined) return undefined;
    const known = (await list()).filter(({ workflow }) => engine.workflows.has(workflow));
    if (known.length === 0) return undefined;
    const calendar = await engine.options.calendar();
    for (const schedule of known) {
      if (schedule.nextAt > engine.clock.now()) continue;
      await fire(engine, starter, { schedule, calendar }).catch((error: unknown) =>
        engine.warn(`the schedule ${schedule.name} started no run`, error),
      );
    }
    return Math.min(
      ...(await list()).filter(({ workflow }) => engine.workflows.has(workflow)).map((each) => each.nextAt),
    );
  };
  const timekeeper = keepTime(engine.clock, {
    look: fireDue,
    failed: (error) => engine.warn("schedules not looked at", error),
  });
  const look = (): void => {
    if (engine.worker !== false) timekeeper.look();
  };
  return {
    list,
    look,
    async set(schedule) {
      const calendar = await loadCalendar(engine);
      const data = await checkSchedule(engine, schedule);
      const nextAt = firstAfter(calendar, schedule, engine.clock.now());
      if (nextAt === undefined)
        throw invalid(`The schedule ${schedule.name} (${JSON.stringify(schedule.cron)}) never comes.`);
      await database.write([{ sql: save, params: [schedule.name, stringifyJson(data), nextAt] }]);
      engine.notify();
      look();
      return { ...data, nextAt };
    },
    async remove(name) {
      const results = await database.write([{ sql: "DELETE FROM run_schedule WHERE name = ?", params: [name] }]);
      return results[0]?.changes === 1;
    },
    async preview(cron, { timezone = "UTC", count = 5 } = {}) {
      if (!(Number.isInteger(count) && count >= 1 && count <= maxPreview))
        throw baseErrors.create("invalid_input", `The count is ${count}; it must be 1 to ${maxPreview}.`);
      return (await loadCalendar(engine)).next({ cron, timezone, count, after: engine.clock.now() });
    },
    [Symbol.asyncDispose]: () => timekeeper[Symbol.asyncDispose](),
  };
}

async function loadCalendar(engine: Engine): Promise<Calendar> {
  const { calendar } = engine.options;
  if (calendar) return await calendar();
  throw baseErrors.create("invalid_input", "This engine reads no cron expressions; pass `calendar` to createRuns.");
}

async function checkSchedule(engine: Engine, schedule: Schedule): Promise<Schedule> {
  const { name, workflow, input, queue, tenant, priority, missed } = schedule;
  checkName("schedule", name);
  const options = {
    ...(queue === undefined ? {} : { queue }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(priority === undefined ? {} : { priority }),
  };
  checkStartOptions(options, engine.clock.now());
  if (missed !== undefined && missed !== "skip" && missed !== "once")
    throw baseErrors.create("invalid_input", "The option missed must be skip or once.");
  const known = engine.workflows.get(workflow);
  if (!known)
    throw runErrors.create(
      "workflow_unknown",
      `The schedule ${name} names the workflow "${workflow}", which is not here.`,
      {
        details: { workflow, known: [...engine.workflows.keys()] },
      },
    );
  const what = `input of ${workflow}`;
  // The input is read again at each start; what is kept is what was given.
  if (known.input) await parseSchema(known.input, input, what);
  stringifyJson(input, what);
  return schedule;
}

function firstAfter(calendar: Calendar, { cron, timezone = "UTC" }: Schedule, after: number): number | undefined {
  return calendar.next({ cron, timezone, after, count: 1 })[0];
}

/**
 * Starts the run of a schedule whose time has come and sets its next time in the same commit, so that of all engines one does it.
 * Times that passed meanwhile are one start at most. A clock that is set back starts nothing twice: the next time stays.
 */
async function fire(
  engine: Engine,
  starter: Starter,
  { schedule, calendar }: { readonly schedule: ScheduleRecord; readonly calendar: Calendar },
): Promise<void> {
  const { name, nextAt, lastAt, missed = "skip" } = schedule;
  const now = engine.clock.now();
  const next = firstAfter(calendar, schedule, now) ?? never;
  const skips = missed === "skip" && now - nextAt > missedAfterMs;
  const passing = (last: number | undefined): Statement => ({
    sql: pass,
    params: [next, last ?? null, name, nextAt],
    expectRows: 1,
  });
  try {
    if (skips) await engine.journal.write([passing(lastAt)]);
    else await starter.start(runOf(schedule, workflowOf(engine, schedule)), [passing(nextAt)]);
  } catch (error) {
    // Another engine was faster.
    if (!storageErrors.is(error, "write_conflict")) throw error;
  }
}

function workflowOf(engine: Engine, { workflow }: Schedule): AnyWorkflow {
  const known = engine.workflows.get(workflow);
  if (known) return known;
  throw runErrors.create("workflow_unknown", `The workflow "${workflow}" is not here.`, { details: { workflow } });
}

function runOf(schedule: ScheduleRecord, workflow: AnyWorkflow) {
  const { name, nextAt, input, queue, tenant, priority } = schedule;
  const options = {
    key: `schedule:${name}:${new Date(nextAt).toISOString()}`,
    tags: { schedule: name },
    ...(queue === undefined ? {} : { queue }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(priority === undefined ? {} : { priority }),
  };
  return { workflow, input, options };
}

function invalid(message: string): Error {
  return runErrors.create("schedule_invalid", message);
}

function toRecord(row: Row): ScheduleRecord {
  const data = JSON.parse(String(row["data"])) as Schedule & { readonly input: JsonValue };
  const lastAt = row["last_at"];
  return {
    ...data,
    nextAt: Number(row["next_at"]),
    ...(lastAt === null || lastAt === undefined ? {} : { lastAt: Number(lastAt) }),
  };
}
