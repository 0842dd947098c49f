import type { Clock } from "../base/index.ts";
import type { Journal } from "./journal.ts";
import type { RunEvent } from "./run.ts";

/** Is what a tail needs to know of the engine. */
export interface TailSource {
  readonly journal: Journal;
  readonly clock: Clock;
  /** Tells where a run is executed: in this process, in another, later by whoever takes it from its queue, or nowhere. */
  readonly place: (runId: string) => Promise<"here" | "elsewhere" | "queued" | "nowhere">;
}

/** Is where a reader of a tail stands; `wake` is called when there may be more for it. */
export interface TailReader {
  wake: () => void;
}

const pageSize = 500;
/** How many entries a tail keeps for readers that are a little behind; those further behind read the store. */
const capacity = 1_024;
/** How much text it keeps. Units: characters of JSON. */
const capacityChars = 4_000_000;
/** How often it is looked whether the process that executes a run still lives; what is written comes by hints. */
const livenessMs = 1_000;
/** How many readers are woken before the event loop gets a turn. */
const wokenATurn = 128;

/** Is an entry as a tail keeps it. `place` counts everything that the tail ever kept. */
interface Kept {
  readonly event: RunEvent;
  readonly place: number;
  readonly chars: number;
}

/**
 * Keeps the end of one run's log for all of its followers in this process, however many and however slow: one reader of the
 * store, one look at whether the run is still executed, and a bounded memory.
 */
export class Tail {
  readonly readers = new Set<TailReader>();
  readonly #runId: string;
  readonly #source: TailSource;
  readonly #kept: Kept[] = [];
  #chars = 0;
  #next = 0;
  #last: number | undefined;
  #early: RunEvent[] = [];
  #isStale = false;
  #looking: Promise<void> | undefined;
  #place: "here" | "elsewhere" | "queued" | "nowhere" | undefined;
  #lookedAt = -Infinity;
  #timer: AbortController | undefined;
  #waking: "no" | "yes" | "again" = "no";
  #failure: { readonly cause: unknown } | undefined;

  constructor(runId: string, source: TailSource) {
    this.#runId = runId;
    this.#source = source;
  }

  /** Counts what the tail has kept so far: a reader that joins now begins there. */
  get end(): number {
    return this.#next;
  }

  /** True once nothing more can come: everything is in the store. */
  get isOver(): boolean {
    return this.#place === "nowhere" && !this.#isStale && this.#looking === undefined;
  }

  /** Is why the store could not be read, if it could not. */
  get failure(): { readonly cause: unknown } | undefined {
    return this.#failure;
  }

  /** The place of the entry after which everything is in the tail, or yet to come; undefined until the store was first looked at. */
  get base(): number | undefined {
    if (this.#last === undefined) return undefined;
    const first = this.#kept.find(({ event }) => event.transient === undefined);
    return first === undefined ? this.#last : first.event.seq - 1;
  }

  /** Gives what was kept from a place on; empty when there is nothing new. */
  from(place: number, limit: number): readonly Kept[] {
    const begin = Math.max(0, place - (this.#kept[0]?.place ?? this.#next));
    return this.#kept.slice(begin, begin + limit);
  }

  /** Takes what the run's writer here has just written. */
  publish(event: RunEvent): void {
    if (this.#looking === undefined) this.#take(event);
    else if (this.#early.length < capacity) this.#early.push(event);
    else this.#isStale = true;
  }

  /** Says that the store may hold something new, or that the run may be executed elsewhere than it was. */
  stale(): void {
    this.#isStale = true;
    if (this.#looking !== undefined || this.#failure !== undefined || this.readers.size === 0) return;
    this.#looking = this.#look()
      .catch((cause: unknown) => {
        this.#failure = { cause };
      })
      .finally(() => this.#looked());
  }

  #looked(): void {
    this.#looking = undefined;
    for (const event of this.#early.splice(0)) this.#take(event);
    this.#wakeAll();
    if (this.#isStale) this.stale();
    else this.#watch();
  }

  /** Stops the looks, once nobody reads any more. */
  close(): void {
    this.#timer?.abort();
    this.#timer = undefined;
  }

  #take(event: RunEvent): void {
    const last = this.#last;
    if (last === undefined) return this.stale();
    if (event.transient === undefined) {
      if (event.seq <= last) return;
      if (event.seq > last + 1) return this.stale();
      this.#last = event.seq;
    }
    this.#keep(event);
  }

  #keep(event: RunEvent): void {
    const chars = JSON.stringify(event.data).length;
    // Where the run is executed is looked at without delay: nowhere, now.
    if (isEnd(event)) this.#lookedAt = -Infinity;
    this.#kept.push({ event, place: this.#next++, chars });
    this.#chars += chars;
    while (this.#kept.length > capacity || this.#chars > capacityChars) this.#chars -= this.#kept.shift()?.chars ?? 0;
    this.#wakeAll();
  }

  /** Reads what is new in the store, then whether anybody executes the run; a run that nobody executes is read once more. */
  async #look(): Promise<void> {
    const { clock, place } = this.#source;
    this.#isStale = false;
    if (this.#last === undefined) await this.#begin();
    const ended = await this.#read();
    const isAway = this.#place === "elsewhere" || this.#place === "queued";
    const isDue = ended || !isAway || clock.monotonic() - this.#lookedAt >= livenessMs;
    if (!isDue) return;
    this.#lookedAt = clock.monotonic();
    const now = await place(this.#runId);
    if (now === "nowhere") await this.#read();
    this.#place = now;
  }

  /** Finds where the tail begins: at the end of the log, or before what was written here since somebody reads it. */
  async #begin(): Promise<void> {
    const last = await this.#source.journal.lastSeq(this.#runId);
    const [first] = this.#early;
    const before = first === undefined ? last : first.seq - (first.transient ? 0 : 1);
    this.#last = Math.min(last, before);
    this.#wakeAll();
  }

  /** Takes the transient events that were told here before an entry that the store gave. */
  #takeEarly(seq: number): void {
    while ((this.#early[0]?.seq ?? seq) < seq) {
      const event = this.#early.shift();
      if (event?.transient) this.#keep(event);
    }
  }

  /** Reads on from the last entry; tells whether the run ended with what was read. */
  async #read(): Promise<boolean> {
    let ended = false;
    for (;;) {
      const page = await this.#source.journal.events(this.#runId, this.#last ?? 0, pageSize);
      for (const event of page) {
        this.#takeEarly(event.seq);
        this.#last = event.seq;
        this.#keep(event);
        ended = isEnd(event);
      }
      if (page.length < pageSize) return ended;
    }
  }

  /** Looks again after a while, unless the run is executed here, where every change is told. */
  #watch(): void {
    this.#timer?.abort();
    this.#timer = undefined;
    if (this.#place === "here" || this.#place === "nowhere" || this.readers.size === 0) return;
    const timer = new AbortController();
    this.#timer = timer;
    const again = (): void => {
      if (!timer.signal.aborted) this.stale();
    };
    this.#source.clock.sleep(livenessMs, { signal: timer.signal }).then(again, () => {});
  }

  /** Wakes the readers some at a time, so that a thousand of them delay nothing else; what comes meanwhile they get with it. */
  #wakeAll(): void {
    if (this.readers.size === 0) return;
    if (this.#waking !== "no") {
      this.#waking = "again";
      return;
    }
    this.#waking = "yes";
    const waiting = [...this.readers];
    const turn = (): void => {
      for (const reader of waiting.splice(-wokenATurn)) reader.wake();
      if (waiting.length > 0) return void setImmediate(turn);
      const again = this.#waking === "again";
      this.#waking = "no";
      if (again) this.#wakeAll();
    };
    setImmediate(turn);
  }
}

function isEnd({ type }: RunEvent): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled" || type === "run.skipped";
}
