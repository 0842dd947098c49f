import { capabilitiesOf, hostedCapabilities } from "../capabilities.ts";
import {
  compatibleQuirks,
  openaiChatRequest,
  openaiQuirks,
  type OpenAiChatQuirks,
} from "../codecs/openai-chat-request.ts";
import { openaiChatDecoder } from "../codecs/openai-chat-stream.ts";
import { openaiEmbeddings } from "../embedders/openai-embeddings.ts";
import { readEndpoint } from "../endpoint.ts";
import { sseParser } from "../frames.ts";
import { type HttpOptions, httpProvider, namesIn, type Wire } from "../http-provider.ts";
import type { ModelCapabilities, Provider } from "../model.ts";
import { defaultTimeouts } from "../watch.ts";
import { undiciHttp } from "./http.ts";

/** Are the options of `openai`: `baseUrl`, with its version part, is https://api.openai.com/v1 by default. */
export type OpenAiOptions = HttpOptions;

/** Are the options of `openaiCompatible`. Without a key none is sent. */
export type OpenAiCompatibleOptions = HttpOptions & {
  readonly name: string;
  readonly baseUrl: string;
  readonly quirks?: Partial<OpenAiChatQuirks> | undefined;
  readonly capabilities?: Partial<ModelCapabilities> | undefined;
};

/** Makes the provider `openai`, over Chat Completions. Errors: invalid_input for a base URL that is none. */
export function openai(options: OpenAiOptions = {}): Provider {
  return make(
    { ...options, name: options.name ?? "openai", baseUrl: options.baseUrl ?? "https://api.openai.com/v1" },
    wireOf(openaiQuirks, hostedCapabilities, true),
  );
}

/** Makes a provider for any endpoint that speaks OpenAI's Chat Completions. Errors: invalid_input for a base URL that is none. */
export function openaiCompatible(options: OpenAiCompatibleOptions): Provider {
  const quirks = { ...compatibleQuirks, ...options.quirks };
  // Where no schema can be sent, the caller must say in words what form an answer must have.
  const structuredOutput = quirks.structuredOutput === "schema" ? "native" : "none";
  return make(options, wireOf(quirks, { ...hostedCapabilities, structuredOutput, ...options.capabilities }, false));
}

function make(options: HttpOptions & { readonly name: string; readonly baseUrl: string }, wire: Wire): Provider {
  const { name, baseUrl, apiKey, timeouts, headers, clock } = options;
  const endpoint = readEndpoint(name, baseUrl);
  const http = options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs);
  return httpProvider(wire, { name, endpoint, http, apiKey, timeouts, headers, clock });
}

function wireOf(quirks: OpenAiChatQuirks, base: ModelCapabilities, keyRequired: boolean): Wire {
  return {
    chatPath: "/chat/completions",
    modelsPath: "/models",
    keyRequired,
    headers: (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
    body: (model, request) => openaiChatRequest(model, request, quirks),
    frames: () => sseParser(),
    decoder: openaiChatDecoder,
    modelNames: (list) => namesIn(list, "data", "id"),
    capabilities: (model) => capabilitiesOf(model, base),
    embeddings: openaiEmbeddings,
  };
}
