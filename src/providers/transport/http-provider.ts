import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { StreamDecoder } from "./decoder.ts";
import type { EmbeddingWire } from "../embedders/embedding-wire.ts";
import { httpEmbedder } from "../embedders/http-embedder.ts";
import { providerErrors } from "../errors.ts";
import type { FrameParser } from "./frames.ts";
import { type Asked, createHttpLink, type HttpProviderOptions, type KeyWire } from "./http-link.ts";
import type { HttpRequest } from "./http.ts";
import type { ModelCapabilities, ModelRequest, Provider, StreamOptions } from "../model.ts";
import { streamCall } from "./stream.ts";

export type { HttpOptions, HttpProviderOptions } from "./http-link.ts";

/** Translates between Atlas and one provider's HTTP interface. Pure. */
export interface Wire extends KeyWire {
  readonly chatPath: string;
  /** Is undefined where the interface has no list of models. */
  readonly modelsPath: string | undefined;
  /** Says where a call goes when that depends on the call; without it all are posted to `chatPath`. A GET has no body. */
  target?(model: string, request: ModelRequest): Pick<HttpRequest, "method" | "path">;
  body(model: string, request: ModelRequest): JsonObject;
  frames(): FrameParser;
  /** Makes a decoder of the answer to `request`; `idPrefix` makes ids for tool calls that come without one. */
  decoder(idPrefix: string, request: ModelRequest): StreamDecoder;
  modelNames(list: JsonValue): readonly string[];
  capabilities(model: string): ModelCapabilities;
  readonly embeddings?: EmbeddingWire;
}

/**
 * Makes a provider from the translation of its interface.
 *
 * Errors: provider_authentication when there is no usable key; provider_unsupported when models are asked for and there is no
 * list of them.
 */
export function httpProvider(wire: Wire, options: HttpProviderOptions): Provider {
  const { name, http } = options;
  const link = createHttpLink(wire, options);
  const { embeddings } = wire;
  return {
    name,
    model: (model) => ({
      provider: name,
      name: model,
      capabilities: wire.capabilities(model),
      stream: (request: ModelRequest, { signal }: StreamOptions = {}) =>
        link.stream({ model, signal }, (key) =>
          streamCall(() => ({
            ...link.call(askOf(wire, { provider: name, model }, request), { model, signal }, key()),
            frames: wire.frames(),
            decoder: wire.decoder(`call_${request.messages.length}`, request),
          })),
        ),
    }),
    async listModels({ signal } = {}) {
      if (wire.modelsPath === undefined) throw listsNothing(name);
      const list = await link.fetch({ method: "GET", path: wire.modelsPath }, { model: undefined, signal });
      return wire.modelNames(list);
    },
    ...(embeddings !== undefined && { embedder: (model: string) => httpEmbedder(embeddings, { model, link }) }),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function askOf(wire: Wire, names: { readonly provider: string; readonly model: string }, request: ModelRequest): Asked {
  const { method, path } = wire.target?.(names.model, request) ?? { method: "POST", path: wire.chatPath };
  if (method === "GET") return { method, path };
  const body = wire.body(names.model, request);
  return { method, path, body: withOptions(body, request.providerOptions?.[names.provider]) };
}

/** Makes the error of a provider that is asked for its models and has no list of them. */
export function listsNothing(provider: string): Error {
  const message = `${provider} has no list of its models; name the model yourself.`;
  return providerErrors.create("provider_unsupported", message, { details: { provider } });
}

/** Adds one provider's own options to a body; objects are merged one level deep, and whether it streams stays as it was. */
function withOptions(body: JsonObject, extra: JsonObject | undefined): JsonObject {
  if (extra === undefined) return body;
  const merged: { [key: string]: JsonValue } = { ...body };
  for (const [key, value] of Object.entries(extra)) {
    const own = merged[key];
    merged[key] = isJsonObject(own) && isJsonObject(value) ? { ...own, ...value } : value;
  }
  const { stream } = body;
  return stream === undefined ? merged : { ...merged, stream };
}

/** Reads the `id` (or another field) of each entry of a model list. */
export function namesIn(list: JsonValue, listKey: string, nameKey: string): readonly string[] {
  // Some endpoints give the list itself.
  const entries = isJsonObject(list) ? list[listKey] : list;
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: JsonValue) => {
    const name = isJsonObject(entry) ? entry[nameKey] : undefined;
    return typeof name === "string" ? [name] : [];
  });
}
