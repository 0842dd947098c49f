import { capabilitiesOf, openaiCapabilities } from "../capabilities.ts";
import { openaiResponsesRequest } from "../codecs/openai-responses-request.ts";
import { openaiResponsesDecoder } from "../codecs/openai-responses-stream.ts";
import { withToolNames } from "../codecs/tool-names.ts";
import { readEndpoint } from "../transport/endpoint.ts";
import { sseParser } from "../transport/frames.ts";
import { type HttpOptions, httpProvider, namesIn } from "../transport/http-provider.ts";
import type { ModelCapabilities, Provider } from "../model.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";
import { learnOptions, withoutTemperature } from "../transport/learned-options.ts";
import { undiciHttp } from "./http.ts";

/**
 * Are the options of `openaiResponses`: `baseUrl`, with its version part, is https://api.openai.com/v1 by default.
 * `capabilities` say what is known of models that Atlas does not know: with `reasoning` their thoughts are asked for and sent
 * back, `files` are the types that they read.
 */
export type OpenAiResponsesOptions = HttpOptions & {
  readonly capabilities?: Partial<ModelCapabilities> | undefined;
};

/**
 * Makes the provider `openai-responses`, over OpenAI's Responses: reasoning models keep their thoughts from one call to the
 * next. Nothing is stored at OpenAI.
 *
 * Errors: invalid_input for a base URL that is none.
 *
 * @example examples/providers-openai.ts
 */
export function openaiResponses(options: OpenAiResponsesOptions = {}): Provider {
  const {
    name = "openai-responses",
    baseUrl = "https://api.openai.com/v1",
    apiKey,
    timeouts,
    headers,
    clock,
  } = options;
  const endpoint = readEndpoint(name, baseUrl);
  const learned = learnOptions(options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs));
  const capabilities = (model: string): ModelCapabilities => ({
    ...capabilitiesOf(model, openaiCapabilities),
    ...options.capabilities,
  });
  return httpProvider(
    {
      chatPath: "/responses",
      modelsPath: "/models",
      keyRequired: options.baseUrl === undefined,
      headers: (key): Readonly<Record<string, string>> => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
      body(model, request) {
        const { files, reasoning } = capabilities(model);
        const asked = learned.allows(model, "temperature") ? request : withoutTemperature(request);
        return openaiResponsesRequest(asked, { provider: name, model, files }, { reasoning });
      },
      frames: () => sseParser(),
      decoder: (idPrefix, request) => withToolNames(openaiResponsesDecoder(idPrefix), request),
      modelNames: (list) => namesIn(list, "data", "id"),
      capabilities,
    },
    { name, endpoint, http: learned.http, apiKey, timeouts, headers, clock },
  );
}
