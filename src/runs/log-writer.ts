import type { AtlasError, Clock, JsonValue } from "../base/index.ts";
import { stringifyJson, toAtlasError } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import { runErrors } from "./errors.ts";
import type { LiveLogs } from "./follow.ts";
import type { Entry, Journal, Lease, RunEnd } from "./journal.ts";
import type { EmittedEvent, RunEvent } from "./run.ts";

/** Is a log entry as it is given to the writer. */
export interface NewEntry {
  readonly type: string;
  readonly key?: string | undefined;
  readonly data: JsonValue;
}

/** Is what a log writer works with. */
export interface LogWriterOptions {
  readonly journal: Journal;
  readonly live: LiveLogs;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly lastSeq: number;
  /** Is told of each commit. */
  readonly committed: () => void;
  /** Is told once why the writer stopped: the run was cancelled or taken over, or the store failed. */
  readonly refused: (error: AtlasError) => void;
}

/** Writes one run's log; the only one that gives out its places. */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #seq: number;
  #waiting: Entry[] = [];
  #refused: Entry[] = [];
  #armed = false;
  #failure: AtlasError | undefined;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#seq = options.lastSeq;
  }

  /** What the writer stopped for, if it did. */
  get failure(): AtlasError | undefined {
    return this.#failure;
  }

  /** Adds an entry without waiting; it is written with the next commit. */
  emit({ type, data = null, transient }: EmittedEvent): void {
    const { live, clock, lease } = this.#options;
    if (transient) {
      const event: RunEvent = { runId: lease.runId, seq: this.#seq, type, at: clock.now(), data, transient: true };
      // It is shown after what was emitted before it, which is shown once it is durable.
      this.#flush();
      this.#lastWrite = this.#lastWrite.then(() => live.publish(event));
      return;
    }
    this.#waiting.push(this.#enter({ type, data }));
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => this.#flush());
  }

  /** Adds an entry and waits until it is durable, in one commit with other statements. Errors: run_fenced, run_cancelled, those of storage. */
  async append(entry: NewEntry, also?: (entry: Entry) => readonly Statement[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const entries = this.#take(entry);
    const last = entries.at(-1);
    await this.#write(entries, () => this.#options.journal.append(this.#options.lease, entries, last && also?.(last)));
  }

  /** Appends the entry of something that the run now waits for, and shows the run as waiting. */
  async wait(entry: NewEntry): Promise<void> {
    const { journal, lease } = this.#options;
    await this.append(entry, () => [journal.statusStatement(lease, "waiting")]);
  }

  /** Appends the entry that ends a wait. */
  async wake(entry: NewEntry, also: readonly Statement[] = []): Promise<void> {
    const { journal, lease } = this.#options;
    await this.append(entry, () => [...also, journal.statusStatement(lease, "running")]);
  }

  /** Keeps a state from which the run can be taken up without what came before. */
  async checkpoint(state: JsonValue): Promise<void> {
    const { journal, lease } = this.#options;
    await this.append({ type: "run.checkpointed", data: state }, ({ seq }) => [
      journal.checkpointStatement(lease, seq),
    ]);
  }

  /** Writes the last entry and the end of the run. Errors: as `append`. */
  async finish(entry: NewEntry, end: RunEnd): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { journal, live, lease } = this.#options;
    const entries = this.#take(entry);
    await this.#write(entries, () => journal.finish(lease, entries, end));
    live.refresh(lease.runId);
  }

  /** Ends the run as cancelled, with everything that was refused because of the cancel. */
  async cancel(entry: NewEntry, end: RunEnd): Promise<void> {
    const { journal, live, lease } = this.#options;
    await this.#lastWrite;
    const entries = [...this.#refused, ...this.#take(entry)];
    this.#seq = await journal.lastSeq(lease.runId);
    const placed = entries.map((each) => ({ ...each, seq: ++this.#seq }));
    await journal.finish(lease, placed, end);
    this.#publish(placed);
    live.refresh(lease.runId);
  }

  #enter({ type, key, data }: NewEntry): Entry {
    const text = stringifyJson(data, `data of ${type}`);
    return { seq: ++this.#seq, type, key, at: this.#options.clock.now(), text };
  }

  /** Gives what waits, and one entry more after it. */
  #take(entry: NewEntry): Entry[] {
    const entries = [...this.#waiting, this.#enter(entry)];
    this.#waiting = [];
    return entries;
  }

  #flush(): void {
    this.#armed = false;
    const entries = this.#waiting;
    this.#waiting = [];
    if (entries.length === 0) return;
    if (this.#failure !== undefined) this.#refused.push(...entries);
    else this.#write(entries, () => this.#options.journal.append(this.#options.lease, entries)).catch(() => {});
  }

  #write(entries: readonly Entry[], action: () => Promise<void>): Promise<void> {
    const written = this.#attempt(entries, action);
    this.#lastWrite = written.catch(() => {});
    return written;
  }

  async #attempt(entries: readonly Entry[], action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (cause) {
      this.#refused = [...this.#refused, ...entries].toSorted((a, b) => a.seq - b.seq);
      throw await this.#stop(cause);
    }
    this.#options.committed();
    this.#publish(entries);
  }

  async #stop(cause: unknown): Promise<AtlasError> {
    if (this.#failure === undefined) {
      const { journal, lease, refused } = this.#options;
      this.#failure = toAtlasError(cause);
      if (storageErrors.is(cause, "write_conflict")) this.#failure = await reasonOf(journal, lease, cause);
      refused(this.#failure);
    }
    return this.#failure;
  }

  #publish(entries: readonly Entry[]): void {
    const { live, lease } = this.#options;
    if (!live.followed(lease.runId)) return;
    for (const entry of entries) live.publish(toEvent(lease.runId, entry));
  }
}

function toEvent(runId: string, { seq, type, at, key, text }: Entry): RunEvent {
  return { runId, seq, type, at, ...(key === undefined ? {} : { key }), data: JSON.parse(text) as JsonValue };
}

/** Tells why a place in the log was taken: the run's row says whether a cancel or another owner came. */
async function reasonOf(journal: Journal, lease: Lease, cause: unknown): Promise<AtlasError> {
  const details = { runId: lease.runId };
  try {
    const run = await journal.load(lease.runId);
    if (run?.epoch === lease.epoch && run.control !== undefined) {
      return runErrors.create("run_cancelled", `The run ${lease.runId} was cancelled: ${run.control}.`, {
        details: { ...details, reason: run.control },
      });
    }
    return runErrors.create("run_fenced", `The run ${lease.runId} was taken over by another process.`, {
      details,
      cause,
    });
  } catch (error) {
    return toAtlasError(error);
  }
}
