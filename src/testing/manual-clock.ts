import type { Clock } from "../base/index.ts";

/** Is a clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time on and wakes, in the order of their ends, the sleepers whose time has come; waits for what they then do. */
  advance(ms: number): Promise<void>;
  /** Counts who sleeps now. */
  readonly sleeping: number;
  /** Resolves when at least `count` sleep: a test waits for this before it moves time. */
  waitForSleepers(count: number): Promise<void>;
}

interface Sleeper {
  readonly end: number;
  readonly wake: () => void;
}

/** Makes a clock for tests. Units: milliseconds; `start` is its first `now`. */
export function manualClock(start = 1_700_000_000_000): ManualClock {
  let elapsed = 0;
  const sleepers = new Set<Sleeper>();
  const watchers = new Set<{ readonly count: number; readonly wake: () => void }>();

  const add = (sleeper: Sleeper): void => {
    sleepers.add(sleeper);
    for (const watcher of watchers) {
      if (sleepers.size < watcher.count) continue;
      watchers.delete(watcher);
      watcher.wake();
    }
  };
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    get sleeping() {
      return sleepers.size;
    },
    sleep(ms, { signal } = {}) {
      return new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const abort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const wake = (): void => {
          signal?.removeEventListener("abort", abort);
          resolve();
        };
        const sleeper: Sleeper = { end: elapsed + Math.max(0, ms), wake };
        signal?.addEventListener("abort", abort, { once: true });
        add(sleeper);
      });
    },
    async advance(ms) {
      const target = elapsed + ms;
      for (let next = earliest(sleepers, target); next; next = earliest(sleepers, target)) {
        elapsed = Math.max(elapsed, next.end);
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      elapsed = target;
      await settle();
    },
    waitForSleepers(count) {
      if (sleepers.size >= count) return Promise.resolve();
      return new Promise((wake) => watchers.add({ count, wake }));
    },
  };
}

function earliest(sleepers: ReadonlySet<Sleeper>, target: number): Sleeper | undefined {
  let first: Sleeper | undefined;
  for (const sleeper of sleepers) {
    if (sleeper.end <= target && (first === undefined || sleeper.end < first.end)) first = sleeper;
  }
  return first;
}

/** Lets everything that is ready run, a new sleep included, before time goes on. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
