import type { JsonObject, JsonValue } from "../../base/index.ts";

/** Is what one answer of an embedding interface holds. Shape: as it came, neither checked nor of length 1. */
export interface EmbeddingAnswer {
  /** Order: that of the texts. */
  readonly vectors: readonly Float32Array[];
  /** What the provider says it has read. Units: tokens. */
  readonly inputTokens: number | undefined;
}

/**
 * Translates between Atlas and one provider's interface for embeddings. Pure.
 *
 * Units: `maxBatch` texts and `maxBatchChars` UTF-16 code units in one request; `maxInputTokens` tokens of one text.
 */
export interface EmbeddingWire {
  readonly path: string;
  readonly maxBatch: number;
  readonly maxBatchChars: number;
  maxInputTokens(model: string): number | null;
  /** Says how long the vectors of a model are, where that is known before it is asked. */
  dimensions(model: string): number | null;
  body(model: string, texts: readonly string[], purpose: "query" | "document" | undefined): JsonObject;
  /** Reads an answer; undefined when it is none. */
  read(answer: JsonValue): EmbeddingAnswer | undefined;
}
