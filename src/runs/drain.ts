import type { Engine } from "./engine.ts";
import type { EnginePart } from "./engine-part.ts";
import type { Takers } from "./takers.ts";

/** Lets an engine come to rest: nothing more is taken from queues, and what does something is given time to end. */
export interface Drain extends EnginePart {
  /** Resolves when nothing runs here but runs that only wait, or when the grace is over. Units: milliseconds. */
  drain(graceMs: number): Promise<void>;
}

/** Makes the drain of an engine and of what takes runs for it. */
export function createDrain(engine: Engine, takers: Pick<Takers, "rest">): Drain {
  const waiting = new Set<string>();
  let changed = Promise.withResolvers<void>();
  const tell = (): void => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  return {
    waiting({ runId }, isWaiting) {
      if (isWaiting) waiting.add(runId);
      else waiting.delete(runId);
      tell();
    },
    ended({ runId }) {
      waiting.delete(runId);
      tell();
    },
    async drain(graceMs) {
      await takers.rest();
      const ended = new AbortController();
      const over = engine.clock.sleep(graceMs, { signal: ended.signal }).then(
        () => true,
        () => true,
      );
      const isBusy = (): boolean => [...engine.executions.keys()].some((runId) => !waiting.has(runId));
      while (isBusy() && (await Promise.race([changed.promise, over])) !== true);
      ended.abort();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
