import type { Clock, JsonValue } from "../base/index.ts";
import { baseErrors } from "../base/index.ts";
import type { SignalWait } from "./context.ts";
import type { Journal } from "./journal.ts";
import type { LogWriter } from "./log-writer.ts";
import { dataOf } from "./plain.ts";

/** Wakes runs that wait for a signal. */
export interface SignalBell {
  /** Wakes the waits of a run. */
  ring(runId: string): void;
  /** Resolves when the bell rings for the run, or the signal aborts. */
  heard(runId: string, stop: AbortSignal): Promise<void>;
}

/** Makes the bell that wakes waiting runs when a signal may have come. */
export function createSignalBell(): SignalBell {
  const waits = new Map<string, Set<() => void>>();
  return {
    ring(runId) {
      for (const wake of waits.get(runId) ?? []) wake();
    },
    heard(runId, stop) {
      const set = waits.get(runId) ?? new Set();
      waits.set(runId, set);
      return new Promise<void>((resolve) => {
        const wake = (): void => {
          set.delete(wake);
          if (set.size === 0 && waits.get(runId) === set) waits.delete(runId);
          resolve();
        };
        set.add(wake);
        if (stop.aborted) wake();
        else stop.addEventListener("abort", wake, { once: true });
      });
    },
  };
}

/** Is what taking a signal works with. */
export interface SignalTaking {
  readonly runId: string;
  readonly journal: Journal;
  readonly writer: LogWriter;
  readonly bell: SignalBell;
  /** Signals that a wait of this run has taken or is taking. */
  readonly claimed: Set<number>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Waits until a signal is there and takes it: it leaves the inbox in the same commit that records it. Errors: timed_out. */
export async function takeSignal(options: SignalTaking, wait: SignalWait): Promise<JsonValue> {
  const { runId, journal, writer, bell, claimed, clock, signal } = options;
  while (true) {
    signal.throwIfAborted();
    const stop = new AbortController();
    const heard = bell.heard(runId, AbortSignal.any([signal, stop.signal]));
    try {
      const found = await journal.pendingSignal(runId, wait.name, claimed);
      if (found) {
        claimed.add(found.id);
        await writer.wake(
          { type: "signal.received", key: wait.key, data: { name: wait.name, output: found.payload } },
          [found.take],
        );
        return found.payload;
      }
      const left = wait.deadline === undefined ? undefined : wait.deadline - clock.now();
      if (left !== undefined && left <= 0) {
        const error = baseErrors.create("timed_out", `Nobody sent the signal "${wait.name}" in time.`, {
          details: { signal: wait.name },
        });
        await writer.wake({
          type: "signal.timed_out",
          key: wait.key,
          data: { name: wait.name, error: dataOf(error) },
        });
        throw error;
      }
      const timer = left === undefined ? [] : [clock.sleep(left, { signal: stop.signal }).catch(() => {})];
      await Promise.race([heard, ...timer]);
    } finally {
      stop.abort();
    }
  }
}
