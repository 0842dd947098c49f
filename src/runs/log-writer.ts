import type { AtlasError, Clock, JsonValue } from "../base/index.ts";
import { failpoint, stringifyJson, toAtlasError } from "../base/index.ts";
import type { Statement } from "../storage/index.ts";
import { storageErrors } from "../storage/index.ts";
import { runErrors } from "./errors.ts";
import type { LiveLogs } from "./follow.ts";
import type { Entry, Journal, Lease, RunEnd } from "./journal.ts";
import type { EmittedEvent, RunEvent } from "./run.ts";

/** Is a log entry as it is given to the writer; `text` is its data as JSON, where that has been written already. */
export type NewEntry = { readonly type: string; readonly key?: string | undefined } & (
  | { readonly data: JsonValue }
  | { readonly text: string }
);

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
  /** Is told that the run is paused, when the writer finds that somebody appended to its log. */
  readonly paused: () => void;
  /** Is told when a wait has ended: the run may wait for something else still. */
  readonly woken: () => void;
}

/** Is something that waits to be written, or a transient event that waits for what stands before it. */
type Item =
  | { readonly transient: RunEvent }
  | {
      readonly entry: Entry;
      readonly also?: ((entry: Entry) => readonly Statement[]) | undefined;
      readonly resolve?: () => void;
      readonly reject?: (error: unknown) => void;
    };

const maxBatch = 1_000;
/** How often entries are placed anew because another process appended first; each time somebody really did. */
const maxPlacings = 100;

/**
 * Writes one run's log; the only one that gives out its places.
 *
 * Order: one write at a time. What comes meanwhile is gathered for the next, so a refused write leaves no gap behind it. What
 * others append to the log of a run that they do not own (a question such as a pause) comes between two of its writes.
 */
export class LogWriter {
  readonly #options: LogWriterOptions;
  #seq: number;
  #queue: Item[] = [];
  #refused: Entry[] = [];
  #armed = false;
  #ended = false;
  #waits = 0;
  #shown: "running" | "waiting" = "running";
  /** True once a cancel is being recorded: it no longer stops the writing. */
  #obeyed = false;
  #failure: AtlasError | undefined;
  #isWriting = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#seq = options.lastSeq;
  }

  /** What the writer stopped for, if it did. */
  get failure(): AtlasError | undefined {
    return this.#failure;
  }

  /** The place of the last entry, as far as this process knows. */
  get position(): number {
    return this.#seq;
  }

  /** Waits until everything that was added before is durable. Errors: what the writer stopped for. */
  async durable(): Promise<void> {
    await this.#drained();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Adds an entry without waiting; it is written with the next commit. `key` is the step that it belongs to, if it does to one. */
  emit({ type, data = null, transient }: EmittedEvent, key?: string): void {
    // Work that was left running has nothing to add to a log that is closed.
    if (this.#ended) return;
    const { live, clock, lease } = this.#options;
    if (!transient) this.#queue.push({ entry: this.#enter({ type, key, data }) });
    else {
      const event: RunEvent = { runId: lease.runId, seq: this.#seq, type, at: clock.now(), data, transient: true };
      if (this.#queue.length === 0 && !this.#isWriting) return live.publish(event);
      this.#queue.push({ transient: event });
    }
    if (this.#armed) return;
    this.#armed = true;
    setImmediate(() => {
      this.#armed = false;
      this.#pump();
    });
  }

  /** Adds an entry and waits until it is durable, in one commit with other statements. Errors: run_fenced, run_cancelled, run_finished, those of storage. */
  append(entry: NewEntry, also?: (entry: Entry) => readonly Statement[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      this.#queue.push({ entry: this.#enter(entry), also, resolve, reject });
      this.#pump();
    });
  }

  /** Counts a durable wait, which `wake` ends. */
  waits(): void {
    this.#waits++;
  }

  /** Shows the run as waiting, if it waits and is not shown so: something beside the wait made it show as running. */
  async showWaiting(): Promise<void> {
    if (this.#waits === 0 || this.#shown === "waiting" || this.#ended) return;
    const { journal, lease } = this.#options;
    this.#shown = "waiting";
    await journal.write([journal.statusStatement(lease, "waiting")]);
  }

  /** Appends the entry of something that the run now waits for, and shows the run as waiting. */
  async wait(entry: NewEntry, also: readonly Statement[] = []): Promise<void> {
    const { journal, lease } = this.#options;
    failpoint("run.wait");
    this.#shown = "waiting";
    await this.append(entry, () => [...also, journal.statusStatement(lease, "waiting")]);
  }

  /** Appends the entry that ends a wait. */
  async wake(entry: NewEntry, also: readonly Statement[] = []): Promise<void> {
    const { journal, lease } = this.#options;
    this.#shown = "running";
    this.#waits--;
    await this.append(entry, () => [...also, journal.statusStatement(lease, "running")]);
    if (this.#waits > 0) this.#options.woken();
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
    const { journal, lease } = this.#options;
    await this.#close(entry, (entries) => journal.finish(lease, entries, end));
  }

  /** Writes the last entry of this execution, and what leaves the run to another one. Errors: as `append`. */
  async leave(entry: NewEntry, statements: readonly Statement[]): Promise<void> {
    const { journal, lease } = this.#options;
    await this.#close(entry, (entries) => journal.append(lease, entries, statements));
  }

  async #close(entry: NewEntry, write: (entries: readonly Entry[]) => Promise<unknown>): Promise<void> {
    this.#assertOpen();
    const last: Item[] = [{ entry: this.#enterLast(entry) }];
    await this.#drained();
    if (this.#failure !== undefined) throw this.#failure;
    this.#place(last, this.#seq);
    failpoint("run.finish");
    const failure = await this.#writeLast(last, write);
    if (failure !== undefined) throw failure;
    this.#publish(entriesOf(last));
    const { live, lease } = this.#options;
    live.refresh((runId) => runId === lease.runId);
  }

  /** Ends the run as cancelled, with everything that was refused because of the cancel. Errors: run_fenced, those of storage. */
  async cancel(entry: NewEntry, end: RunEnd): Promise<void> {
    const { journal, live, lease } = this.#options;
    const last = this.#enterLast(entry);
    await this.#drained();
    this.#obeyed = true;
    const items: Item[] = [...this.#refused, last].map((each) => ({ entry: each }));
    this.#place(items, await journal.lastSeq(lease.runId));
    const failure = await this.#writeLast(items, (entries) => journal.finish(lease, entries, end));
    if (failure !== undefined) throw failure;
    this.#publish(entriesOf(items));
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

  #enter(entry: NewEntry): Entry {
    const { type, key } = entry;
    const text = textOf(entry);
    return { seq: ++this.#seq, type, key, at: this.#options.clock.now(), text };
  }

  /** Gives an entry that has no place yet: what was given before it is written first, and may be placed anew. */
  #enterLast(entry: NewEntry): Entry {
    const { type, key } = entry;
    const text = textOf(entry);
    this.#ended = true;
    return { seq: 0, type, key, at: this.#options.clock.now(), text };
  }

  async #drained(): Promise<void> {
    this.#pump();
    while (this.#isWriting) await (this.#idle ??= Promise.withResolvers()).promise;
  }

  #pump(): void {
    if (this.#isWriting || this.#queue.length === 0) return;
    const batch = this.#queue.length <= maxBatch ? this.#queue : this.#queue.slice(0, maxBatch);
    this.#queue = this.#queue.length <= maxBatch ? [] : this.#queue.slice(maxBatch);
    this.#isWriting = true;
    void this.#write(batch);
  }

  async #write(batch: Item[]): Promise<void> {
    let failure = this.#failure;
    try {
      if (failure === undefined) await this.#append(batch);
    } catch (cause) {
      failure = await this.#mend(cause, batch, () => this.#append(batch));
    }
    if (failure === undefined) this.#written(batch);
    else this.#refuse(batch, failure);
    this.#isWriting = false;
    this.#pump();
    if (this.#isWriting) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  #written(batch: readonly Item[]): void {
    const { live, lease, committed } = this.#options;
    failpoint("append.acked");
    committed();
    const followed = live.followed(lease.runId);
    for (const item of batch) {
      if (followed) live.publish("entry" in item ? toEvent(lease.runId, item.entry) : item.transient);
      if ("entry" in item) item.resolve?.();
    }
  }

  #append(batch: readonly Item[]): Promise<unknown> | undefined {
    const { journal, lease } = this.#options;
    const entries = entriesOf(batch);
    return entries.length === 0 ? undefined : journal.append(lease, entries, alsoOf(batch));
  }

  /** Writes a last batch; gives what the writer stopped for, if it did. */
  async #writeLast(
    batch: Item[],
    write: (entries: readonly Entry[]) => Promise<unknown>,
  ): Promise<AtlasError | undefined> {
    const writeBatch = (): Promise<unknown> => write(entriesOf(batch));
    try {
      await writeBatch();
      return undefined;
    } catch (cause) {
      return await this.#mend(cause, batch, writeBatch);
    }
  }

  /** Writes a refused batch placed anew, as often as somebody else took its place; gives what the writer stopped for, if it did. */
  async #mend(
    refusal: unknown,
    batch: Item[],
    write: () => Promise<unknown> | undefined,
  ): Promise<AtlasError | undefined> {
    let cause = refusal;
    for (let placing = 1; ; placing++) {
      if (storageErrors.is(cause, "write_conflict") && (await this.#isOurs(batch))) return undefined;
      const mayPlace = placing < maxPlacings && storageErrors.is(cause, "write_conflict");
      if (!mayPlace || !(await this.#placedAnew(batch))) return await this.#stop(cause);
      try {
        await write();
        return undefined;
      } catch (next) {
        cause = next;
      }
    }
  }

  /** Tells whether a batch that was refused is in the log all the same: its commit came through, the word of it did not. */
  async #isOurs(batch: readonly Item[]): Promise<boolean> {
    const { journal, lease } = this.#options;
    const [first] = entriesOf(batch);
    if (first === undefined) return false;
    const [there] = await journal.events(lease.runId, first.seq - 1, 1).catch(() => []);
    const { seq, type, key, at, text } = first;
    const isSame = there?.seq === seq && there.type === type && there.key === key && there.at === at;
    return isSame && JSON.stringify(there.data) === text;
  }

  /** Gives a refused batch, and what waits behind it, the places that follow the log's end; false when that is not what it lacks. */
  async #placedAnew(batch: Item[]): Promise<boolean> {
    const { journal, lease } = this.#options;
    try {
      const run = await journal.load(lease.runId);
      if (run?.epoch !== lease.epoch || run.finishedAt !== undefined) return false;
      if (run.control !== undefined && !this.#obeyed) return false;
      const end = await journal.lastSeq(lease.runId);
      const [first] = entriesOf(batch);
      if (first === undefined || end < first.seq) return false;
      if (run.paused) this.#options.paused();
      this.#place(batch, end);
      this.#place(this.#queue, this.#seq);
      return true;
    } catch {
      return false;
    }
  }

  /** Places items after an entry of the log. */
  #place(items: Item[], after: number): void {
    let seq = after;
    for (const [index, item] of items.entries()) {
      if ("entry" in item) items[index] = { ...item, entry: { ...item.entry, seq: ++seq } };
      else items[index] = { transient: { ...item.transient, seq } };
    }
    this.#seq = seq;
  }

  /** What a step did is kept for the record of a cancelled run; what changed other rows with it did not happen. */
  #refuse(batch: readonly Item[], error: AtlasError): void {
    for (const item of batch) {
      if (!("entry" in item)) continue;
      if (item.also === undefined) this.#refused.push(item.entry);
      item.reject?.(error);
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

const none: readonly Statement[] = [];

function entriesOf(batch: readonly Item[]): Entry[] {
  const entries: Entry[] = [];
  for (const item of batch) if ("entry" in item) entries.push(item.entry);
  return entries;
}

/** Gives the statements that go with the entries of a batch. */
function alsoOf(batch: readonly Item[]): readonly Statement[] {
  let statements = none;
  for (const item of batch)
    if ("entry" in item && item.also !== undefined) statements = [...statements, ...item.also(item.entry)];
  return statements;
}

function textOf(entry: NewEntry): string {
  return "text" in entry ? entry.text : stringifyJson(entry.data, `data of ${entry.type}`);
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
    if (run?.epoch === lease.epoch && run.finishedAt === undefined) return toAtlasError(cause);
    return runErrors.create("run_fenced", `The run ${lease.runId} was taken over by another process.`, {
      details,
      cause,
    });
  } catch (error) {
    return toAtlasError(error);
  }
}
