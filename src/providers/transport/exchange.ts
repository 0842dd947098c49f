import type { AtlasError, Clock } from "../../base/index.ts";
import { createDeadlines, type Deadlines, type Expiry, type Timeouts } from "./deadlines.ts";
import { type CallContext, type CallPhase, cancelledError, type Fault, faultError, type FaultMoment } from "./fault.ts";
import { faultOfResponse, faultOfTransport, type HeaderReader, readRequestId } from "./fault-of.ts";
import { type HttpClient, type HttpExchange, type HttpReceiver, type HttpRequest, RequestNotTaken } from "./http.ts";
import type { RateLimitReport } from "../model.ts";
import { readRateLimits } from "./rate-limit-headers.ts";
import type { Usage } from "../usage.ts";
import { readJson } from "./read-json.ts";
import { failureIn, notWhatIsDue } from "./unstreamed.ts";

/** Is what one call over HTTP needs. */
export interface Call {
  readonly http: HttpClient;
  readonly request: HttpRequest;
  readonly context: CallContext;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the answer of a call that the provider did not refuse. Order: `data`, then `end` or `failed` once; `failed` may come at any time. */
export interface AnswerReader {
  /** Says whether a whole JSON value is what it reads: else one is an error that some servers send with status 200. */
  readonly readsJson: boolean;
  data(chunk: Uint8Array): void;
  /** The body has ended, or what may follow a whole answer did not come in time. */
  end(): void;
  failed(error: AtlasError): void;
  /** Says what the answer has cost so far. */
  partialUsage(): Usage | undefined;
}

const maxRefusalBytes = 64 * 1024;
/** How long the body of a refusal may take once its headers have said what it is. */
const refusalMs = 1_000;

/** Makes one call over HTTP: its time limits, its cancellation and its errors. The answer is another's to read. */
export class Exchange implements HttpReceiver {
  readonly deadlines: Deadlines;
  rateLimits: RateLimitReport | undefined;
  readonly #call: Call;
  readonly #reader: AnswerReader;
  #http: HttpExchange | undefined;
  #phase: CallPhase = "connect";
  #requestId: string | undefined;
  #refusal: Refusal | undefined;
  #over = false;

  constructor(call: Call, reader: AnswerReader) {
    this.#call = call;
    this.#reader = reader;
    this.deadlines = createDeadlines(call.timeouts, call.clock, (bound) => this.#expire(bound));
  }

  /** Sends the request. The clocks run from here on. */
  start(): void {
    const { http, request, signal } = this.#call;
    if (signal?.aborted === true) return this.#cancel();
    signal?.addEventListener("abort", this.#cancel, { once: true });
    this.deadlines.run();
    this.#http = http.send(request, this);
  }

  pause(): void {
    this.#http?.pause();
  }

  resume(): void {
    this.#http?.resume();
  }

  /** Ends the call as failed. */
  fail(fault: Fault): void {
    this.#finish(this.error(fault));
  }

  /** Ends the call as answered, although the body may not have ended. */
  done(): void {
    if (this.#over) return;
    this.#release();
    this.#http?.drain();
  }

  /** Leaves the call: nothing is told any more. */
  close(): void {
    if (this.#over) return;
    this.#release();
    this.#http?.close();
  }

  error(fault: Fault): AtlasError {
    const { requestId = this.#requestId } = fault;
    return faultError(requestId === undefined ? fault : { ...fault, requestId }, this.#call.context, this.#moment());
  }

  /** Makes the error of a caller that has cancelled. */
  cancelled(): AtlasError {
    return cancelledError(this.#call.context, this.#call.signal?.reason, this.#moment());
  }

  sent(): void {
    this.#phase = "headers";
  }

  head(status: number, header: HeaderReader): void {
    this.#requestId = readRequestId(header);
    this.rateLimits = readRateLimits(header, this.#call.clock.now());
    const refused = status < 200 || status >= 300;
    if (!refused) this.#phase = "stream";
    if (!refused && (this.#reader.readsJson || !isPage(header))) return;
    this.#refusal = { status: refused ? status : undefined, header, chunks: [], size: 0 };
    this.deadlines.enterTail(refusalMs);
  }

  data(chunk: Uint8Array): void {
    const refusal = this.#refusal;
    if (refusal === undefined) return this.#reader.data(chunk);
    // The client may use a chunk's memory again.
    refusal.chunks.push(Buffer.from(chunk));
    refusal.size += chunk.byteLength;
    if (refusal.size > maxRefusalBytes) this.#refuse(refusal);
  }

  end(): void {
    if (this.#refusal !== undefined) this.#refuse(this.#refusal);
    else this.#reader.end();
  }

  failed(cause: unknown): void {
    if (this.#refusal !== undefined) return this.#refuse(this.#refusal);
    const notTaken = cause instanceof RequestNotTaken;
    if (notTaken) this.#phase = "connect";
    this.fail(faultOfTransport(notTaken ? cause.cause : cause, this.#phase));
  }

  #refuse({ status, header, chunks }: Refusal): void {
    const text = Buffer.concat(chunks).subarray(0, maxRefusalBytes).toString("utf8");
    const body = readJson(text);
    const { rateLimits } = this;
    const known = rateLimits === undefined ? {} : { rateLimits };
    if (status !== undefined) {
      this.fail({ ...faultOfResponse({ status, header }, body, this.#call.clock.now()), ...known });
    } else {
      const failure = failureIn(body);
      this.fail(failure === undefined ? notWhatIsDue(text, "a stream") : { ...failure, ...known });
    }
  }

  #expire(bound: Expiry): void {
    if (bound === "tail") return this.end();
    const limit = `${this.#call.timeouts[bound]} ms (${bound})`;
    this.fail({ code: "provider_timeout", message: `was silent for longer than ${limit}`, causeCode: bound });
  }

  readonly #cancel = (): void => this.#finish(this.cancelled());

  #finish(error: AtlasError): void {
    if (this.#over) return;
    this.close();
    this.#reader.failed(error);
  }

  #release(): void {
    this.#over = true;
    this.#call.signal?.removeEventListener("abort", this.#cancel);
    this.deadlines[Symbol.dispose]();
  }

  #moment(): FaultMoment {
    const partialUsage = this.#phase === "stream" ? this.#reader.partialUsage() : undefined;
    return { phase: this.#phase, partialUsage };
  }
}

/** Is an answer that is no answer: a refusal with its status, or a page where a stream should be. */
interface Refusal {
  readonly status: number | undefined;
  readonly header: HeaderReader;
  readonly chunks: Uint8Array[];
  size: number;
}

function isPage(header: HeaderReader): boolean {
  return /^(text\/html|application\/json)\b/.test(header("content-type") ?? "");
}
