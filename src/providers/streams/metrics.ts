import type { Clock } from "../../base/index.ts";
import { quartersOf } from "../money/tokens.ts";
import type { ModelRequest, StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { createGapSketch } from "./gap-sketch.ts";
import { type BufferCounts, charsOf } from "./part-buffer.ts";
import type { StreamState } from "./state.ts";

/**
 * Tells how a stream goes or went. Units: milliseconds; `startedAt` and `endedAt` since the Unix epoch; text in UTF-16 code
 * units. `firstPartMs` and `firstTextMs` count from the start and leave pauses out; a gap is the time that one read of the model took.
 */
export type StreamMetrics = BufferCounts & {
  readonly state: StreamState;
  /** Whether the model is still being read. */
  readonly upstream: "unopened" | "open" | "closed";
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly durationMs: number | null;
  readonly firstPartMs: number | null;
  readonly firstTextMs: number | null;
  /** Output tokens a second, from the first content to the last; null until two parts with content have come. */
  readonly tokensPerSecond: number | null;
  readonly maxGapMs: number;
  readonly p95GapMs: number;
  /** Parts and text as the model sent them, and parts that the reader got. */
  readonly parts: number;
  readonly chars: number;
  readonly deliveredParts: number;
  readonly bufferedParts: number;
  readonly bufferedChars: number;
  readonly pauses: number;
  readonly pausedMs: number;
  readonly malformedEvents: number;
  readonly usage: Usage;
};

/** Is about the length of a token of a request, most of which is JSON in Latin letters. */
const charsPerToken = 4;

/** Records what passes. Cost: one look at the clock for each part. */
export class Recorder {
  deliveredParts = 0;
  readonly #clock: Clock;
  readonly #request: ModelRequest;
  readonly #gaps = createGapSketch();
  #startedAt: number | null = null;
  #endedAt: number | null = null;
  #start = 0;
  #end = 0;
  #readAt = 0;
  #first: number | undefined;
  #firstText: number | undefined;
  #firstContent = 0;
  #lastContent = 0;
  #deltas = 0;
  #parts = 0;
  #chars = 0;
  #quarters = 0;
  #pauses = 0;
  #pausedMs = 0;
  #pausedBeforeStart = 0;
  #pausedBeforeContent = 0;
  #pausedAt: number | undefined;
  #malformedEvents = 0;
  #usage: Usage | undefined;

  constructor(clock: Clock, request: ModelRequest) {
    this.#clock = clock;
    this.#request = request;
  }

  get anyPart(): boolean {
    return this.#parts > 0;
  }

  started(): void {
    this.#startedAt = this.#clock.now();
    this.#start = this.#clock.monotonic();
    this.#pausedBeforeStart = this.#pausedMs;
  }

  /** Says that a read of the model begins after there was none for a while. */
  reading(): void {
    this.#readAt = this.#clock.monotonic();
  }

  read(part: StreamPart): void {
    const now = this.#clock.monotonic();
    if (this.#parts++ === 0) this.#first = this.#sinceStart(now);
    else this.#gaps.add(now - this.#readAt);
    this.#readAt = now;
    const chars = charsOf(part);
    if (chars > 0) this.#content(part, chars, now);
    else if (part.type === "usage.updated") this.#usage = part.usage;
    else if (part.type === "response.finished") {
      this.#usage = part.usage;
      const { malformedEvents } = part.metadata;
      if (typeof malformedEvents === "number") this.#malformedEvents = malformedEvents;
    }
  }

  paused(): void {
    this.#pauses++;
    this.#pausedAt = this.#clock.monotonic();
  }

  /** Ends a pause and gives how long it was. */
  resumed(): number {
    const ms = this.#pausedAt === undefined ? 0 : this.#clock.monotonic() - this.#pausedAt;
    this.#pausedAt = undefined;
    this.#pausedMs += ms;
    return ms;
  }

  ended(): void {
    this.resumed();
    this.#endedAt = this.#clock.now();
    this.#end = this.#clock.monotonic();
  }

  /** Takes what a model said of its usage as it was closed. */
  corrected(usage: Usage): void {
    this.#usage = usage;
  }

  /** Gives the tokens so far: the provider's word with the estimate where that is higher, or the estimate alone. */
  usage(finished: boolean): Usage {
    const reported = this.#usage;
    if (reported !== undefined && finished) return reported;
    const outputTokens = Math.max(this.#deltas, Math.ceil(this.#quarters / 4));
    if (reported !== undefined) {
      return { ...reported, outputTokens: Math.max(outputTokens, reported.outputTokens), provenance: "partial" };
    }
    const sent = this.#startedAt === null ? 0 : JSON.stringify(this.#request.messages).length;
    return { inputTokens: Math.ceil(sent / charsPerToken), outputTokens, provenance: "estimated" };
  }

  snapshot(finished: boolean): Omit<StreamMetrics, keyof BufferCounts | "state" | "upstream" | `buffered${string}`> {
    const now = this.#clock.monotonic();
    const usage = this.usage(finished);
    const contentMs = this.#lastContent - this.#firstContent - (this.#pausedMs - this.#pausedBeforeContent);
    const end = this.#endedAt === null ? now : this.#end;
    return {
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
      durationMs: this.#startedAt === null ? null : end - this.#start,
      firstPartMs: this.#first ?? null,
      firstTextMs: this.#firstText ?? null,
      tokensPerSecond: this.#deltas > 1 && contentMs > 0 ? (usage.outputTokens * 1000) / contentMs : null,
      maxGapMs: this.#gaps.maxMs,
      p95GapMs: this.#gaps.quantile(0.95),
      parts: this.#parts,
      chars: this.#chars,
      deliveredParts: this.deliveredParts,
      pauses: this.#pauses,
      pausedMs: this.#pausedMs + this.#pausedSoFar(now),
      malformedEvents: this.#malformedEvents,
      usage,
    };
  }

  #content(part: StreamPart, chars: number, now: number): void {
    this.#chars += chars;
    if ("text" in part) this.#quarters += quartersOf(part.text);
    if (this.#deltas++ === 0) {
      this.#firstContent = now;
      this.#pausedBeforeContent = this.#pausedMs;
    }
    this.#lastContent = now;
    if (part.type === "text.delta") this.#firstText ??= this.#sinceStart(now);
  }

  /** Gives the time since the start without the pauses. */
  #sinceStart(now: number): number {
    return now - this.#start - (this.#pausedMs - this.#pausedBeforeStart) - this.#pausedSoFar(now);
  }

  #pausedSoFar(now: number): number {
    return this.#pausedAt === undefined ? 0 : now - this.#pausedAt;
  }
}
