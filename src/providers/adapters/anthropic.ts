import { capabilitiesOf, hostedCapabilities } from "../capabilities.ts";
import { anthropicRequest } from "../codecs/anthropic-request.ts";
import { anthropicDecoder } from "../codecs/anthropic-stream.ts";
import { readEndpoint } from "../endpoint.ts";
import { sseParser } from "../frames.ts";
import { type HttpOptions, httpProvider, namesIn } from "../http-provider.ts";
import type { Provider } from "../model.ts";
import { defaultTimeouts } from "../watch.ts";
import { undiciHttp } from "./http.ts";

/** Are the options of `anthropic`: `baseUrl`, without its version part, is https://api.anthropic.com by default. */
export type AnthropicOptions = HttpOptions;

const defaultMaxTokens = 8_192;

/** Makes the provider `anthropic`, over Messages. Errors: invalid_input for a base URL that is none. */
export function anthropic(options: AnthropicOptions = {}): Provider {
  const { name = "anthropic", baseUrl = "https://api.anthropic.com", apiKey, timeouts, headers, clock } = options;
  const endpoint = readEndpoint(name, baseUrl);
  const http = options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs);
  const capabilities = (model: string): ReturnType<typeof capabilitiesOf> => capabilitiesOf(model, hostedCapabilities);
  return httpProvider(
    {
      chatPath: "/v1/messages",
      modelsPath: "/v1/models",
      keyRequired: true,
      headers: (key) => ({ "anthropic-version": "2023-06-01", ...(key !== undefined && { "x-api-key": key }) }),
      body: (model, request) =>
        anthropicRequest(model, request, {
          provider: name,
          defaultMaxTokens: Math.min(capabilities(model).maxOutputTokens ?? defaultMaxTokens, defaultMaxTokens),
        }),
      frames: () => sseParser(),
      decoder: anthropicDecoder,
      modelNames: (list) => namesIn(list, "data", "id"),
      capabilities,
    },
    { name, endpoint, http, apiKey, timeouts, headers, clock },
  );
}
