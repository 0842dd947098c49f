import { capabilitiesOf, hostedCapabilities } from "../capabilities.ts";
import { anthropicRequest } from "../codecs/anthropic-request.ts";
import { anthropicDecoder } from "../codecs/anthropic-stream.ts";
import { withToolNames } from "../codecs/tool-names.ts";
import { readEndpoint } from "../transport/endpoint.ts";
import { sseParser } from "../transport/frames.ts";
import { type HttpOptions, httpProvider, namesIn } from "../transport/http-provider.ts";
import type { ModelCapabilities, Provider } from "../model.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";
import { learnOptions, withoutTemperature } from "../transport/learned-options.ts";
import { undiciHttp } from "./http.ts";

/**
 * Are the options of `anthropic`: `baseUrl`, without its version part, is https://api.anthropic.com by default; `capabilities`
 * replace what Atlas knows of the models.
 */
export type AnthropicOptions = HttpOptions & { readonly capabilities?: Partial<ModelCapabilities> | undefined };

const defaultMaxTokens = 8_192;

/**
 * Makes the provider `anthropic`, over Messages. Errors: invalid_input for a base URL that is none.
 *
 * @example examples/providers-anthropic.ts
 */
export function anthropic(options: AnthropicOptions = {}): Provider {
  const { name = "anthropic", baseUrl = "https://api.anthropic.com", apiKey, timeouts, headers, clock } = options;
  const endpoint = readEndpoint(name, baseUrl);
  const learned = learnOptions(options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs));
  const capabilities = (model: string): ModelCapabilities => {
    const known = capabilitiesOf(model, hostedCapabilities);
    // What is plain text is written into the request as text, which every model reads.
    const files = [...new Set([...known.files, "text/plain", "text/markdown", "text/csv"])];
    // Whatever the model, this interface caches what is marked.
    return { ...known, files, promptCaching: "marked", ...options.capabilities };
  };
  return httpProvider(
    {
      chatPath: "/v1/messages",
      // One page of 20 is the default, one of 1,000 the largest.
      modelsPath: "/v1/models?limit=1000",
      keyRequired: true,
      headers: (key) => ({ "anthropic-version": "2023-06-01", ...(key !== undefined && { "x-api-key": key }) }),
      body(model, request) {
        const { files, maxOutputTokens, structuredOutput } = capabilities(model);
        return anthropicRequest(
          learned.allows(model, "temperature") ? request : withoutTemperature(request),
          { provider: name, model, files },
          {
            defaultMaxTokens: Math.min(maxOutputTokens ?? defaultMaxTokens, defaultMaxTokens),
            structuredOutput: structuredOutput === "native",
          },
        );
      },
      frames: () => sseParser(),
      decoder: (idPrefix, request) => withToolNames(anthropicDecoder(idPrefix), request),
      modelNames: (list) => namesIn(list, "data", "id"),
      capabilities,
    },
    { name, endpoint, http: learned.http, apiKey, timeouts, headers, clock },
  );
}
