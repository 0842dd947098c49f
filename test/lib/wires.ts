import type { Clock } from "../../src/base/index.ts";
import { anthropic } from "../../src/providers/adapters/anthropic.ts";
import { ollama } from "../../src/providers/adapters/ollama.ts";
import { openai } from "../../src/providers/adapters/openai-chat.ts";
import { openaiResponses } from "../../src/providers/adapters/openai-responses.ts";
import type { HttpClient, HttpReceiver, Model, Provider, StreamPart, Timeouts } from "../../src/providers/index.ts";
import { userMessage } from "../../src/providers/index.ts";
import type { wireFormats } from "../../src/testing/wire-formats.ts";
import { type WireAnswer, wireServer } from "../../src/testing/wire-server.ts";

/** Names a wire format of Atlas's own. */
export type FormatName = keyof typeof wireFormats;

/** Are the options that every provider over HTTP takes and tests need. */
export interface WireSetup {
  readonly timeouts?: Partial<Timeouts>;
  readonly clock?: Clock;
  readonly http?: HttpClient;
}

/** Is a key that no error may show. */
export const wireKey = "sk-live-0123456789abcdef";

/** Is a request that any format can send. */
export const wireRequest = { messages: [userMessage("Why does bread rise?")] };

/** Makes the provider of each format; a format that is added must be added here too. */
export const wireProviders: Readonly<Record<FormatName, (url: string, setup: WireSetup) => Provider>> = {
  "openai-chat": (url, setup) => openai({ apiKey: wireKey, baseUrl: `${url}/v1`, ...setup }),
  "openai-responses": (url, setup) => openaiResponses({ apiKey: wireKey, baseUrl: `${url}/v1`, ...setup }),
  anthropic: (url, setup) => anthropic({ apiKey: wireKey, baseUrl: url, ...setup }),
  ollama: (url, setup) => ollama({ apiKey: wireKey, baseUrl: url, ...setup }),
};

/** Are the names of all formats, for `describe.each`. */
export const formatNames = Object.keys(wireProviders) as FormatName[];

/** Opens a server that answers with these bytes, and a model on it. */
export async function openWire(format: FormatName, answer: WireAnswer, setup: WireSetup = {}) {
  const server = await wireServer();
  server.answer(answer);
  const provider = wireProviders[format](server.url, setup);
  return {
    server,
    provider,
    model: provider.model("test-model"),
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Is what came of reading an answer to its end. */
export interface Reading {
  readonly parts: readonly StreamPart[];
  readonly text: string;
  readonly error: unknown;
}

/** Reads an answer to its end, or to its error. */
export async function readAll(model: Model, signal?: AbortSignal): Promise<Reading> {
  const parts: StreamPart[] = [];
  let text = "";
  try {
    for await (const part of model.stream(wireRequest, { signal })) {
      parts.push(part);
      if (part.type === "text.delta") text += part.text;
    }
    return { parts, text, error: undefined };
  } catch (error) {
    return { parts, text, error };
  }
}

/** Makes an HTTP client without a network: each request is answered by the function, at once. */
export function httpOf(answer: (receiver: HttpReceiver) => void): HttpClient {
  return {
    send(_request, receiver) {
      let left = false;
      const told: HttpReceiver = {
        sent: () => left || receiver.sent(),
        head: (status, header) => left || receiver.head(status, header),
        data: (chunk) => left || receiver.data(chunk),
        end: () => left || receiver.end(),
        failed: (cause) => left || receiver.failed(cause),
      };
      queueMicrotask(() => answer(told));
      const leave = (): void => void (left = true);
      return { pause() {}, resume() {}, close: leave, drain: leave };
    },
    async [Symbol.asyncDispose]() {},
  };
}
