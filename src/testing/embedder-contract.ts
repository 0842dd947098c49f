import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { type AtlasError, isAtlasError } from "../base/index.ts";
import type { Embedder, EmbedOptions, Embedding } from "../providers/index.ts";
import type { ContractCase } from "./contract.ts";

/** Is the number of dimensions of the vectors of the contract. */
export const contractDimensions = 8;

/**
 * Gives the vector that a service under test answers a text with: of any length, and another one for every text. An embedder
 * must give it with length 1.
 */
export function contractVector(text: string): readonly number[] {
  let state = 2_166_136_261;
  return Array.from({ length: contractDimensions }, (_, place) => {
    for (const character of `${text}${place}`) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16_777_619);
    return ((state >>> 8) % 2001) / 100 - 10;
  });
}

/**
 * Names what an embedder under test must meet: `sound` answers each text with its `contractVector` and counts its tokens;
 * `short` leaves the last vector out; `ragged` gives one vector with a dimension less; `hollow` gives one of zeros; `silent`
 * says nothing at all; `limited` refuses for now; `refused` does not know the key.
 */
export type EmbedderScenario = "sound" | "short" | "ragged" | "hollow" | "silent" | "limited" | "refused";

/** Is an adapter under test. */
export interface EmbedderSubject {
  /** Makes an embedder whose service does as the scenario says. */
  embedder(scenario: EmbedderScenario): Promise<Embedder>;
  /** Resolves when nothing is open upstream any more. */
  idle(): Promise<void>;
  /** Counts the requests that the service has seen. */
  readonly requests: number;
}

const texts = ["Bread rises because yeast breathes.", "Łódź — “zażółć”, 你好 👩‍🍳", "Bread", "bread", "Bread "];

/** Holds what every embedder must do, whatever provider is behind it. */
export const embedderContract: readonly ContractCase<EmbedderSubject>[] = [
  {
    name: "each text gets its own vector, in the order of the texts",
    async run(subject) {
      const { vectors } = await (await subject.embedder("sound")).embed(texts);
      assertVectors(vectors, texts);
    },
  },
  {
    name: "every vector has length 1",
    async run(subject) {
      for (const vector of (await (await subject.embedder("sound")).embed(texts)).vectors) {
        assert(Math.abs(Math.hypot(...vector) - 1) < 1e-5, `a vector has the length ${Math.hypot(...vector)}`);
      }
    },
  },
  {
    name: "more texts than go into one request are split, and none is lost or moved",
    async run(subject) {
      const embedder = await subject.embedder("sound");
      const many = Array.from({ length: 2 * embedder.maxBatch + 1 }, (_, index) => `text ${index}`);
      const before = subject.requests;
      assertVectors((await embedder.embed(many)).vectors, many);
      assert.equal(subject.requests - before, 3);
    },
  },
  {
    name: "no texts need no request",
    async run(subject) {
      const { vectors, usage } = await (await subject.embedder("sound")).embed([]);
      assert.deepEqual([vectors, usage.inputTokens, subject.requests], [[], 0, 0]);
    },
  },
  {
    name: "the dimensions are known after the first answer, and the tokens of all requests are counted",
    async run(subject) {
      const embedder = await subject.embedder("sound");
      const { usage } = await embedder.embed(["a", "b"]);
      assert.equal(embedder.dimensions, contractDimensions);
      assert(Number.isInteger(usage.inputTokens) && usage.inputTokens > 0, `inputTokens is ${usage.inputTokens}`);
      assert.equal(usage.outputTokens, 0);
      const many = Array.from({ length: 2 * embedder.maxBatch }, () => "a");
      assert((await embedder.embed(many)).usage.inputTokens > usage.inputTokens, "tokens of some requests are lost");
    },
  },
  {
    name: "a question and a document can be embedded",
    async run(subject) {
      const embedder = await subject.embedder("sound");
      for (const purpose of ["query", "document"] as const) {
        assert.equal((await embedder.embed(["bread"], { purpose })).vectors.length, 1);
      }
    },
  },
  ...(["short", "ragged", "hollow"] as const).map((scenario) => ({
    name: `an answer that is ${scenario} is an error, not a vector`,
    async run(subject: EmbedderSubject) {
      const error = await failureOf(await subject.embedder(scenario));
      assert.equal(error.code, "provider_malformed_response");
    },
  })),
  {
    name: "a refusal has its code, its retry and whom it is from",
    async run(subject) {
      for (const [scenario, code, retry] of [
        ["limited", "provider_rate_limited", "later"],
        ["refused", "provider_authentication", "changed"],
      ] as const) {
        const embedder = await subject.embedder(scenario);
        const error = await failureOf(embedder);
        assert.deepEqual([error.code, error.retry], [code, retry]);
        assert.deepEqual([error.details["provider"], error.details["model"]], [embedder.provider, embedder.name]);
      }
      await subject.idle();
    },
  },
  {
    name: "a signal that has aborted stops it before it starts",
    async run(subject) {
      const error = await failureOf(await subject.embedder("sound"), { signal: AbortSignal.abort() });
      assert.deepEqual([error.code, subject.requests], ["cancelled", 0]);
    },
  },
  {
    name: "cancel ends the call and what is upstream",
    async run(subject) {
      const stop = new AbortController();
      const failure = failureOf(await subject.embedder("silent"), { signal: stop.signal });
      setImmediate(() => stop.abort());
      assert.equal((await failure).code, "cancelled");
      await subject.idle();
    },
  },
  {
    name: "nothing stays on the signal after the call",
    async run(subject) {
      const { signal } = new AbortController();
      await (await subject.embedder("sound")).embed(texts, { signal });
      await failureOf(await subject.embedder("limited"), { signal });
      assert.equal(getEventListeners(signal, "abort").length, 0);
    },
  },
];

function assertVectors(vectors: Embedding["vectors"], expected: readonly string[]): void {
  assert.equal(vectors.length, expected.length, `${expected.length} texts gave ${vectors.length} vectors`);
  for (const [index, text] of expected.entries()) {
    const raw = contractVector(text);
    const length = Math.hypot(...raw);
    const unit = Math.hypot(...(vectors[index] ?? []));
    const distance = Math.max(
      ...raw.map((number, place) => Math.abs(number / length - (vectors[index]?.[place] ?? 0) / unit)),
    );
    assert(distance < 1e-5, `the vector at ${index} is not that of its text`);
  }
}

async function failureOf(embedder: Embedder, options?: EmbedOptions): Promise<AtlasError> {
  try {
    await embedder.embed(texts, options);
  } catch (error) {
    assert(isAtlasError(error), `It threw something that is no AtlasError: ${String(error)}`);
    return error;
  }
  assert.fail("It gave vectors where an error was due.");
}
