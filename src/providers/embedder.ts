import type { Usage } from "./usage.ts";

/** Is the answer of an embedder. Order: one vector for each text, in the order of the texts. */
export interface Embedding {
  readonly vectors: readonly Float32Array[];
  readonly usage: Usage;
}

/** Are the options of one embedding. `purpose` matters to models that embed questions and documents differently. */
export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined;
  readonly purpose?: "query" | "document" | undefined;
}

/**
 * Is the port for a model that turns texts into vectors. An adapter splits what is more than `maxBatch` texts into several
 * requests, and neither retries nor logs.
 *
 * Shape: vectors have length 1 (Euclidean) and `dimensions` numbers; `dimensions` is null until the first answer when the
 * provider alone knows it.
 * Errors: those of the providers table; `cancelled` when the signal aborts.
 */
export interface Embedder {
  readonly provider: string;
  readonly name: string;
  readonly dimensions: number | null;
  readonly maxBatch: number;
  /** The longest text it reads, in tokens; null is unknown. */
  readonly maxInputTokens: number | null;
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embedding>;
}
