import type { Engine } from "../engine.ts";
import type { DeadLetters, Queues } from "../queues.ts";
import { createDeadLetters } from "./dead-letters.ts";
import { watchDependents } from "./dependencies.ts";
import { createQueues } from "./queues-desk.ts";
import { createSchedules } from "./schedules.ts";
import type { ScheduleDesk } from "./schedules.ts";
import { createStarter } from "./start.ts";
import type { Starter } from "./start.ts";
import { startSweeping } from "./sweep.ts";
import { createTurnstile } from "./turnstile.ts";

/** Is what accepts runs and looks after those that wait. */
export interface Tasks {
  readonly starter: Starter;
  readonly queues: Queues;
  readonly deadLetters: DeadLetters;
  readonly schedules: ScheduleDesk;
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
    hinted: () => schedules.look(),
    async [Symbol.asyncDispose]() {
      ends[Symbol.dispose]();
      await sweeping?.[Symbol.asyncDispose]();
      await schedules[Symbol.asyncDispose]();
      await dependents.settled();
    },
  });
  return { starter, schedules, queues: createQueues(engine), deadLetters: createDeadLetters(engine, turnstile) };
}
