import type { Engine } from "./engine.ts";
import type { EnginePart } from "./engine-part.ts";
import type { Taking, TakingParts } from "./open-taking.ts";
import type { Queue } from "./queue/queue.ts";

/** Is what takes runs that this engine did not begin: from queues, and from engines that are gone. */
export interface Takers extends EnginePart {
  /** Gives the queue, once those who take from it listen: they miss nothing that is offered. */
  queue(): Promise<Queue>;
  /** Looks at what waits: a workflow became known, so that its runs may begin. */
  look(): void;
  /** Takes nothing more from queues. */
  rest(): Promise<void>;
}

/** An engine that is opened to do one run and closed again should not pay for those that take others. */
const openAfterMs = 25;

/** Makes the takers of an engine. Cost: they are loaded a moment after it was opened, or when something is to be queued. */
export function createTakers(engine: Engine, parts: TakingParts): Takers {
  const { worker } = engine;
  let opening: Promise<Taking> | undefined;
  let taking: Taking | undefined;
  let isClosed = false;
  const load = async (): Promise<Taking> => {
    const { openTaking } = await import("./open-taking.ts");
    return (taking = openTaking(engine, parts, worker !== false && !isClosed));
  };
  const open = (): Promise<Taking> => (opening ??= load());
  const openLater = (): void => {
    open().catch((error: unknown) => engine.warn("no runs are taken from queues", error));
  };
  const timer = worker === false ? undefined : setTimeout(openLater, openAfterMs).unref();
  return {
    queue: async () => (await open()).queue,
    look: () => taking?.sweeping?.look(),
    rest: async () => await (await open()).dispatcher?.[Symbol.asyncDispose](),
    letGo(runId) {
      open().then(
        ({ recovery }) => recovery?.again(runId),
        (error: unknown) => engine.warn(`${runId} not taken up again`, error),
      );
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      await opening?.catch(() => {});
    },
  };
}
