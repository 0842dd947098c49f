import type { Clock } from "../../base/index.ts";
import type { Database } from "../../storage/index.ts";
import type { DueRuns } from "./due-runs.ts";
import { watchDueRuns } from "./due-runs.ts";
import { queuesThatAreReady } from "./ready-runs.ts";

/** Tells listeners of queues in which runs may have become ready. */
export interface ReadyBell extends Disposable {
  ring(queues: Iterable<string>): void;
  /** Tells that a run is due at a time. */
  expect(dueAt: number): void;
  /** Rings for every queue in which runs are ready. */
  look(): void;
  listen(ready: (queue: string) => void): Disposable;
}

/** Are the options of `createReadyBell`; `failed` is told of looks that failed. */
export interface ReadyBellOptions {
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}

/** An engine that is opened to start one run and closed again should not pay for a look at queues. */
const firstLookMs = 50;
const lookAgainMs = 1_000;

/**
 * Makes the bell of a queue in a database. While someone listens it looks when other processes wrote something and when a run's time
 * comes; otherwise it does nothing.
 */
export function createReadyBell(database: Database, { clock, failed }: ReadyBellOptions): ReadyBell {
  const listeners = new Set<(queue: string) => void>();
  let watch: { readonly due: DueRuns; readonly hints: Disposable; readonly stop: AbortController } | undefined;

  const ring = (queues: Iterable<string>): void => {
    for (const queue of new Set(queues)) for (const listener of listeners) listener(queue);
  };
  /** A look that nobody waits for any more may fail: its database is closed. */
  const tell = (cause: unknown): void => {
    if (watch !== undefined) failed(cause);
  };
  /** What fails passes, and nobody else may write meanwhile: without another look a run whose time has come would wait for ever. */
  const lookLater = (cause: unknown): void => {
    tell(cause);
    void lookAfter(lookAgainMs);
  };
  const lookAfter = async (ms: number): Promise<void> => {
    const stop = watch?.stop.signal;
    if (stop === undefined) return;
    await clock.sleep(ms, { signal: stop, keepAlive: false }).then(look, () => {});
  };
  const look = createLook(async () => {
    ring(await queuesThatAreReady(database));
    await watch?.due.look();
  }, lookLater);
  const start = () => {
    const stop = new AbortController();
    clock.sleep(firstLookMs, { signal: stop.signal, keepAlive: false }).then(look, () => {});
    return { due: watchDueRuns(database, clock, { ready: ring, failed: tell }), hints: database.listen(look), stop };
  };
  const end = (): void => {
    watch?.stop.abort();
    watch?.due[Symbol.dispose]();
    watch?.hints[Symbol.dispose]();
    watch = undefined;
  };
  return {
    ring,
    expect: (dueAt) => watch?.due.expect(dueAt),
    look: () => {
      if (watch !== undefined) look();
    },
    listen(ready) {
      listeners.add(ready);
      watch ??= start();
      return {
        [Symbol.dispose]() {
          listeners.delete(ready);
          if (listeners.size === 0) end();
        },
      };
    },
    [Symbol.dispose]() {
      listeners.clear();
      end();
    },
  };
}

/** Makes a look that is taken once at a time: what is asked for meanwhile is looked at once more afterwards. */
function createLook(work: () => Promise<void>, failed: (error: unknown) => void): () => void {
  const state = { isBusy: false, again: false };
  const run = async (): Promise<void> => {
    do {
      state.again = false;
      await work();
    } while (state.again);
  };
  return () => {
    state.again = true;
    if (state.isBusy) return;
    state.isBusy = true;
    run()
      .catch(failed)
      .finally(() => (state.isBusy = false));
  };
}
