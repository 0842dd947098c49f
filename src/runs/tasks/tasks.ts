import type { Engine } from "../engine.ts";
import { ticketOf } from "../leases.ts";
import type { DeadLetters, Queues, Schedules } from "../queues.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { offer, watchDependents } from "./dependencies.ts";
import { createQueues } from "./queues-desk.ts";
import { createSchedules } from "./schedules.ts";
import { createStarter } from "./start.ts";
import type { Starter } from "./start.ts";
import { anotherAttempt } from "./retry.ts";
import { startSweeping } from "./sweep.ts";
import { createTurnstile } from "./turnstile.ts";

/** Is what accepts runs and looks after those that wait. */
export interface Tasks {
  readonly starter: Starter;
  readonly queues: Queues;
  readonly deadLetters: DeadLetters;
  readonly schedules: Schedules;
  /** Looks at what waits: a workflow became known, so that its runs may begin. */
  look(): void;
}

/** Makes the tasks of an engine; they end with it. */
export function createTasks(engine: Engine): Tasks {
  const turnstile = createTurnstile(engine.options.database, engine.clock);
  const dependents = watchDependents(engine, turnstile);
  const starter = createStarter({ engine, turnstile, dependents });
  const schedules = createSchedules(engine, starter);
  const ends = engine.onEnded((runId) => dependents.ended(runId));
  const sweeping = engine.worker === false ? undefined : startSweeping(engine, dependents);
  engine.attach({
    hinted() {
      schedules.look();
      dependents.hinted();
    },
    failed: (failure) => anotherAttempt(engine, failure),
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
      await sweeping?.[Symbol.asyncDispose]();
      await schedules[Symbol.asyncDispose]();
      await dependents.settled();
    },
  });
  return {
    starter,
    schedules,
    queues: createQueues(engine),
    deadLetters: createDeadLetters(engine, turnstile),
    look() {
      schedules.look();
      sweeping?.look();
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
