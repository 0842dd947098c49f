import type { Engine } from "../engine.ts";
import { ticketOf } from "../leases.ts";
import type { DeadLetters, Queues, Schedules } from "../queues.ts";
import { offer, watchDependents } from "./dependencies.ts";
import type { Dependents } from "./dependencies.ts";
import type { ScheduleDesk } from "./schedules.ts";
import { createStarter } from "./start.ts";
import type { Starter } from "./start.ts";
import { createTurnstile } from "./turnstile.ts";
import type { Turnstile } from "./turnstile.ts";

/** Is what accepts runs and looks after those that wait. */
export interface Tasks {
  readonly starter: Starter;
  readonly dependents: Dependents;
  readonly queues: Queues;
  readonly deadLetters: DeadLetters;
  readonly schedules: Schedules;
  /** Looks at the schedules: a workflow became known, so that its runs may begin. */
  look(): void;
}

/** Makes the tasks of an engine; they end with it. Cost: what few programs ask for is loaded when they ask. */
export function createTasks(engine: Engine): Tasks {
  const turnstile = createTurnstile(engine.options.database, engine.clock);
  const dependents = watchDependents(engine, turnstile);
  const starter = createStarter({ engine, turnstile, dependents });
  const schedules = schedulesOf(engine, starter);
  const ends = engine.onEnded((runId) => dependents.ended(runId));
  engine.attach({
    hinted() {
      schedules.look();
      dependents.hinted();
    },
    failed: async (failure) => await (await import("./retry.ts")).anotherAttempt(engine, failure),
    async enqueue(run, { queue, priority }, write) {
      const { id: runId, workflow, tenant } = run;
      const [turn = 0] = await turnstile.take([{ queue, priority, tenant }]);
      const place = { queue, priority, turn, dueAt: undefined };
      await write(engine.journal.creation({ ...run, place }));
      await offer(engine, [{ runId, epoch: 0, workflow, tenant, ...place }]);
    },
    ended({ runId }, outcome) {
      if (outcome.status === "queued") void offerAgain(engine, runId);
    },
    async [Symbol.asyncDispose]() {
      ends[Symbol.dispose]();
      await schedules[Symbol.asyncDispose]();
      await dependents.settled();
    },
  });
  return {
    starter,
    dependents,
    schedules,
    queues: queuesOf(engine),
    deadLetters: deadLettersOf(engine, turnstile),
    look: () => schedules.look(),
  };
}

function queuesOf(engine: Engine): Queues {
  const desk = async (): Promise<Queues> => (await import("./queues-desk.ts")).createQueues(engine);
  return {
    list: async () => await (await desk()).list(),
    show: async (name) => await (await desk()).show(name),
    pause: async (name) => await (await desk()).pause(name),
    resume: async (name) => await (await desk()).resume(name),
    limit: async (name, limits) => await (await desk()).limit(name, limits),
    purge: async (name) => await (await desk()).purge(name),
  };
}

function deadLettersOf(engine: Engine, turnstile: Turnstile): DeadLetters {
  const desk = async (): Promise<DeadLetters> =>
    (await import("./dead-letters.ts")).createDeadLetters(engine, turnstile);
  return {
    list: async (filter) => await (await desk()).list(filter),
    show: async (id) => await (await desk()).show(id),
    redrive: async (filter, options) => await (await desk()).redrive(filter, options),
    purge: async (filter) => await (await desk()).purge(filter),
  };
}

function schedulesOf(engine: Engine, starter: Starter): ScheduleDesk {
  let made: Promise<ScheduleDesk> | undefined;
  let isClosed = false;
  const make = async (): Promise<ScheduleDesk> => {
    const { createSchedules } = await import("./schedules.ts");
    const desk = createSchedules(engine, starter);
    if (isClosed) await desk[Symbol.asyncDispose]();
    return desk;
  };
  const desk = (): Promise<ScheduleDesk> => (made ??= make());
  return {
    set: async (schedule) => await (await desk()).set(schedule),
    list: async () => await (await desk()).list(),
    remove: async (name) => await (await desk()).remove(name),
    preview: async (cron, options) => await (await desk()).preview(cron, options),
    look() {
      // Nothing starts runs by a calendar where there is none.
      if (isClosed || engine.worker === false || engine.options.calendar === undefined) return;
      desk().then(
        (opened) => opened.look(),
        (error: unknown) => engine.warn("schedules not looked at", error),
      );
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await (await made)?.[Symbol.asyncDispose]();
    },
  };
}

/** Offers a run that waits for its next attempt. */
async function offerAgain(engine: Engine, runId: string): Promise<void> {
  try {
    const run = await engine.journal.load(runId);
    if (run?.status === "queued") await offer(engine, [ticketOf(run)]);
  } catch (error) {
    engine.warn(`${runId} not offered again yet`, error);
  }
}
