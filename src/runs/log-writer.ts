import type { Clock, JsonValue } from "../base/index.ts";
import { isAtlasError, stringifyJson } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import { runErrors } from "./errors.ts";
import type { LiveLogs } from "./follow.ts";
import type { Entry, Journal, Lease, RunEnd } from "./journal.ts";
import type { EmittedEvent, RunEvent } from "./run.ts";

/** Is a log entry as its writer gives it. */
export interface NewEntry {
  readonly type: string;
  readonly key?: string | undefined;
  readonly data: JsonValue;
}

/** Writes one run's log; the only one that gives out its sequence numbers. */
export interface LogWriter {
  /** Adds an entry without waiting; it is written with the next commit. */
  emit(event: EmittedEvent): void;
  /** Adds an entry and waits until it is durable. Errors: run_fenced, run_cancelled, those of storage. */
  append(entry: NewEntry): Promise<void>;
  /** Appends an entry in one commit with other statements. */
  appendWith(entry: NewEntry, also: readonly Statement[]): Promise<void>;
  /** Appends the entry of something that the run now waits for, and shows the run as waiting. */
  wait(entry: NewEntry): Promise<void>;
  /** Appends the entry that ends a wait. */
  wake(entry: NewEntry, also?: readonly Statement[]): Promise<void>;
  /** Keeps a state from which the run can be taken up without what came before. */
  checkpoint(state: JsonValue): Promise<void>;
  /** Writes the last entry and the end of the run. Errors: as `append`. */
  finish(entry: NewEntry, end: RunEnd): Promise<void>;
  /** Writes `run.cancelled` with everything that was refused because of the cancel. */
  cancel(entry: NewEntry, end: RunEnd): Promise<void>;
  /** What the writer stopped for, if it did. */
  readonly failure: unknown;
}

/** Is what a log writer works with. `refused` is told why the writer stopped. */
export interface LogWriterOptions {
  readonly journal: Journal;
  readonly live: LiveLogs;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly lastSeq: number;
  /** Is told of each commit. */
  readonly committed: () => void;
  readonly refused: (error: unknown) => void;
}

/** Makes the writer of a run's log. */
export function createLogWriter(options: LogWriterOptions): LogWriter {
  const { journal, live, clock, lease } = options;
  let seq = options.lastSeq;
  let waiting: Entry[] = [];
  let refused: Entry[] = [];
  let armed = false;
  let failure: unknown;
  let lastWrite: Promise<void> = Promise.resolve();

  const enter = ({ type, key, data }: NewEntry): Entry => ({
    seq: ++seq,
    type,
    key,
    at: clock.now(),
    text: stringifyJson(data, `data of ${type}`),
  });
  const stop = async (cause: unknown): Promise<unknown> => {
    if (failure === undefined) {
      failure = cause;
      if (storageErrors.is(cause, "write_conflict")) failure = await reasonOf(journal, lease, cause);
      options.refused(failure);
    }
    return failure;
  };
  const attempt = async (entries: Entry[], action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (cause) {
      refused = [...refused, ...entries].sort((a, b) => a.seq - b.seq);
      throw await stop(cause);
    }
    options.committed();
    if (live.followed(lease.runId)) for (const entry of entries) live.publish(toEvent(lease.runId, entry));
  };
  const write = (entries: Entry[], action: () => Promise<void>): Promise<void> => {
    const written = attempt(entries, action);
    lastWrite = written.catch(() => {});
    return written;
  };
  const take = (): Entry[] => {
    const entries = waiting;
    waiting = [];
    return entries;
  };
  const flush = (): void => {
    armed = false;
    if (waiting.length === 0) return;
    const entries = take();
    if (failure !== undefined) refused.push(...entries);
    else write(entries, () => journal.append(lease, entries)).catch(() => {});
  };
  const append = async (entry: NewEntry, also?: (entry: Entry) => readonly Statement[]): Promise<void> => {
    if (failure !== undefined) throw failure;
    const earlier = take();
    const last = enter(entry);
    const entries = [...earlier, last];
    await write(entries, () => journal.append(lease, entries, also?.(last)));
  };
  return {
    append: (entry) => append(entry),
    appendWith: (entry, also) => append(entry, () => also),
    wait: (entry) => append(entry, () => [journal.statusStatement(lease, "waiting")]),
    wake: (entry, also = []) => append(entry, () => [...also, journal.statusStatement(lease, "running")]),
    checkpoint: (state) =>
      append({ type: "run.checkpointed", data: state }, ({ seq: at }) => [journal.checkpointStatement(lease, at)]),
    get failure() {
      return failure;
    },
    emit({ type, data = null, transient }) {
      if (transient) return live.publish({ runId: lease.runId, seq, type, at: clock.now(), data, transient: true });
      waiting.push(enter({ type, data }));
      if (armed) return;
      armed = true;
      setImmediate(flush);
    },
    async finish(entry, end) {
      if (failure !== undefined) throw failure;
      const entries = [...take(), enter(entry)];
      await write(entries, () => journal.finish(lease, entries, end));
      live.refresh(lease.runId);
    },
    async cancel(entry, end) {
      await lastWrite;
      const entries = [...refused, ...take(), enter(entry)];
      seq = await journal.lastSeq(lease.runId);
      const placed = entries.map((each) => ({ ...each, seq: ++seq }));
      await journal.finish(lease, placed, end);
      for (const each of placed) live.publish(toEvent(lease.runId, each));
      live.refresh(lease.runId);
    },
  };
}

function toEvent(runId: string, { seq, type, at, key, text }: Entry): RunEvent {
  return { runId, seq, type, at, ...(key === undefined ? {} : { key }), data: JSON.parse(text) as JsonValue };
}

async function reasonOf(journal: Journal, lease: Lease, cause: unknown): Promise<unknown> {
  const run = await journal.load(lease.runId).catch((error: unknown) => (isAtlasError(error) ? error : undefined));
  if (isAtlasError(run)) return run;
  if (run?.epoch === lease.epoch && run.control !== undefined) {
    return runErrors.create("run_cancelled", `The run ${lease.runId} was cancelled: ${run.control}.`, {
      details: { runId: lease.runId, reason: run.control },
    });
  }
  return runErrors.create("run_fenced", `The run ${lease.runId} was taken over by another process.`, {
    details: { runId: lease.runId },
    cause,
  });
}
