import type { AtlasError, Clock, JsonValue } from "../base/index.ts";
import { failpoint, stringifyJson, toAtlasError } from "../base/index.ts";
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

/** Is something that waits to be written, or a transient event that waits for what stands before it. */
type Item =
  | { readonly transient: RunEvent }
  | {
      readonly entry: Entry;
      readonly also: readonly Statement[];
      readonly settled?: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
    };

const maxBatch = 1_000;

/**
 * Writes one run's log; the only one that gives out its places.
 *
 * Order: one write at a time. What comes meanwhile is gathered for the next, so a refused write leaves no gap behind it.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #seq: number;
  #queue: Item[] = [];
  #refused: Entry[] = [];
  #armed = false;
  #ended = false;
  #failure: AtlasError | undefined;
  #pumping: Promise<void> | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#seq = options.lastSeq;
  }

  /** What the writer stopped for, if it did. */
  get failure(): AtlasError | undefined {
    return this.#failure;
  }

  /** Adds an entry without waiting; it is written with the next commit. `key` is the step that it belongs to, if it does to one. */
  emit({ type, data = null, transient }: EmittedEvent, key?: string): void {
    // Work that was left running has nothing to add to a log that is closed.
    if (this.#ended) return;
    const { live, clock, lease } = this.#options;
    if (!transient) this.#queue.push({ entry: this.#enter({ type, key, data }), also: [] });
    else {
      const event: RunEvent = { runId: lease.runId, seq: this.#seq, type, at: clock.now(), data, transient: true };
      if (this.#queue.length === 0 && this.#pumping === undefined) return live.publish(event);
      this.#queue.push({ transient: event });
    }
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => {
      this.#armed = false;
      void this.#pump();
    });
  }

  /** Adds an entry and waits until it is durable, in one commit with other statements. Errors: run_fenced, run_cancelled, run_finished, those of storage. */
  async append(entry: NewEntry, also?: (entry: Entry) => readonly Statement[]): Promise<void> {
    this.#assertOpen();
    const placed = this.#enter(entry);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ entry: placed, also: also?.(placed) ?? [], settled: { resolve, reject } });
    void this.#pump();
    await promise;
  }

  /** Appends the entry of something that the run now waits for, and shows the run as waiting. */
  async wait(entry: NewEntry): Promise<void> {
    const { journal, lease } = this.#options;
    failpoint("run.wait");
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
    this.#assertOpen();
    const { journal, live, lease } = this.#options;
    const last = this.#enterLast(entry);
    await this.#drained();
    if (this.#failure !== undefined) throw this.#failure;
    failpoint("run.finish");
    try {
      await journal.finish(lease, [last], end);
    } catch (cause) {
      throw await this.#stop(cause);
    }
    this.#publish([last]);
    live.refresh((runId) => runId === lease.runId);
  }

  /** Ends the run as cancelled, with everything that was refused because of the cancel. */
  async cancel(entry: NewEntry, end: RunEnd): Promise<void> {
    const { journal, live, lease } = this.#options;
    const last = this.#enterLast(entry);
    await this.#drained();
    this.#seq = await journal.lastSeq(lease.runId);
    const placed = [...this.#refused, last].map((each) => ({ ...each, seq: ++this.#seq }));
    await journal.finish(lease, placed, end);
    this.#publish(placed);
    live.refresh((runId) => runId === lease.runId);
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#ended) return;
    const { runId } = this.#options.lease;
    throw runErrors.create(
      "run_finished",
      `The run ${runId} has ended; what its function still does is not recorded.`,
      {
        details: { runId },
      },
    );
  }

  #enter({ type, key, data }: NewEntry): Entry {
    const text = stringifyJson(data, `data of ${type}`);
    return { seq: ++this.#seq, type, key, at: this.#options.clock.now(), text };
  }

  #enterLast(entry: NewEntry): Entry {
    const last = this.#enter(entry);
    this.#ended = true;
    return last;
  }

  async #drained(): Promise<void> {
    while (this.#queue.length > 0 || this.#pumping !== undefined) await this.#pump();
  }

  #pump(): Promise<void> {
    this.#pumping ??= this.#writeAll().finally(() => (this.#pumping = undefined));
    return this.#pumping;
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.length <= maxBatch ? this.#queue : this.#queue.slice(0, maxBatch);
      this.#queue = this.#queue.length <= maxBatch ? [] : this.#queue.slice(maxBatch);
      if (this.#failure === undefined) await this.#write(batch);
      else this.#refuse(batch, this.#failure);
    }
  }

  async #write(batch: readonly Item[]): Promise<void> {
    const { journal, lease, live, committed } = this.#options;
    const written = batch.filter((item) => "entry" in item);
    try {
      const entries = written.map(({ entry }) => entry);
      if (entries.length > 0)
        await journal.append(
          lease,
          entries,
          written.flatMap(({ also }) => also),
        );
    } catch (cause) {
      return this.#refuse(batch, await this.#stop(cause));
    }
    failpoint("append.acked");
    committed();
    const followed = live.followed(lease.runId);
    for (const item of batch) {
      if (followed) live.publish("entry" in item ? toEvent(lease.runId, item.entry) : item.transient);
      if ("entry" in item) item.settled?.resolve();
    }
  }

  /** What a step did is kept for the record of a cancelled run; what changed other rows with it did not happen. */
  #refuse(batch: readonly Item[], error: AtlasError): void {
    for (const item of batch) {
      if (!("entry" in item)) continue;
      if (item.also.length === 0) this.#refused.push(item.entry);
      item.settled?.reject(error);
    }
  }

  async #stop(cause: unknown): Promise<AtlasError> {
    if (this.#failure === undefined) {
      const { journal, lease, refused } = this.#options;
      this.#failure = storageErrors.is(cause, "write_conflict")
        ? await reasonOf(journal, lease, cause)
        : toAtlasError(cause);
      refused(this.#failure);
    }
    return this.#failure;
  }

  #publish(entries: readonly Entry[]): void {
    const { live, lease, committed } = this.#options;
    committed();
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
