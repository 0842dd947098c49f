import type { Clock, JsonObject, JsonValue } from "../base/index.ts";
import { isJsonObject, stringifyJson, systemClock } from "../base/index.ts";
import type { StreamDecoder } from "./decoder.ts";
import type { Endpoint } from "./endpoint.ts";
import { type CallContext, faultError } from "./fault.ts";
import type { FrameParser } from "./frames.ts";
import type { HttpClient } from "./http.ts";
import type { ModelCapabilities, ModelRequest, Provider, StreamOptions } from "./model.ts";
import { type Call, fetchJson, streamCall } from "./stream.ts";
import { defaultTimeouts, type Timeouts } from "./watch.ts";

/** Is a key: plain text, or something that holds it back until it is needed, such as a Secret. */
export type ApiKey = string | { reveal(): string };

/** Translates between Atlas and one provider's HTTP interface. Pure. */
export interface Wire {
  readonly chatPath: string;
  readonly modelsPath: string;
  readonly keyRequired: boolean;
  headers(key: string | undefined): Readonly<Record<string, string>>;
  body(model: string, request: ModelRequest): JsonObject;
  frames(): FrameParser;
  /** Makes a decoder of one answer; `idPrefix` makes ids for tool calls that come without one. */
  decoder(idPrefix: string): StreamDecoder;
  modelNames(list: JsonValue): readonly string[];
  capabilities(model: string): ModelCapabilities;
}

/** Are the options that users give to every provider over HTTP; each adapter says what its own defaults are. */
export type HttpOptions = {
  /** What stands before the slash in the names of its models. */
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly apiKey?: ApiKey | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Are sent with every request; they replace Atlas's own of the same name, but for the type of the content. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly clock?: Clock | undefined;
  /** Replaces the HTTP client; then `connectMs` is its own affair. */
  readonly http?: HttpClient | undefined;
};

/** Are the options with which an adapter makes its provider: those of its user, with the defaults filled in. */
export type HttpProviderOptions = Omit<HttpOptions, "name" | "baseUrl" | "http"> & {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly http: HttpClient;
};

/** Makes a provider from the translation of its interface. Errors: provider_authentication when there is no usable key. */
export function httpProvider(wire: Wire, options: HttpProviderOptions): Provider {
  const { name, endpoint, http, clock = systemClock } = options;
  const timeouts: Timeouts = { ...defaultTimeouts, ...options.timeouts };

  const prepare = (
    model: string | undefined,
    signal: AbortSignal | undefined,
  ): Omit<Call, "request"> & { headers: Record<string, string> } => {
    const key = keyOf(options.apiKey);
    const context: CallContext = {
      provider: name,
      model,
      origin: endpoint.origin,
      secrets: [...(key === undefined ? [] : [key]), ...endpoint.secrets],
    };
    const problem = keyProblem(key, wire.keyRequired);
    if (problem !== undefined)
      throw faultError({ code: "provider_authentication", message: problem }, context, { phase: "connect" });
    const headers = {
      ...(endpoint.basicAuth !== undefined && { authorization: endpoint.basicAuth }),
      ...wire.headers(key),
      ...options.headers,
    };
    return { http, context, timeouts, clock, signal, headers };
  };

  return {
    name,
    model: (model) => ({
      provider: name,
      name: model,
      capabilities: wire.capabilities(model),
      stream: (request: ModelRequest, { signal }: StreamOptions = {}) =>
        streamCall(() => {
          const { headers, ...call } = prepare(model, signal);
          const whole = withOptions(wire.body(model, request), request.providerOptions?.[name]);
          return {
            ...call,
            request: {
              method: "POST",
              path: wire.chatPath,
              headers: { ...headers, "content-type": "application/json" },
              body: stringifyJson(whole, "model request", maxRequestChars),
            },
            frames: wire.frames(),
            decoder: wire.decoder(`call_${request.messages.length}`),
          };
        }),
    }),
    async listModels({ signal } = {}) {
      const { headers, ...call } = prepare(undefined, signal);
      return wire.modelNames(await fetchJson({ ...call, request: { method: "GET", path: wire.modelsPath, headers } }));
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

const maxRequestChars = 64 * 1024 * 1024;

function keyOf(key: ApiKey | undefined): string | undefined {
  const text = (typeof key === "string" ? key : key?.reveal())?.trim();
  return text === "" ? undefined : text;
}

function keyProblem(key: string | undefined, required: boolean): string | undefined {
  if (key === undefined) return required ? "has no key to be called with" : undefined;
  return /^[\x21-\x7e]+$/.test(key) ? undefined : "has a key with characters that no key can have; copy it again";
}

/** Adds one provider's own options to a body; objects are merged one level deep, and streaming stays on. */
function withOptions(body: JsonObject, extra: JsonObject | undefined): JsonObject {
  if (extra === undefined) return body;
  const merged: { [key: string]: JsonValue } = { ...body };
  for (const [key, value] of Object.entries(extra)) {
    const own = merged[key];
    merged[key] = isJsonObject(own) && isJsonObject(value) ? { ...own, ...value } : value;
  }
  return { ...merged, stream: true };
}

/** Reads the `id` (or another field) of each entry of a model list. */
export function namesIn(list: JsonValue, listKey: string, nameKey: string): readonly string[] {
  const entries = isJsonObject(list) ? list[listKey] : undefined;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: JsonValue) => {
    const name = isJsonObject(entry) ? entry[nameKey] : undefined;
    return typeof name === "string" ? [name] : [];
  });
}
