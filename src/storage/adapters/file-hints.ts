import { closeSync, openSync, utimesSync, watch, writeSync } from "node:fs";
import type { FSWatcher } from "node:fs";

/** Is a way to tell other processes on this machine that something changed. */
export interface FileHints {
  notify(): void;
  listen(changed: () => void): Disposable;
  close(): void;
}

const minGapMs = 20;

/** Makes hints over a small file: `notify` touches it at most every 20 ms, `listen` watches it. */
export function fileHints(path: string): FileHints {
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = -Infinity;
  let closed = false;
  const listeners = new Set<() => void>();

  const touch = (): void => {
    timer = undefined;
    last = performance.now();
    try {
      const now = new Date();
      utimesSync(path, now, now);
    } catch {
      make(path); // Nobody listens yet: the file is made when the first listener comes, or here.
    }
  };
  return {
    notify() {
      if (closed || timer) return;
      const wait = last + minGapMs - performance.now();
      if (wait <= 0) touch();
      else timer = setTimeout(touch, wait).unref();
    },
    listen(changed) {
      listeners.add(changed);
      if (!watcher) {
        make(path);
        watcher = watch(path, { persistent: false }, () => {
          for (const listener of listeners) listener();
        });
        // A watcher that the system takes away costs hints, not correctness: appends read the run's state anyway.
        watcher.on("error", () => watcher?.close());
      }
      return {
        [Symbol.dispose]() {
          listeners.delete(changed);
        },
      };
    },
    close() {
      closed = true;
      if (timer) {
        clearTimeout(timer);
        touch();
      }
      watcher?.close();
      listeners.clear();
    },
  };
}

function make(path: string): void {
  const file = openSync(path, "a");
  try {
    writeSync(file, "");
  } finally {
    closeSync(file);
  }
}
