import { createCallGuard } from "../transport/call-guard.ts";
import type { Embedder } from "../embedder.ts";
import { localFault } from "./local-fault.ts";
import type { LocalModelSetup } from "./local-model.ts";
import { openTurn } from "./turn.ts";

/** Makes an embedder that runs in this process. Errors: as `localModel`. */
export function localEmbedder(setup: LocalModelSetup): Embedder {
  const { provider, name, timeouts, clock } = setup;
  let dimensions: number | null = null;
  return {
    provider,
    name,
    get dimensions() {
      return dimensions;
    },
    maxBatch: Infinity,
    get maxInputTokens() {
      return setup.capabilities().contextTokens;
    },
    async embed(texts, { signal } = {}) {
      const context = { provider, model: name, secrets: [] };
      const partial = (): undefined => undefined;
      using guard = createCallGuard({ context, timeouts, clock, signal, partial, fault: localFault });
      guard.check();
      const vectors: Float32Array[] = [];
      let inputTokens = 0;
      if (texts.length > 0) {
        using turn = await openTurn(guard, setup.place());
        for (const text of texts) {
          const { vector, tokens } = await guard.wait("stream", turn.model.embed(text));
          guard.watch.progress();
          vectors.push(normalized(vector));
          inputTokens += tokens;
          dimensions = vector.length;
        }
      }
      return { vectors, usage: { inputTokens, outputTokens: 0, provenance: "reported" } };
    },
  };
}

/** Gives a vector the length 1; one of zeros stays as it is. */
function normalized(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return Float32Array.from(vector, (value) => value / length);
}
