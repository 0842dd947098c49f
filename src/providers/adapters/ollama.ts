import { localCapabilities } from "../capabilities.ts";
import { ollamaRequest, type OllamaRunOptions } from "../codecs/ollama-request.ts";
import { ollamaDecoder } from "../codecs/ollama-stream.ts";
import { promptTokens } from "../codecs/prompt-estimate.ts";
import { defaultTimeouts, localTimeouts } from "../transport/deadlines.ts";
import { ollamaEmbeddings } from "../embedders/ollama-embeddings.ts";
import { readEndpoint } from "../transport/endpoint.ts";
import { ndjsonParser } from "../transport/frames.ts";
import { type HttpOptions, httpProvider, namesIn } from "../transport/http-provider.ts";
import type { ModelCapabilities, Provider } from "../model.ts";
import { undiciHttp } from "./http.ts";

/**
 * Are the options of `ollama`: `baseUrl` is http://127.0.0.1:11434 by default, and a key is only for a server behind a proxy
 * that asks for one. `capabilities` say what its models can do, such as `files: []` where none can see. Units: `contextTokens`
 * tokens, sent with every call (default 8,192).
 */
export type OllamaOptions = HttpOptions &
  Partial<OllamaRunOptions> & { readonly capabilities?: Partial<ModelCapabilities> | undefined };

/**
 * Makes the provider `ollama`, over its native chat. Errors: invalid_input for a base URL that is none.
 *
 * @example examples/providers-ollama.ts
 */
export function ollama(options: OllamaOptions = {}): Provider {
  const {
    name = "ollama",
    baseUrl = "http://127.0.0.1:11434",
    contextTokens = 8_192,
    think,
    keepAlive,
    truncate,
    apiKey,
    headers,
    clock,
  } = options;
  const timeouts = { ...localTimeouts, ...options.timeouts };
  const endpoint = readEndpoint(name, baseUrl);
  const http = options.http ?? undiciHttp(endpoint, timeouts.connectMs ?? defaultTimeouts.connectMs);
  const capabilities: ModelCapabilities = { ...localCapabilities, contextTokens, ...options.capabilities };
  return httpProvider(
    {
      chatPath: "/api/chat",
      modelsPath: "/api/tags",
      keyRequired: false,
      headers: (key): Readonly<Record<string, string>> => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
      body: (model, request) =>
        ollamaRequest(
          request,
          { provider: name, model, files: capabilities.files },
          { contextTokens, think, keepAlive, truncate },
        ),
      frames: () => ndjsonParser(),
      decoder: (idPrefix, request) => ollamaDecoder(idPrefix, promptTokens(request)),
      modelNames: (list) => namesIn(list, "models", "name"),
      capabilities: () => capabilities,
      embeddings: ollamaEmbeddings(contextTokens),
    },
    { name, endpoint, http, apiKey, timeouts, headers, clock },
  );
}
