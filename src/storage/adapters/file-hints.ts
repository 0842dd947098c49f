import { readdirSync, rmSync, utimesSync, watch, writeFileSync } from "node:fs";
import type { FSWatcher } from "node:fs";
import { join } from "node:path";
import { newId } from "../../base/index.ts";
import { makeFolder } from "../make-folder.ts";

/** Is a way to tell other processes on this machine that something changed. */
export interface FileHints {
  notify(): void;
  listen(changed: () => void): Disposable;
  close(): void;
}

const minGapMs = 20;

/**
 * Makes hints over a folder in which every process touches a file of its own, at most every 20 ms, and watches the others'.
 * The folder may vanish or be unwatchable: that costs hints, not correctness, for writes read a run's state anyway.
 */
export function fileHints(folder: string): FileHints {
  const mine = `${process.pid}-${newId("hint")}`;
  const file = join(folder, mine);
  const listeners = new Set<() => void>();
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = -Infinity;
  let made = false;

  const touch = (): void => {
    timer = undefined;
    last = performance.now();
    try {
      if (made) utimesSync(file, new Date(), new Date());
      else {
        makeFolder(folder);
        writeFileSync(file, "");
        made = true;
      }
    } catch {
      made = false;
    }
  };
  return {
    notify() {
      if (timer) return;
      const wait = last + minGapMs - performance.now();
      if (wait <= 0) touch();
      else timer = setTimeout(touch, wait).unref();
    },
    listen(changed) {
      listeners.add(changed);
      watcher ??= watchOthers(folder, mine, () => {
        for (const listener of listeners) listener();
      });
      return {
        [Symbol.dispose]() {
          listeners.delete(changed);
        },
      };
    },
    close() {
      if (timer) {
        clearTimeout(timer);
        touch();
      }
      watcher?.close();
      listeners.clear();
      if (made) rmSync(file, { force: true });
    },
  };
}

function watchOthers(folder: string, mine: string, changed: () => void): FSWatcher | undefined {
  try {
    makeFolder(folder);
    removeDead(folder);
    const watcher = watch(folder, { persistent: false }, (_, name) => {
      if (name !== mine) changed();
    });
    return watcher.on("error", () => {});
  } catch {
    return undefined;
  }
}

/** Deletes the files of processes that were killed. */
function removeDead(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number.parseInt(name, 10);
    if (Number.isSafeInteger(pid) && !isRunning(pid)) rmSync(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return !(cause instanceof Error && "code" in cause && cause.code === "ESRCH");
  }
}
