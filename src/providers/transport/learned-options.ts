import { isJsonObject } from "../../base/index.ts";
import type { HeaderReader } from "./fault-of.ts";
import type { HttpClient, HttpExchange, HttpReceiver, HttpRequest } from "./http.ts";
import type { ModelRequest } from "../model.ts";
import { readJson } from "./read-json.ts";

/** Names the options that a call can do without, and the words with which a server says that it does not know them. */
const options = {
  stream_options: /stream_options|include_usage/,
  temperature:
    /temperature.{0,80}(?:deprecated|n[o']t support|unsupported|not permitted)|unsupported.{0,80}temperature/i,
} as const;

/** Is the name of an option that a server may refuse. */
export type LearnedOption = keyof typeof options;

const names: readonly LearnedOption[] = ["stream_options", "temperature"];

/** Is a client for an endpoint whose models may refuse some options, and what has been learned of them. */
export interface LearnedOptions {
  readonly http: HttpClient;
  /** Tells whether a model may be sent an option: it has not refused it yet. */
  allows(model: string, option: LearnedOption): boolean;
}

/**
 * Makes a client that learns which models take no `stream_options` or no `temperature`. A request that is refused with words that
 * say so is sent once more without; if that is not refused, the model is not sent the option again.
 *
 * Cost: a refused request is read (64 KB at most) and written again, once for each model and option.
 */
export function learnOptions(http: HttpClient): LearnedOptions {
  const refused: Readonly<Record<LearnedOption, Set<string>>> = { stream_options: new Set(), temperature: new Set() };
  const learn = (model: string, option: LearnedOption): unknown => refused[option].add(model);
  return {
    allows: (model, option) => !refused[option].has(model),
    http: {
      send: (request, receiver) =>
        names.some((name) => request.body?.includes(`"${name}"`) === true)
          ? attempt(http, request, { receiver, learn })
          : http.send(request, receiver),
      [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
    },
  };
}

/** Gives the request that a model is sent which takes no temperature. */
export function withoutTemperature(request: ModelRequest): ModelRequest {
  const { temperature: _, ...rest } = request;
  return rest;
}

/** Is a refusal that is held back until it is known what it is about. */
interface Held {
  readonly status: number;
  readonly header: HeaderReader;
  readonly chunks: Uint8Array[];
  sizeBytes: number;
}

const maxBytes = 64 * 1024;
/** How long a refusal is held back at most: one whose body does not end is told by its status. */
const maxHeldMs = 1_000;

interface Learning {
  readonly receiver: HttpReceiver;
  readonly learn: (model: string, option: LearnedOption) => void;
}

function attempt(http: HttpClient, request: HttpRequest, { receiver, learn }: Learning): HttpExchange {
  let held: Held | undefined;
  let timer: NodeJS.Timeout | undefined;
  const release = (): void => {
    clearTimeout(timer);
    if (held === undefined) return;
    receiver.head(held.status, held.header);
    for (const chunk of held.chunks) receiver.data(chunk);
    held = undefined;
  };
  let exchange = http.send(request, {
    sent: () => receiver.sent(),
    head(status, header) {
      if (status !== 400 && status !== 422) return receiver.head(status, header);
      held = { status, header, chunks: [], sizeBytes: 0 };
      timer = setTimeout(release, maxHeldMs).unref();
      return undefined;
    },
    data(chunk) {
      if (held === undefined) return receiver.data(chunk);
      // The client may use a chunk's memory again.
      held.chunks.push(Buffer.from(chunk));
      held.sizeBytes += chunk.byteLength;
      return held.sizeBytes > maxBytes ? release() : undefined;
    },
    end() {
      const without = held && withoutOption(request, held);
      if (without !== undefined) {
        clearTimeout(timer);
        const learnThis = (): void => learn(without.model, without.option);
        // What is sent again may be refused for another option.
        exchange = attempt(http, without.request, { receiver: again(receiver, learnThis), learn });
        return;
      }
      release();
      receiver.end();
    },
    failed(cause) {
      release();
      receiver.failed(cause);
    },
  });
  return {
    pause: () => exchange.pause(),
    resume: () => exchange.resume(),
    close() {
      clearTimeout(timer);
      exchange.close();
    },
    drain() {
      clearTimeout(timer);
      exchange.drain();
    },
  };
}

function again(receiver: HttpReceiver, learn: () => void): HttpReceiver {
  return {
    // The receiver knows that there was a connection.
    sent() {},
    head(status, header) {
      if (status < 400) learn();
      receiver.head(status, header);
    },
    data: (chunk) => receiver.data(chunk),
    end: () => receiver.end(),
    failed: (cause) => receiver.failed(cause),
  };
}

interface Without {
  readonly request: HttpRequest;
  readonly model: string;
  readonly option: LearnedOption;
}

/** Leaves out the option that a refusal names, if the request has it. */
function withoutOption(request: HttpRequest, { chunks }: Held): Without | undefined {
  const told = Buffer.concat(chunks).toString("utf8");
  const option = names.find((name) => options[name].test(told));
  const body = option && readJson(request.body ?? "");
  if (option === undefined || !isJsonObject(body) || body[option] === undefined) return undefined;
  const { [option]: _, ...rest } = body;
  const model = typeof rest["model"] === "string" ? rest["model"] : "";
  return { request: { ...request, body: JSON.stringify(rest) }, model, option };
}
