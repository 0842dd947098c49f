import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { HeaderReader } from "./fault-of.ts";
import type { HttpClient, HttpExchange, HttpReceiver, HttpRequest } from "./http.ts";

/** Is a client for an endpoint that may refuse to be asked for usage, and what has been learned of it. */
export interface UsageOption {
  readonly http: HttpClient;
  /** Tells whether a model may be asked for usage: it has not refused it yet. */
  allows(model: string): boolean;
}

/**
 * Makes a client that learns from an endpoint whether it takes `stream_options`. A request that is refused with words that name
 * the option is sent once more without it; if that is not refused, the model is not asked again.
 *
 * Cost: a refused request is read (64 KB at most) and written again, once for each model.
 */
export function learnUsageOption(http: HttpClient): UsageOption {
  const refused = new Set<string>();
  return {
    allows: (model) => !refused.has(model),
    http: {
      send: (request, receiver) =>
        request.body?.includes('"stream_options"') === true
          ? attempt(http, request, { receiver, learn: (model) => refused.add(model) })
          : http.send(request, receiver),
      [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
    },
  };
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

function attempt(
  http: HttpClient,
  request: HttpRequest,
  { receiver, learn }: { readonly receiver: HttpReceiver; readonly learn: (model: string) => void },
): HttpExchange {
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
      const without = held === undefined || !namesOption(held) ? undefined : withoutOption(request);
      if (without !== undefined) {
        clearTimeout(timer);
        exchange = http.send(
          without.request,
          again(receiver, () => learn(without.model)),
        );
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

function namesOption({ chunks }: Held): boolean {
  return /stream_options|include_usage/.test(Buffer.concat(chunks).toString("utf8"));
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

function withoutOption(request: HttpRequest): { readonly request: HttpRequest; readonly model: string } | undefined {
  const body = JSON.parse(request.body ?? "{}") as JsonValue;
  if (!isJsonObject(body) || body["stream_options"] === undefined) return undefined;
  const { stream_options: _, ...rest } = body;
  const model = typeof rest["model"] === "string" ? rest["model"] : "";
  return { request: { ...request, body: JSON.stringify(rest) }, model };
}
