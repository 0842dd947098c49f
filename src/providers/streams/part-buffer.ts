import type { StreamPart } from "../model.ts";

/**
 * Says what happens when parts come and the buffer is full.
 *
 * `wait` reads no more until there is room. `coalesce` joins deltas that stand side by side into one, so that only
 * `maxChars` is a bound; then it waits. `drop_oldest` drops deltas: first those whose content comes again (usage, the arguments of
 * a tool), then the oldest text; what is dropped is counted, the end of the answer says so in its metadata, and `result()`
 * still has all of it. `fail` fails the stream with stream_buffer_full.
 */
export type FullBufferPolicy = "wait" | "coalesce" | "drop_oldest" | "fail";

/** Are the bounds of what is read ahead of the reader. Units: parts, where 0 reads nothing ahead; UTF-16 code units of text. */
export interface BufferOptions {
  readonly maxParts?: number | undefined;
  readonly maxChars?: number | undefined;
  readonly whenFull?: FullBufferPolicy | undefined;
}

/** Counts what a buffer held and what became of it. */
export interface BufferCounts {
  readonly peakParts: number;
  readonly peakChars: number;
  readonly droppedParts: number;
  readonly droppedChars: number;
  readonly joinedParts: number;
  /** Parts that a restart made void before they were delivered. */
  readonly voidedParts: number;
}

/** Holds the parts that are read and not yet delivered, in order. Cost: constant time for each part unless it is full. */
export class PartBuffer {
  readonly maxParts: number;
  readonly maxChars: number;
  readonly #policy: FullBufferPolicy;
  #parts: (StreamPart | undefined)[] = [];
  #head = 0;
  #chars = 0;
  readonly #counts = { peakParts: 0, peakChars: 0, droppedParts: 0, droppedChars: 0, joinedParts: 0, voidedParts: 0 };

  constructor({ maxParts = 64, maxChars = 65_536, whenFull = "wait" }: BufferOptions = {}) {
    this.maxParts = maxParts;
    this.maxChars = maxChars;
    this.#policy = whenFull;
  }

  get size(): number {
    return this.#parts.length - this.#head;
  }

  get chars(): number {
    return this.#chars;
  }

  get counts(): BufferCounts {
    return this.#counts;
  }

  /** Tells whether reading must wait for room. */
  get full(): boolean {
    if (!this.#atLimit) return false;
    if (this.#policy === "wait") return true;
    if (this.#policy === "fail") return false;
    if (this.#policy === "drop_oldest") return this.#oldestDroppable() === undefined;
    return this.#chars >= this.maxChars || !this.#join();
  }

  /** Takes a part; false, and the part is not taken, when the buffer is full and must not be. */
  push(part: StreamPart): boolean {
    if (this.#atLimit && !this.#makeRoom()) return false;
    this.#parts.push(part);
    this.#chars += charsOf(part);
    const counts = this.#counts;
    if (this.size > counts.peakParts) counts.peakParts = this.size;
    if (this.#chars > counts.peakChars) counts.peakChars = this.#chars;
    return true;
  }

  shift(): StreamPart | undefined {
    const part = this.#parts[this.#head];
    if (part === undefined) return undefined;
    this.#parts[this.#head++] = undefined;
    this.#chars -= charsOf(part);
    if (this.#head === this.#parts.length) this.#set([]);
    else if (this.#head > 64 && this.#head * 2 > this.#parts.length) this.#set(this.snapshot());
    return part.type === "response.finished" ? this.#marked(part) : part;
  }

  /** Takes out what a restart makes void: everything but the beginning. */
  voidParts(): void {
    const kept = this.snapshot().filter((part) => part.type === "response.started");
    this.#counts.voidedParts += this.size - kept.length;
    this.#set(kept);
  }

  clear(): void {
    this.#set([]);
  }

  snapshot(): StreamPart[] {
    return this.#parts.slice(this.#head).filter((part) => part !== undefined);
  }

  get #atLimit(): boolean {
    return this.size >= this.maxParts || this.#chars >= this.maxChars;
  }

  #makeRoom(): boolean {
    if (this.#policy === "fail") return false;
    if (this.#policy === "drop_oldest") while (this.#atLimit && this.#drop());
    else if (this.#policy === "coalesce") this.#join();
    return true;
  }

  #set(parts: StreamPart[]): void {
    this.#parts = parts;
    this.#head = 0;
    this.#chars = parts.reduce((sum, part) => sum + charsOf(part), 0);
  }

  /** Joins neighbours; tells whether there are fewer parts now than allowed. */
  #join(): boolean {
    const before = this.size;
    const parts: StreamPart[] = [];
    for (const part of this.snapshot()) {
      const last = parts.at(-1);
      const joined = last === undefined ? undefined : joinedOf(last, part);
      if (joined === undefined) parts.push(part);
      else parts[parts.length - 1] = joined;
    }
    if (parts.length < before) this.#set(parts);
    this.#counts.joinedParts += before - parts.length;
    return this.size < this.maxParts;
  }

  /** Drops one part; false when there is none that may be dropped. */
  #drop(): boolean {
    const index = this.#oldestDroppable();
    if (index === undefined) return false;
    const parts = this.snapshot();
    const [dropped] = parts.splice(index, 1);
    this.#counts.droppedParts++;
    if (dropped !== undefined) this.#counts.droppedChars += charsOf(dropped);
    this.#set(parts);
    return true;
  }

  #oldestDroppable(): number | undefined {
    const parts = this.snapshot();
    const again = parts.findIndex((part) => part.type === "usage.updated" || part.type === "tool.delta");
    if (again >= 0) return again;
    const text = parts.findIndex(
      (part) => part.type === "text.delta" || (part.type === "reasoning.delta" && part.signature === undefined),
    );
    return text >= 0 ? text : undefined;
  }

  #marked(part: Extract<StreamPart, { type: "response.finished" }>): StreamPart {
    const { droppedParts, droppedChars } = this.#counts;
    return droppedParts === 0 ? part : { ...part, metadata: { ...part.metadata, droppedParts, droppedChars } };
  }
}

/** Counts the text in a part. */
export function charsOf(part: StreamPart): number {
  return part.type === "text.delta" || part.type === "reasoning.delta" || part.type === "tool.delta"
    ? part.text.length
    : 0;
}

function joinedOf(first: StreamPart, second: StreamPart): StreamPart | undefined {
  if (first.type === "text.delta" && second.type === "text.delta") return { ...second, text: first.text + second.text };
  if (first.type === "usage.updated" && second.type === "usage.updated") return second;
  if (first.type === "tool.delta" && second.type === "tool.delta" && first.id === second.id) {
    return { ...second, text: first.text + second.text };
  }
  // A signature ends its thought: nothing may be added behind it.
  if (first.type === "reasoning.delta" && second.type === "reasoning.delta" && first.signature === undefined) {
    return { ...second, text: first.text + second.text };
  }
  return undefined;
}
