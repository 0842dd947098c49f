import type { AtlasError, Clock } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import { cancelledError } from "../transport/fault.ts";
import { collect, type Generation } from "../generate.ts";
import type { Model, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import { Recorder, type StreamMetrics } from "./metrics.ts";
import { type BufferOptions, PartBuffer } from "./part-buffer.ts";
import { StateTeller } from "./state-teller.ts";
import { isOver, type StreamEvent, type StreamState, transitions } from "./state.ts";
import { startTransforms, type StreamTransform, type TransformChain } from "./transform.ts";
import { partialUsageOf } from "../usage.ts";
import { Upstream } from "./upstream.ts";

type Read = IteratorResult<StreamPart, undefined>;
type Waiter<T> = { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void };

/** Holds what `openStream` has made of its options. */
export interface LiveStreamOptions {
  readonly streamOptions: StreamOptions;
  readonly bounds: BufferOptions;
  readonly transforms: readonly StreamTransform[];
  readonly maxPauseMs: number;
  readonly onPauseTooLong: "cancel" | "resume";
  readonly clock: Clock;
}

const end: Read = { done: true, value: undefined };

/** Runs the life of one stream: reads the model, holds what came, hands it out. It is the StreamControl that `openStream` gives. */
export class LiveStream {
  readonly pauseEffect: "delivery" | "generation";
  readonly #model: Model;
  readonly #options: LiveStreamOptions;
  readonly #buffer: PartBuffer;
  readonly #recorder: Recorder;
  readonly #upstream: Upstream;
  readonly #teller: StateTeller;
  #chain: TransformChain | undefined;
  #collector: ReturnType<typeof collect>;
  #state: StreamState = "idle";
  /** How the model's answer ended, while the reader has not come that far. */
  #outcome: { readonly error?: unknown } | undefined;
  #error: unknown;
  #errorTold = false;
  #reader: "none" | "iterator" | "result" = "none";
  #waiter: Waiter<Read> | undefined;
  #results: Waiter<Generation>[] = [];
  #pauseTimer: AbortController | undefined;
  #listening = false;

  constructor(model: Model, request: ModelRequest, options: LiveStreamOptions) {
    this.#model = model;
    this.#options = options;
    this.pauseEffect = model.capabilities.pauseEffect;
    this.#buffer = new PartBuffer(options.bounds);
    this.#recorder = new Recorder(options.clock, request);
    this.#teller = new StateTeller(() => this.state);
    this.#collector = collect(model);
    this.#upstream = new Upstream({
      open: (signal) => this.#call(request, signal)[Symbol.asyncIterator](),
      read: this.#read,
      failed: this.#upstreamFailed,
      wanted: this.#wanted,
    });
  }

  get state(): StreamState {
    this.#heedSignal();
    return this.#state;
  }

  get buffered(): readonly StreamPart[] {
    return this.#buffer.snapshot();
  }

  get metrics(): StreamMetrics {
    return {
      ...this.#recorder.snapshot(this.#upstream.finished),
      ...this.#buffer.counts,
      state: this.state,
      upstream: this.#upstream.status,
      bufferedParts: this.#buffer.size,
      bufferedChars: this.#buffer.chars,
    };
  }

  pause(): boolean {
    this.#heedSignal();
    if (!this.#move("pause")) return false;
    this.#listen();
    this.#recorder.paused();
    this.#timePause();
    this.#teller.tell(this.#state);
    return true;
  }

  resume(): boolean {
    this.#heedSignal();
    if (!this.#move("resume")) return false;
    this.#pauseTimer?.abort();
    this.#recorder.resumed();
    this.#open();
    this.#teller.tell(this.#state);
    this.#deliver();
    this.#pull();
    return true;
  }

  cancel(reason?: unknown): boolean {
    this.#heedSignal();
    return this.#cancel(reason);
  }

  result(): Promise<Generation> {
    this.#heedSignal();
    if (this.#reader === "none" && !isOver(this.#state)) {
      this.#reader = "result";
      this.#buffer.clear();
      this.#start();
    }
    const settled = new Promise<Generation>((resolve, reject) => void this.#results.push({ resolve, reject }));
    if (isOver(this.#state)) this.#settleResults();
    else this.#deliver();
    return settled;
  }

  onState(listener: (state: StreamState) => void): () => void {
    this.#listen();
    return this.#teller.add(listener);
  }

  states(): AsyncIterable<StreamState> {
    this.#listen();
    return this.#teller.states();
  }

  [Symbol.asyncIterator](): AsyncIterator<StreamPart, undefined, undefined> {
    // `result()` may be asked for first, to be awaited after the loop: nothing has come yet, so nothing is lost.
    if (this.#reader === "iterator" || (this.#reader === "result" && this.#recorder.anyPart)) throw this.#hasReader();
    this.#reader = "iterator";
    return {
      next: () => this.#next(),
      return: () => {
        this.#cancel(undefined);
        this.#errorTold = true;
        return Promise.resolve(end);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    await this.#upstream.settled(this.#options.clock);
  }

  #call(request: ModelRequest, signal: AbortSignal): AsyncIterable<StreamPart> {
    return this.#model.stream(request, { ...this.#options.streamOptions, signal, pausing: this.#teller.pausing });
  }

  #next(): Promise<Read> {
    if (this.#waiter !== undefined) return Promise.reject(this.#hasReader());
    if (this.#state === "idle") this.#start();
    if (this.#state === "streaming") {
      const part = this.#buffer.shift();
      if (part !== undefined) {
        const read = this.#hand(part);
        this.#pull();
        return Promise.resolve(read);
      }
      if (this.#outcome !== undefined) this.#conclude(this.#outcome);
    }
    if (isOver(this.#state)) {
      if (this.#error === undefined || this.#errorTold) return Promise.resolve(end);
      this.#errorTold = true;
      return Promise.reject(this.#error);
    }
    const waiting = new Promise<Read>(this.#wait);
    this.#pull();
    return waiting;
  }

  readonly #wait = (resolve: (read: Read) => void, reject: (error: unknown) => void): void => {
    this.#waiter = { resolve, reject };
  };

  #start(): void {
    this.#heedSignal();
    if (!this.#move("start")) return;
    this.#listen();
    this.#open();
    this.#teller.tell(this.#state);
    this.#pull();
  }

  #open(): void {
    if (this.#upstream.status !== "unopened") return;
    this.#recorder.started();
    const { transforms } = this.#options;
    try {
      if (transforms.length > 0) this.#chain = startTransforms(transforms, this.#accept);
    } catch (error) {
      return this.#breakOff(error);
    }
    this.#upstream.open();
  }

  /** Reads on where that is wanted. */
  #pull(): void {
    if (this.#upstream.reading || this.#upstream.status !== "open" || !this.#wanted()) return;
    this.#recorder.reading();
    this.#upstream.pull();
  }

  /** Tells whether there is room, or somebody waits; after the last part once more, so that the model can end by itself. */
  readonly #wanted = (): boolean => {
    if (this.#upstream.finished) return true;
    if (this.#state !== "streaming" || this.#outcome !== undefined) return false;
    return this.#waiter !== undefined || this.#reader === "result" || !this.#buffer.full;
  };

  readonly #read = (part: StreamPart | undefined): void => {
    if (part === undefined) return this.#upstreamEnded();
    if (isOver(this.#state)) return;
    this.#recorder.read(part);
    if (part.type === "response.restarted") this.#buffer.voidParts();
    try {
      if (this.#chain === undefined) this.#accept(part);
      else this.#chain.push(part);
    } catch (error) {
      return this.#breakOff(error);
    }
    if (this.#reader === "result") this.#deliver();
  };

  readonly #accept = (part: StreamPart): void => {
    // A transform may have cancelled the stream itself.
    if (isOver(this.#state)) return;
    if (part.type === "response.restarted") this.#collector = collect(this.#model);
    this.#collector.push(part);
    if (this.#reader === "result") return;
    const waiter = this.#waiter;
    if (waiter !== undefined && this.#state === "streaming" && this.#buffer.size === 0) {
      this.#waiter = undefined;
      waiter.resolve(this.#hand(part));
    } else if (!this.#buffer.push(part)) throw this.#bufferFull();
  };

  /** Counts a part as delivered; the last one ends the stream. */
  #hand(part: StreamPart): Read {
    this.#recorder.deliveredParts++;
    if (part.type === "response.finished") this.#conclude({});
    return { done: false, value: part };
  }

  /** Gives whoever waits what there is. */
  #deliver(): void {
    if (this.#state !== "streaming") return;
    const outcome = this.#outcome ?? (this.#collector.result === undefined ? undefined : {});
    if (this.#reader === "result") {
      if (outcome !== undefined) this.#conclude(outcome);
      return;
    }
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    const part = this.#buffer.shift();
    if (part !== undefined) {
      this.#waiter = undefined;
      waiter.resolve(this.#hand(part));
    } else if (this.#outcome !== undefined) this.#conclude(this.#outcome);
  }

  #upstreamEnded(): void {
    if (isOver(this.#state) || this.#outcome !== undefined) return;
    if (this.#upstream.finished) this.#outcome = {};
    else this.#upstreamFailed(this.#interrupted());
    this.#deliver();
  }

  readonly #upstreamFailed = (error: unknown): void => {
    if (isOver(this.#state)) {
      // What a model says of its usage as it is closed is more than was known when its reader was told.
      const usage = partialUsageOf(error);
      if (usage !== undefined) this.#recorder.corrected(usage);
      return;
    }
    if (this.#outcome !== undefined) return;
    this.#outcome = { error };
    try {
      this.#chain?.end();
    } catch (failure) {
      this.#outcome = { error: failure };
    }
    this.#deliver();
  };

  /** Fails the stream from this side: a transform threw, or the buffer is full. */
  #breakOff(error: unknown): void {
    this.#outcome = { error };
    this.#upstream.close(error);
    this.#deliver();
  }

  #move(event: StreamEvent): boolean {
    const next = transitions[this.#state][event];
    if (next === this.#state) return false;
    this.#state = next;
    return true;
  }

  /** Ends the stream as the model has ended its answer. */
  #conclude(outcome: { readonly error?: unknown }): void {
    const failed = outcome.error !== undefined;
    if (!this.#move(failed ? "fail" : "finish")) return;
    if (failed) this.#error = outcome.error;
    this.#release();
  }

  #cancel(reason: unknown): boolean {
    const { status, finished } = this.#upstream;
    const phase = this.#recorder.anyPart ? "stream" : status === "unopened" ? "connect" : "headers";
    if (!this.#move("cancel")) return false;
    const { provider, name: model } = this.#model;
    const partialUsage = phase === "connect" ? undefined : this.#recorder.usage(finished);
    this.#error = cancelledError({ provider, model, secrets: [] }, reason, { phase, partialUsage });
    this.#buffer.clear();
    this.#upstream.close(reason);
    this.#release();
    return true;
  }

  /** Gives back all that a stream holds, and tells everybody that it is over. */
  #release(): void {
    this.#recorder.ended();
    this.#pauseTimer?.abort();
    this.#options.streamOptions.signal?.removeEventListener("abort", this.#aborted);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) {
      this.#errorTold = true;
      if (this.#error === undefined) waiter.resolve(end);
      else waiter.reject(this.#error);
    }
    this.#settleResults();
    this.#teller.tell(this.#state);
  }

  #settleResults(): void {
    const { result } = this.#collector;
    for (const { resolve, reject } of this.#results) {
      if (this.#state === "done" && result !== undefined) resolve(result);
      else reject(this.#error ?? this.#interrupted());
    }
    this.#results = [];
  }

  readonly #aborted = (): void => void this.#cancel(this.#options.streamOptions.signal?.reason);

  /** Looks at the signal where nothing listens yet: a stream that is never used must leave nothing on it. */
  #heedSignal(): void {
    if (this.#options.streamOptions.signal?.aborted === true) this.#aborted();
  }

  #listen(): void {
    if (this.#listening || isOver(this.#state)) return;
    this.#listening = true;
    this.#options.streamOptions.signal?.addEventListener("abort", this.#aborted, { once: true });
  }

  #timePause(): void {
    const { clock, maxPauseMs } = this.#options;
    if (!Number.isFinite(maxPauseMs)) return;
    const timer = new AbortController();
    this.#pauseTimer = timer;
    const ring = (): void => {
      if (!timer.signal.aborted) this.#pausedTooLong();
    };
    clock.sleep(maxPauseMs, { signal: timer.signal, keepAlive: false }).then(ring, () => {});
  }

  #pausedTooLong(): void {
    const { maxPauseMs, onPauseTooLong } = this.#options;
    if (onPauseTooLong === "resume") return void this.resume();
    const message = `The stream of ${this.#name} was paused for longer than ${maxPauseMs} ms (maxPauseMs).`;
    this.#cancel(providerErrors.create("stream_pause_too_long", message, { details: { maxPauseMs } }));
  }

  get #name(): string {
    return `${this.#model.provider}/${this.#model.name}`;
  }

  #interrupted(): AtlasError {
    const { provider, name: model } = this.#model;
    const partialUsage = this.#recorder.usage(false);
    return providerErrors.create("stream_interrupted", `${this.#name} ended its answer without finishing it.`, {
      details: { provider, model, phase: "stream", partialUsage },
    });
  }

  #bufferFull(): AtlasError {
    const { maxParts, maxChars } = this.#buffer;
    const message = `The buffer of the stream of ${this.#name} is full (maxParts ${maxParts}, maxChars ${maxChars}).`;
    return providerErrors.create("stream_buffer_full", message, { details: { maxParts, maxChars } });
  }

  #hasReader(): AtlasError {
    return providerErrors.create("stream_has_reader", `The stream of ${this.#name} is already being read.`);
  }
}
