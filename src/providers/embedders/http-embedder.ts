import type { Embedder, Embedding, EmbedOptions } from "../embedder.ts";
import { cancelledError, type Fault, faultError } from "../transport/fault.ts";
import type { Asked, HttpLink } from "../transport/http-link.ts";
import type { Usage } from "../usage.ts";
import type { EmbeddingWire } from "./embedding-wire.ts";
import { normalise } from "./vectors.ts";

/** Is what an embedder over HTTP needs: its model's name, and the link to its provider. */
export interface EmbedderLink {
  readonly model: string;
  readonly link: HttpLink;
}

const charsPerToken = 4;

/**
 * Makes an embedder from the translation of a provider's interface.
 *
 * Order: requests are sent one after the other, so that a limit on requests is met as late as it can be.
 */
export function httpEmbedder(wire: EmbeddingWire, { model, link }: EmbedderLink): Embedder {
  const context = link.context(model);
  let dimensions = wire.dimensions(model);
  const failure = (message: string): Error => {
    const fault: Fault = { code: "provider_malformed_response", message };
    return faultError(fault, context, { phase: "stream" });
  };
  const embedBatch = async (batch: readonly string[], { signal, purpose }: EmbedOptions): Promise<Embedding> => {
    const asked: Asked = { method: "POST", path: wire.path, body: wire.body(model, batch, purpose) };
    const answer = wire.read(await link.fetch(asked, { model, signal }));
    if (answer === undefined) throw failure("answered with something that is no list of vectors");
    const { vectors, inputTokens } = answer;
    if (vectors.length !== batch.length) {
      throw failure(`answered ${batch.length} texts with ${vectors.length} vectors`);
    }
    const checked = vectors.map((vector) => {
      dimensions ??= vector.length;
      if (vector.length !== dimensions) {
        throw failure(`answered with a vector of ${vector.length} dimensions where ${dimensions} are due`);
      }
      const unit = normalise(vector);
      if (unit === undefined) throw failure("answered with a vector that has no direction");
      return unit;
    });
    return { vectors: checked, usage: usageOf(batch, inputTokens) };
  };
  return {
    provider: context.provider,
    name: model,
    maxBatch: wire.maxBatch,
    maxInputTokens: wire.maxInputTokens(model),
    get dimensions() {
      return dimensions;
    },
    async embed(texts, options = {}) {
      const { signal } = options;
      const vectors: Float32Array[] = [];
      let usage: Usage = { inputTokens: 0, outputTokens: 0, provenance: "reported" };
      const check = (): void => {
        if (signal?.aborted === true) throw cancelledError(context, signal.reason, { phase: "connect" });
      };
      check();
      for (const batch of batchesOf(texts, wire)) {
        check();
        const part = await embedBatch(batch, options);
        vectors.push(...part.vectors);
        usage = sumOf(usage, part.usage);
      }
      return { vectors, usage };
    },
  };
}

/** Cuts texts into batches, in order. A text that is too long by itself goes alone: the provider says so better than a guess. */
function* batchesOf(
  texts: readonly string[],
  { maxBatch, maxBatchChars }: EmbeddingWire,
): Generator<readonly string[]> {
  let batch: string[] = [];
  let chars = 0;
  for (const text of texts) {
    if (batch.length > 0 && (batch.length === maxBatch || chars + text.length > maxBatchChars)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(text);
    chars += text.length;
  }
  if (batch.length > 0) yield batch;
}

function usageOf(texts: readonly string[], reported: number | undefined): Usage {
  // Servers that do not count say zero.
  if (reported) return { inputTokens: reported, outputTokens: 0, provenance: "reported" };
  const chars = texts.reduce((sum, text) => sum + text.length, 0);
  return { inputTokens: Math.ceil(chars / charsPerToken), outputTokens: 0, provenance: "estimated" };
}

function sumOf(one: Usage, other: Usage): Usage {
  const provenance = one.provenance === "reported" ? other.provenance : one.provenance;
  return { inputTokens: one.inputTokens + other.inputTokens, outputTokens: 0, provenance };
}
