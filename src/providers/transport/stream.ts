import type { AtlasError } from "../../base/index.ts";
import type { StreamDecoder } from "./decoder.ts";
import { type AnswerReader, type Call, Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import type { Frame, FrameParser } from "./frames.ts";
import { createMeter, type Meter } from "./meter.ts";
import type { StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";
import { keepOpening, type Opening } from "./unstreamed.ts";
import { tailMs } from "./watch.ts";

export type { Call } from "./exchange.ts";
export { fetchJson } from "./fetch-json.ts";

/** Is a call whose answer is a stream of frames. */
export interface StreamingCall extends Call {
  readonly frames: FrameParser;
  readonly decoder: StreamDecoder;
}

/** How many frames in a row may be no frames of the protocol before the call fails. */
const maxMalformedRun = 3;
/** How many bytes may come ahead of the reader before the connection is not read from any more. */
const maxAheadBytes = 16 * 1024;

const tooMalformed: Fault = {
  code: "provider_malformed_response",
  message: `sent ${maxMalformedRun} events in a row that its protocol does not know`,
};

/**
 * Streams one call's answer as parts; the call is made when the first part is asked for. Leaving the iteration early
 * destroys the connection.
 *
 * Order: a part is there as soon as its bytes are, and while the reader does not ask for it the provider is read from no
 * further than 16 KiB and one read of the connection. What has come before a failure is given before the error, but for `cancelled`.
 * Errors: those of the providers table; `cancelled` when the signal aborts.
 */
export function streamCall(prepare: () => StreamingCall): AsyncIterableIterator<StreamPart, undefined> {
  return new PartStream(prepare);
}

type Result = IteratorResult<StreamPart, undefined>;

/** Is who waits for the next part. */
interface Waiter {
  readonly promise: Promise<Result>;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** Turns the bytes of an answer into parts and hands them out: no generator and no promise between a part and its reader. */
class PartStream implements AsyncIterableIterator<StreamPart, undefined>, AnswerReader {
  readonly readsJson = false;
  #prepare: (() => StreamingCall) | undefined;
  #call: StreamingCall | undefined;
  #exchange: Exchange | undefined;
  #meter: Meter | undefined;
  readonly #batch: Frame[] = [];
  /** Is kept until the first event of the protocol. */
  #opening: Opening | undefined = keepOpening();
  #parts: StreamPart[] = [];
  #next = 0;
  #aheadBytes = 0;
  #paused = false;
  #waiter: Waiter | undefined;
  #error: AtlasError | undefined;
  #over = false;
  #malformed = 0;
  #malformedRun = 0;

  constructor(prepare: () => StreamingCall) {
    this.#prepare = prepare;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#waiter !== undefined) return this.#waiter.promise.then(this.#again, this.#again);
    if (this.#prepare !== undefined) return this.#start(this.#prepare);
    let part = this.#take();
    if (part === undefined && this.#paused) {
      this.#paused = false;
      this.#exchange?.resume();
      part = this.#take();
    }
    if (part === undefined) return this.#wait();
    return Promise.resolve({ done: false, value: part });
  }

  return(): Promise<Result> {
    this.#leave();
    return Promise.resolve(ended);
  }

  throw(error: unknown): Promise<Result> {
    this.#leave();
    return Promise.reject(error);
  }

  data(chunk: Uint8Array): void {
    const call = this.#call;
    if (call === undefined) return;
    this.#opening?.add(chunk);
    const broken = call.frames.push(chunk, this.#batch);
    if (!this.#decode(call, broken)) return;
    if (call.decoder.state === "complete") this.#exchange?.deadlines.enterTail(tailMs);
    if (this.#parts.length === 0) return;
    this.#aheadBytes += chunk.byteLength;
    if (this.#aheadBytes <= maxAheadBytes || this.#paused) return;
    this.#paused = true;
    this.#exchange?.pause();
  }

  end(): void {
    const call = this.#call;
    if (call === undefined) return;
    const broken = call.frames.end(this.#batch);
    if (this.#decode(call, broken)) this.#finish(call);
  }

  failed(error: AtlasError): void {
    this.#over = true;
    if (error.code === "cancelled") this.#forget();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) this.#error = error;
    else waiter.reject(error);
  }

  partialUsage(): Usage | undefined {
    return this.#meter?.partial(this.#call?.decoder.usage);
  }

  readonly #again = (): Promise<Result> => this.next();

  #start(prepare: () => StreamingCall): Promise<Result> {
    this.#prepare = undefined;
    try {
      const call = prepare();
      this.#call = call;
      this.#meter = createMeter(call.request.body?.length ?? 0);
      this.#exchange = new Exchange(call, this);
    } catch (error) {
      this.#over = true;
      return Promise.reject(error);
    }
    const waiting = this.#wait();
    this.#exchange.start();
    return waiting;
  }

  /** Gives the next part that is there already. */
  #take(): StreamPart | undefined {
    const part = this.#parts[this.#next];
    if (part === undefined) return undefined;
    // Also when all has come, who has cancelled gets no more of it.
    if (this.#over && this.#call?.signal?.aborted === true) return this.#refuse();
    this.#next++;
    if (this.#next === this.#parts.length) this.#forget();
    return part;
  }

  #refuse(): undefined {
    this.#forget();
    this.#error = this.#exchange?.cancelled();
  }

  #wait(): Promise<Result> {
    if (this.#over) {
      const error = this.#error;
      this.#error = undefined;
      return error === undefined ? Promise.resolve(ended) : Promise.reject(error);
    }
    const waiter = Promise.withResolvers<Result>();
    this.#waiter = waiter;
    this.#exchange?.deadlines.run();
    return waiter.promise;
  }

  /** Reads the frames that came; false when the call is over. */
  #decode(call: StreamingCall, broken: Fault | undefined): boolean {
    const batch = this.#batch;
    const { decoder } = call;
    let fault: Fault | undefined;
    for (let at = 0; at < batch.length && fault === undefined && decoder.state !== "ended" && !this.#over; at++) {
      const frame = batch[at];
      if (frame !== undefined) fault = this.#read(decoder, frame);
    }
    batch.length = 0;
    if (this.#over) return false;
    fault ??= decoder.state === "ended" ? undefined : broken;
    if (fault !== undefined) this.#exchange?.fail(fault);
    else if (decoder.state === "ended") this.#finish(call);
    return !this.#over;
  }

  #read(decoder: StreamDecoder, frame: Frame): Fault | undefined {
    const outcome = decoder.push(frame, this.#emit);
    if (outcome !== "malformed") {
      this.#opening = undefined;
      this.#malformedRun = 0;
      return outcome;
    }
    this.#malformed++;
    this.#malformedRun++;
    return this.#malformedRun < maxMalformedRun ? undefined : (this.#opening?.fault() ?? tooMalformed);
  }

  #finish({ decoder }: StreamingCall): void {
    const fault = decoder.finish(this.#emit);
    if (fault !== undefined) return this.#exchange?.fail(this.#opening?.fault() ?? fault);
    this.#over = true;
    this.#exchange?.done();
    this.#settle(ended);
  }

  readonly #emit = (part: StreamPart): void => {
    switch (part.type) {
      case "text.delta":
      case "reasoning.delta":
      case "tool.delta":
        this.#meter?.add(part.text);
        break;
      case "response.started":
        return this.#give(this.#withLimits(part));
      case "usage.updated":
        return this.#give(part);
      case "response.finished":
        return this.#give(this.#completed(part));
      default:
    }
    this.#give(part);
    this.#exchange?.deadlines.progress();
  };

  #give(part: StreamPart): void {
    if (this.#waiter === undefined) this.#parts.push(part);
    else this.#settle({ done: false, value: part });
  }

  #settle(result: Result): void {
    const waiter = this.#waiter;
    if (waiter === undefined) return;
    this.#waiter = undefined;
    this.#exchange?.deadlines.stop();
    waiter.resolve(result);
  }

  #withLimits(part: Extract<StreamPart, { type: "response.started" }>): StreamPart {
    const rateLimits = this.#exchange?.rateLimits;
    return rateLimits === undefined ? part : { ...part, rateLimits };
  }

  #completed(part: Extract<StreamPart, { type: "response.finished" }>): StreamPart {
    const whole = this.#meter?.complete(part, this.#call?.decoder.usage) ?? part;
    if (this.#malformed === 0) return whole;
    return { ...whole, metadata: { ...whole.metadata, malformedEvents: this.#malformed } };
  }

  #forget(): void {
    if (this.#parts.length > 0) this.#parts = [];
    this.#next = 0;
    this.#aheadBytes = 0;
  }

  #leave(): void {
    this.#prepare = undefined;
    this.#over = true;
    this.#error = undefined;
    this.#forget();
    this.#exchange?.close();
    this.#settle(ended);
  }
}

const ended: Result = { done: true, value: undefined };
