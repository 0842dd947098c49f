import type { Clock, JsonValue, SchemaIssue } from "../base/index.ts";
import { baseErrors } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import type { Activity } from "./activity.ts";
import type { Gate } from "./gate.ts";
import type { Journal } from "./journal.ts";
import type { LogWriter, NewEntry } from "./log-writer.ts";
import { dataOf } from "./plain.ts";
import { TransientMap } from "./transient-map.ts";

/** Wakes runs that wait for a signal. */
export interface SignalBell {
  /** Counts how often it rang, for whatever run: as long as it stays, nothing was sent to anyone. */
  readonly rings: number;
  /** Wakes the waits of a run. */
  ring(runId: string): void;
  /** Calls the listener each time it rings for the run; what it gives back takes the listener away. */
  listen(runId: string, listener: () => void): () => void;
  /** Resolves when the bell rings for the run, or the signal aborts. */
  heard(runId: string, stop: AbortSignal): Promise<void>;
}

const bells = new WeakMap<Database, SignalBell>();

/** Gives the bell that rings when a signal may have come: one for a database, so that engines of one process hear each other at once. */
export function signalBellOf(database: Database): SignalBell {
  const bell = bells.get(database) ?? createSignalBell();
  bells.set(database, bell);
  return bell;
}

function createSignalBell(): SignalBell {
  const listeners = new TransientMap<Set<() => void>>();
  let rings = 0;
  const listen = (runId: string, listener: () => void): (() => void) => {
    const set = listeners.get(runId) ?? new Set();
    listeners.set(runId, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0 && listeners.get(runId) === set) listeners.delete(runId);
    };
  };
  return {
    get rings() {
      return rings;
    },
    ring(runId) {
      rings++;
      for (const rung of listeners.get(runId) ?? []) rung();
    },
    listen,
    heard: (runId, stop) =>
      new Promise<void>((resolve) => {
        const wake = (): void => {
          forget();
          resolve();
        };
        const forget = listen(runId, wake);
        if (stop.aborted) wake();
        else stop.addEventListener("abort", wake, { once: true });
      }),
  };
}

/** Names what is sent with `steer`; names of users hold no "#". */
export const steering = "#steer";

/** Names the decision on an effect. */
export function decisionOn(key: string): string {
  return `#decide:${key}`;
}

/** Is what taking signals works with. */
export interface InboxOptions {
  readonly runId: string;
  readonly journal: Journal;
  readonly writer: LogWriter;
  readonly bell: SignalBell;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly gate: Gate;
  readonly activity: Activity;
  /** True when it is certain that nothing was sent to the run yet. */
  readonly isNew: boolean;
}

/** Is a wait for a signal. Units: `deadline` in ms since the Unix epoch. */
export interface SignalWait {
  readonly name: string;
  readonly key: string;
  readonly deadline?: number | undefined;
  /** Says what is wrong with a payload, if anything is: it is then refused, and the wait goes on. */
  readonly check?: ((payload: JsonValue) => Promise<readonly SchemaIssue[]>) | undefined;
  /** Makes the entry that records the payload. */
  readonly entryOf: (payload: JsonValue) => NewEntry;
}

/** Is what was sent to one run and not yet taken. What is taken leaves it in the commit that records it. */
export interface Inbox extends Disposable {
  /** Tells whether nothing was sent since `takeSteering` found nothing. */
  isQuiet(): boolean;
  /** Waits until a signal is there and takes it. Errors: timed_out. */
  take(wait: SignalWait): Promise<JsonValue>;
  /**
   * Takes what was sent with `steer`, up to 100, oldest first; `entryOf` makes its record. Cost: the store is asked only where the bell
   * rang since it was asked last.
   */
  takeSteering(entryOf: (payloads: readonly JsonValue[]) => NewEntry): Promise<readonly JsonValue[]>;
}

/** Makes the inbox of a run that is executed here. */
export function createInbox(options: InboxOptions): Inbox {
  // Two waits of one name must not take the same signal.
  const claimed = new Set<number>();
  let rung = options.isNew ? 0 : 1;
  let looked = 0;
  const forget = options.bell.listen(options.runId, () => void rung++);
  return {
    isQuiet: () => looked === rung,
    take: async (wait) => {
      const { gate, signal, activity, clock, writer } = options;
      writer.waits();
      // From here on time is what passes: a clock that is set forward or back moves no deadline.
      const until = wait.deadline === undefined ? undefined : clock.monotonic() + wait.deadline - clock.now();
      for (;;) {
        const passed = gate.passed(signal);
        if (passed !== undefined) await activity.wait(passed);
        signal.throwIfAborted();
        const stop = new AbortController();
        // The ear is there before the look, so that nothing comes unheard between them.
        const heard = options.bell.heard(options.runId, AbortSignal.any([signal, stop.signal]));
        try {
          const found = await takeOne(options, wait, claimed);
          if (found !== undefined) return found.payload;
          const left = until === undefined ? undefined : until - clock.monotonic();
          if (left !== undefined && left <= 0) throw await timedOut(options, wait);
          const timer = left === undefined ? [] : [clock.sleep(left, { signal: stop.signal }).catch(() => {})];
          await activity.wait(Promise.race([heard, ...timer]));
        } finally {
          stop.abort();
        }
      }
    },
    async takeSteering(entryOf) {
      const now = rung;
      if (looked === now) return [];
      const pending = await options.journal.pendingSignals(options.runId, steering, claimed);
      const found = pending.filter(({ id }) => !claimed.has(id));
      if (found.length === 0) {
        looked = now;
        return [];
      }
      for (const { id } of found) claimed.add(id);
      const payloads = found.map(({ payload }) => payload);
      await options.writer.append(entryOf(payloads), () => found.map(({ take }) => take));
      return payloads;
    },
    [Symbol.dispose]: forget,
  };
}

/** Takes the oldest signal that fits; those that do not are taken out and recorded as refused. */
async function takeOne(
  { runId, journal, writer }: InboxOptions,
  wait: SignalWait,
  claimed: Set<number>,
): Promise<{ readonly payload: JsonValue } | undefined> {
  for (;;) {
    const [found] = await journal.pendingSignals(runId, wait.name, claimed);
    if (found === undefined) return undefined;
    // Another wait of the same name may have looked at the same moment.
    if (claimed.has(found.id)) continue;
    claimed.add(found.id);
    const issues = (await wait.check?.(found.payload)) ?? [];
    if (issues.length === 0) {
      await writer.wake(wait.entryOf(found.payload), [found.take]);
      return { payload: found.payload };
    }
    const told = issues.slice(0, 20).map((issue) => ({ ...issue }));
    const data = { name: wait.name, issues: told };
    await writer.append({ type: "signal.refused", key: wait.key, data }, () => [found.take]);
  }
}

async function timedOut({ writer }: InboxOptions, { name, key }: SignalWait): Promise<Error> {
  const error = baseErrors.create("timed_out", `Nobody sent the signal "${name}" in time.`, {
    details: { signal: name },
  });
  await writer.wake({ type: "signal.timed_out", key, data: { name, error: dataOf(error) } });
  return error;
}
