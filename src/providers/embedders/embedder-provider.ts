import { providerErrors } from "../errors.ts";
import { createHttpLink, type HttpProviderOptions, type KeyWire } from "../transport/http-link.ts";
import type { Provider } from "../model.ts";
import type { EmbeddingWire } from "./embedding-wire.ts";
import { httpEmbedder } from "./http-embedder.ts";

/**
 * Makes a provider that embeds and does nothing else.
 *
 * Errors: provider_unsupported from `model` and `listModels`.
 */
export function embedderProvider(wire: EmbeddingWire & KeyWire, options: HttpProviderOptions): Provider {
  const { name, http } = options;
  const link = createHttpLink(wire, options);
  const unsupported = (what: string): Error =>
    providerErrors.create("provider_unsupported", `${name} ${what}; it has embeddings only.`, {
      details: { provider: name },
    });
  return {
    name,
    model() {
      throw unsupported("has no models that answer");
    },
    async listModels() {
      throw unsupported("has no list of its models");
    },
    embedder: (model) => httpEmbedder(wire, { model, link }),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}
