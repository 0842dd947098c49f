import { capabilitiesOf, hostedCapabilities, openaiCapabilities } from "../capabilities.ts";
import {
  compatibleQuirks,
  openaiChatRequest,
  openaiQuirks,
  type OpenAiChatQuirks,
} from "../codecs/openai-chat-request.ts";
import { openaiChatDecoder } from "../codecs/openai-chat-stream.ts";
import { openaiEmbeddings } from "../embedders/openai-embeddings.ts";
import { withToolNames } from "../codecs/tool-names.ts";
import { readEndpoint } from "../transport/endpoint.ts";
import { sseParser } from "../transport/frames.ts";
import { type HttpOptions, httpProvider, namesIn, type Wire } from "../transport/http-provider.ts";
import type { ModelCapabilities, Provider } from "../model.ts";
import { learnOptions, withoutTemperature } from "../transport/learned-options.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";
import { undiciHttp } from "./http.ts";

/**
 * Are the options of `openai`: `baseUrl`, with its version part, is https://api.openai.com/v1 by default; `capabilities` replace
 * what Atlas knows of the models.
 */
export type OpenAiOptions = HttpOptions & { readonly capabilities?: Partial<ModelCapabilities> | undefined };

/** Are the options of `openaiCompatible`. Without a key none is sent. */
export type OpenAiCompatibleOptions = HttpOptions & {
  readonly name: string;
  readonly baseUrl: string;
  readonly quirks?: Partial<OpenAiChatQuirks> | undefined;
  readonly capabilities?: Partial<ModelCapabilities> | undefined;
};

/**
 * Makes the provider `openai`, over Chat Completions. Errors: invalid_input for a base URL that is none.
 *
 * @example examples/providers-openai.ts
 */
export function openai(options: OpenAiOptions = {}): Provider {
  const { name = "openai", baseUrl = "https://api.openai.com/v1" } = options;
  return make(
    { ...options, name, baseUrl },
    {
      quirks: openaiQuirks,
      keyRequired: true,
      capabilities: (model) => ({ ...capabilitiesOf(model, openaiCapabilities), ...options.capabilities }),
    },
  );
}

/** Makes a provider for any endpoint that speaks OpenAI's Chat Completions. Errors: invalid_input for a base URL that is none. */
export function openaiCompatible(options: OpenAiCompatibleOptions): Provider {
  const quirks = { ...compatibleQuirks, ...options.quirks };
  // Where no schema can be sent, the caller must say in words what form an answer must have.
  const known: Partial<ModelCapabilities> = quirks.structuredOutput === "schema" ? {} : { structuredOutput: "none" };
  const capabilities = (model: string): ModelCapabilities => ({
    ...capabilitiesOf(model, hostedCapabilities),
    ...known,
    ...options.capabilities,
  });
  return make(options, { quirks, keyRequired: false, capabilities });
}

interface ChatEndpoint {
  readonly quirks: OpenAiChatQuirks;
  readonly keyRequired: boolean;
  readonly capabilities: (model: string) => ModelCapabilities;
}

function make(
  options: HttpOptions & { readonly name: string; readonly baseUrl: string },
  { quirks, keyRequired, capabilities }: ChatEndpoint,
): Provider {
  const { name, baseUrl, apiKey, timeouts, headers, clock } = options;
  const endpoint = readEndpoint(name, baseUrl);
  const client = options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs);
  const learned = learnOptions(client);
  const wire: Wire = {
    chatPath: "/chat/completions",
    modelsPath: quirks.modelsPath ?? "/models",
    keyRequired,
    headers: (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
    body(model, request) {
      const target = { provider: name, model, files: capabilities(model).files };
      const asked = learned.allows(model, "temperature") ? request : withoutTemperature(request);
      return openaiChatRequest(asked, target, {
        ...quirks,
        usageOption: quirks.usageOption && learned.allows(model, "stream_options"),
      });
    },
    frames: () => sseParser(),
    decoder: (idPrefix, request) => withToolNames(openaiChatDecoder(idPrefix), request),
    modelNames: (list) => namesIn(list, "data", "id"),
    capabilities,
    embeddings: openaiEmbeddings,
  };
  return httpProvider(wire, { name, endpoint, http: learned.http, apiKey, timeouts, headers, clock });
}
