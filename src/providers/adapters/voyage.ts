import { voyageEmbeddings } from "../embedders/voyage-embeddings.ts";
import { embedderProvider } from "../embedders/embedder-provider.ts";
import { readEndpoint } from "../transport/endpoint.ts";
import type { HttpOptions } from "../transport/http-provider.ts";
import type { Provider } from "../model.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";
import { undiciHttp } from "./http.ts";

/** Are the options of `voyage`: `baseUrl`, with its version part, is https://api.voyageai.com/v1 by default. */
export type VoyageOptions = HttpOptions;

/**
 * Makes the provider `voyage`, which embeds only: its `model` throws provider_unsupported, and it has no list of models.
 * Errors: invalid_input for a base URL that is none.
 */
export function voyage(options: VoyageOptions = {}): Provider {
  const { name = "voyage", baseUrl = "https://api.voyageai.com/v1", apiKey, timeouts, headers, clock } = options;
  const endpoint = readEndpoint(name, baseUrl);
  const http = options.http ?? undiciHttp(endpoint, timeouts?.connectMs ?? defaultTimeouts.connectMs);
  return embedderProvider(voyageEmbeddings, { name, endpoint, http, apiKey, timeouts, headers, clock });
}
