import type { Engine } from "./engine.ts";
import { databaseQueue } from "./queue/database-queue.ts";
import { createDispatcher } from "./queue/dispatcher.ts";
import type { Dispatcher } from "./queue/dispatcher.ts";
import type { Queue } from "./queue/queue.ts";
import type { Recovery } from "./recovery.ts";
import { createRecovery } from "./recovery.ts";
import type { Dependents } from "./tasks/dependencies.ts";
import type { Sweeping } from "./tasks/sweep.ts";
import { startSweeping } from "./tasks/sweep.ts";

/** Is what an engine takes runs with that it did not begin; one that takes nothing has the queue alone. */
export interface Taking {
  readonly queue: Queue;
  readonly dispatcher?: Dispatcher;
  readonly recovery?: Recovery;
  readonly sweeping?: Sweeping;
}

/** Is what taking works with. */
export interface TakingParts {
  /** The queue engine; the database's own tables without it. */
  readonly queue: Queue | undefined;
  readonly dependents: Dependents;
}

/** Begins to take runs from queues, and from engines that are gone, if `takes` says so; it ends with the engine. */
export function openTaking(engine: Engine, { queue: given, dependents }: TakingParts, takes: boolean): Taking {
  const { clock, options } = engine;
  const failed = (error: unknown): void => engine.warn("queues not looked at", error);
  const queue = given ?? databaseQueue(options.database, { clock, failed });
  if (!takes) return { queue };
  const dispatcher = createDispatcher(engine, queue);
  const recovery = createRecovery(engine);
  const sweeping = startSweeping(engine, dependents);
  for (const part of [dispatcher, recovery, sweeping]) engine.attach(part);
  return { queue, dispatcher, recovery, sweeping };
}
