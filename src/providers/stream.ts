import type { AtlasError, Clock, JsonValue } from "../base/index.ts";
import type { StreamDecoder } from "./decoder.ts";
import { type CallContext, type CallPhase, cancelledError, type Fault, faultError, type FaultMoment } from "./fault.ts";
import { faultOfBody, faultOfResponse, faultOfTransport } from "./fault-of.ts";
import type { Frame, FrameParser } from "./frames.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "./http.ts";
import type { StreamPart } from "./model.ts";
import type { Usage } from "./usage.ts";
import { createMeter } from "./meter.ts";
import { createWatch, type Timeouts, type Watch } from "./watch.ts";

/** Is what one call over HTTP needs. */
export interface Call {
  readonly http: HttpClient;
  readonly request: Omit<HttpRequest, "signal">;
  readonly context: CallContext;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** Is a call whose answer is a stream of frames. */
export interface StreamingCall extends Call {
  readonly frames: FrameParser;
  readonly decoder: StreamDecoder;
}

/** How many frames in a row may be no frames of the protocol before the call fails. */
const maxMalformedRun = 3;
const maxErrorBytes = 64 * 1024;
const maxJsonBytes = 16 * 1024 * 1024;

const tooMalformed: Fault = {
  code: "provider_malformed_response",
  message: `sent ${maxMalformedRun} events in a row that its protocol does not know`,
};
const noStream: Fault = { code: "provider_malformed_response", message: "answered with a page instead of a stream" };

/**
 * Streams one call's answer as parts; the call is made when the first part is asked for. Leaving the iteration early
 * destroys the connection.
 *
 * Errors: those of the providers table; `cancelled` when the signal aborts.
 */
export async function* streamCall(prepare: () => StreamingCall): AsyncGenerator<StreamPart, void, undefined> {
  const call = prepare();
  const { decoder, frames } = call;
  using watch = createWatch(call.timeouts, call.clock, call.signal);
  const meter = createMeter(call.request.body?.length ?? 0);
  const guard = createGuard(call, watch, () => meter.partial(decoder.usage));
  using response = closing(await guard.wait("headers", call.http.send({ ...call.request, signal: watch.signal })));
  await refuse(call, response, guard);
  if (isPage(response)) throw guard.error(await readInstead(response, guard));

  const parts: StreamPart[] = [];
  const emit = (part: StreamPart): void => void parts.push(meter.count(part, decoder.usage));
  const body = response.body[Symbol.asyncIterator]();
  let malformed = 0;
  let malformedRun = 0;
  const decode = (batch: readonly Frame[]): Fault | undefined => {
    for (const frame of batch) {
      const outcome = decoder.push(frame, emit);
      if (outcome === "malformed") {
        malformed++;
        if (++malformedRun >= maxMalformedRun) return tooMalformed;
        continue;
      }
      malformedRun = 0;
      if (outcome !== undefined) return outcome;
      if (decoder.state === "ended") return undefined;
    }
    return undefined;
  };

  while (true) {
    const read = await guard.next(body);
    const batch: Frame[] = [];
    const broken = read.done === true ? frames.end(batch) : frames.push(read.value, batch);
    let fault = decode(batch) ?? broken;
    const over = read.done === true || decoder.state === "ended";
    if (over && fault === undefined) fault = decoder.finish(emit);
    if (parts.length > 0) {
      watch.progress();
      watch.pause();
      for (const part of parts) {
        yield malformed > 0 && part.type === "response.finished" ? withMalformed(part, malformed) : part;
        guard.check();
      }
      parts.length = 0;
      watch.resume();
    }
    if (fault !== undefined) throw guard.error(fault);
    if (over) {
      if (read.done !== true) response.drain();
      return;
    }
    if (decoder.state === "complete") watch.enterTail();
  }
}

/** Calls for one JSON value. Errors: as `streamCall`. */
export async function fetchJson(call: Call): Promise<JsonValue> {
  using watch = createWatch(call.timeouts, call.clock, call.signal);
  const guard = createGuard(call, watch, () => undefined);
  using response = closing(await guard.wait("headers", call.http.send({ ...call.request, signal: watch.signal })));
  await refuse(call, response, guard);
  const value = parse(await readBounded(response, guard, maxJsonBytes));
  if (value !== undefined) return value;
  throw guard.error({ code: "provider_malformed_response", message: "answered with something that is not JSON" });
}

/** Turns whatever goes wrong while waiting into the error of the call. */
interface Guard {
  wait<T>(phase: CallPhase, work: Promise<T>): Promise<T>;
  /** Reads on; an answer whose tail never came is at its end. */
  next(body: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array, unknown>>;
  /** Throws if the caller has cancelled. */
  check(): void;
  error(fault: Fault): AtlasError;
}

function createGuard(call: Call, watch: Watch, partial: () => Usage | undefined): Guard {
  let phase: CallPhase = "headers";
  const moment = (): FaultMoment => ({ phase, partialUsage: phase === "stream" ? partial() : undefined });
  const error = (fault: Fault): AtlasError => faultError(fault, call.context, moment());
  const translate = (cause: unknown): AtlasError => {
    if (call.signal?.aborted === true) {
      return cancelledError(call.context, call.signal.reason, moment());
    }
    if (watch.expired === undefined) return error(faultOfTransport(cause, phase));
    const limit = watch.expired === "tail" ? "idleMs" : watch.expired;
    return error({
      code: "provider_timeout",
      message: `was silent for longer than ${call.timeouts[limit]} ms (${limit})`,
      causeCode: limit,
    });
  };
  return {
    error,
    check() {
      if (call.signal?.aborted === true) throw translate(undefined);
    },
    async wait(name, work) {
      phase = name;
      try {
        const value = await work;
        if (name === "headers") phase = "stream";
        return value;
      } catch (cause) {
        throw translate(cause);
      }
    },
    async next(body) {
      try {
        return await body.next();
      } catch (cause) {
        if (watch.expired === "tail" && call.signal?.aborted !== true) return { done: true, value: undefined };
        throw translate(cause);
      }
    },
  };
}

async function refuse(call: Call, response: HttpResponse, guard: Guard): Promise<void> {
  if (response.status >= 200 && response.status < 300) return;
  const body = parse(await readBounded(response, guard, maxErrorBytes));
  const fault = faultOfResponse(response, body, call.clock.now());
  throw faultError(fault, call.context, { phase: "headers" });
}

/** Reads an answer of the wrong kind: some servers send an error as plain JSON with status 200. */
async function readInstead(response: HttpResponse, guard: Guard): Promise<Fault> {
  const body = parse(await readBounded(response, guard, maxErrorBytes));
  const failed = typeof body === "object" && body !== null && "error" in body;
  return failed ? faultOfBody(body) : noStream;
}

function isPage(response: HttpResponse): boolean {
  return /^(text\/html|application\/json)\b/.test(response.header("content-type") ?? "");
}

async function readBounded(response: HttpResponse, guard: Guard, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body = response.body[Symbol.asyncIterator]();
  for (let read = await guard.next(body); read.done !== true; read = await guard.next(body)) {
    chunks.push(read.value);
    size += read.value.byteLength;
    if (size > maxBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxBytes).toString("utf8");
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function withMalformed(part: Extract<StreamPart, { type: "response.finished" }>, malformedEvents: number): StreamPart {
  return { ...part, metadata: { ...part.metadata, malformedEvents } };
}

function closing(response: HttpResponse): HttpResponse & Disposable {
  let drained = false;
  return {
    status: response.status,
    header: (name) => response.header(name),
    body: response.body,
    close: () => response.close(),
    drain() {
      drained = true;
      response.drain();
    },
    [Symbol.dispose]() {
      if (!drained) response.close();
    },
  };
}
