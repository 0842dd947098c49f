import { Ollama } from "ollama";
import OpenAI from "openai";
import { LLMock } from "@copilotkit/aimock";
import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { brokenEmbedders } from "../../testing/broken-embedders.ts";
import { mustFail, registerContract } from "../../testing/contract.ts";
import {
  contractVector,
  embedderContract,
  type EmbedderScenario,
  type EmbedderSubject,
} from "../../testing/embedder-contract.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { type WireAnswer, type WireRequest, wireServer } from "../../testing/wire-server.ts";
import type { Embedder } from "../embedder.ts";
import type { Provider } from "../model.ts";
import { ollama } from "./ollama.ts";
import { openai, openaiCompatible } from "./openai-chat.ts";
import { voyage } from "./voyage.ts";

const key = "sk-live-0123456789abcdef";

interface Format {
  readonly make: (url: string) => Provider;
  readonly answer: (vectors: readonly (readonly number[])[], asked: JsonObject) => JsonObject;
}

const base64 = (vector: readonly number[]): string => Buffer.from(new Float32Array(vector).buffer).toString("base64");

/** Answers as OpenAI does, the entries in any order: their index counts. */
function openaiAnswer(write: (vector: readonly number[]) => JsonValue): Format["answer"] {
  return (vectors) => ({
    object: "list",
    model: "test-model",
    data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: write(vector) })).toReversed(),
    usage: { prompt_tokens: 2 * vectors.length, total_tokens: 2 * vectors.length },
  });
}

const formats: Readonly<Record<string, Format>> = {
  openai: { make: (url) => openai({ baseUrl: `${url}/v1`, apiKey: key }), answer: openaiAnswer(base64) },
  "openai that answers numbers": {
    make: (url) => openaiCompatible({ name: "mine", baseUrl: `${url}/v1`, apiKey: key }),
    answer: openaiAnswer((vector) => [...vector]),
  },
  ollama: {
    make: (url) => ollama({ baseUrl: url }),
    answer: (vectors) => ({
      model: "test-model",
      embeddings: vectors.map((vector) => [...vector]),
      prompt_eval_count: 2 * vectors.length,
    }),
  },
  voyage: {
    make: (url) => voyage({ baseUrl: `${url}/v1`, apiKey: key }),
    answer: (vectors) => ({
      object: "list",
      data: vectors.map((vector, index) => ({ object: "embedding", embedding: base64(vector), index })),
      usage: { total_tokens: 2 * vectors.length },
    }),
  },
};

function bodyOf(request: WireRequest | undefined): {
  readonly input: readonly string[];
  readonly [key: string]: JsonValue;
} {
  return JSON.parse(request?.body ?? "{}") as { input: string[] };
}

const spoil: Partial<
  Readonly<Record<EmbedderScenario, (vectors: readonly (readonly number[])[]) => readonly (readonly number[])[]>>
> = {
  short: (vectors) => vectors.slice(0, -1),
  ragged: (vectors) => vectors.map((vector, index) => (index === 1 ? vector.slice(1) : vector)),
  hollow: (vectors) => vectors.map((vector, index) => (index === 1 ? vector.map(() => 0) : vector)),
};

function scenarioOf(format: Format, scenario: EmbedderScenario): (request: WireRequest) => WireAnswer {
  return (request) => {
    if (scenario === "silent") return { silent: true };
    if (scenario === "limited") return { status: 429, headers: { "retry-after": "2" }, chunks: ["{}"] };
    if (scenario === "refused") return { status: 401, chunks: [`<html>${key}</html>`] };
    const asked = bodyOf(request);
    const vectors = asked.input.map(contractVector);
    const answer = format.answer(spoil[scenario]?.(vectors) ?? vectors, asked);
    return { headers: { "content-type": "application/json" }, chunks: [JSON.stringify(answer)] };
  };
}

async function open(
  format: Format,
  answer: WireAnswer | ((request: WireRequest) => WireAnswer) = scenarioOf(format, "sound"),
) {
  const server = await wireServer();
  server.answer(answer);
  const provider = format.make(server.url);
  const made = provider.embedder?.("test-model");
  if (made === undefined) throw new Error("The provider has no embedder.");
  const embedder: Embedder = made;
  return {
    server,
    provider,
    embedder,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe.each(Object.entries(formats))("the embedder of %s", (_, format) => {
  const subject = async (): Promise<EmbedderSubject & AsyncDisposable> => {
    const { server, embedder, ...rest } = await open(format);
    return {
      ...rest,
      get requests() {
        return server.requests.length;
      },
      async embedder(scenario) {
        server.answer(scenarioOf(format, scenario));
        return embedder;
      },
      idle: () => server.idle(),
    };
  };

  describe("keeps the contract:", () => {
    registerContract(it, { cases: embedderContract, make: subject });

    it.each(brokenEmbedders.map((broken) => [broken.name, broken] as const))(
      "and not when it %s",
      async (__, broken) => {
        const make = async (): Promise<EmbedderSubject & AsyncDisposable> => {
          const sound = await subject();
          return {
            get requests() {
              return sound.requests;
            },
            embedder: async (scenario) => broken.wrap(await sound.embedder(scenario)),
            idle: () => sound.idle(),
            [Symbol.asyncDispose]: () => sound[Symbol.asyncDispose](),
          };
        };
        await mustFail({ cases: embedderContract, make }, broken.noticedBy);
      },
    );
  });

  it("maps pages, unknown models and answers that are none to the codes of every provider, and shows no key", async () => {
    const headers = { "content-type": "application/json" };
    const cases: readonly (readonly [WireAnswer, string])[] = [
      [{ status: 404, chunks: ['{"error":{"message":"model \\"test-model\\" not found"}}'] }, "model_not_found"],
      [{ status: 400, chunks: ['{"error":"the input length exceeds the context length"}'] }, "provider_context_length"],
      [{ status: 403, chunks: [`<html>${key}</html>`] }, "provider_permission"],
      [{ status: 500, chunks: ["oops"] }, "provider_error"],
      [{ headers: { "content-type": "text/html" }, chunks: ["<html>Sign in</html>"] }, "provider_malformed_response"],
      [{ headers, chunks: ["{}"] }, "provider_malformed_response"],
      [{ headers, chunks: ['{"data":[{"embedding":"@@@"}],"embeddings":["x"]}'] }, "provider_malformed_response"],
      [{ headers, chunks: ['{"data":[{"embedding":[1,"2"]}],"embeddings":[[1,"2"]]}'] }, "provider_malformed_response"],
      [{ headers, chunks: ['{"data":[{"embed'], ending: "cut" }, "stream_interrupted"],
    ];
    await using at = await open(format);
    for (const [answer, code] of cases) {
      at.server.answer(answer);
      const error: unknown = await at.embedder.embed(["a"]).catch((thrown: unknown) => thrown);
      expect(error, JSON.stringify(answer)).toMatchObject({ code, details: { model: "test-model" } });
      expect(JSON.stringify(error)).not.toContain(key);
    }
  });
});

it("an embedder says that nobody listens, that there is no key, and that an answer takes too long", async () => {
  await using nobody = voyage({ baseUrl: "http://127.0.0.1:9/v1", apiKey: key });
  await expect(nobody.embedder?.("m").embed(["a"])).rejects.toMatchObject({ code: "provider_unreachable" });
  await using keyless = voyage();
  await expect(keyless.embedder?.("m").embed(["a"])).rejects.toMatchObject({ code: "provider_authentication" });
  await using server = await wireServer();
  server.answer({ silent: true });
  const clock = manualClock();
  await using slow = openai({ baseUrl: `${server.url}/v1`, apiKey: key, clock, timeouts: { firstPartMs: 5_000 } });
  const failed = expect(slow.embedder?.("m").embed(["a"])).rejects.toMatchObject({ code: "provider_timeout" });
  await clock.waitForSleepers(1);
  await clock.advance(5_000);
  await failed;
  await server.idle();
});

describe("what is sent", () => {
  it("is base64 for OpenAI, and no more characters at once than it takes", async () => {
    const { openai: format } = formats;
    if (format === undefined) throw new Error("no such format");
    await using at = await open(format);
    const long = "x".repeat(100_000);
    expect((await at.embedder.embed([long, `${long}1`, `${long}2`, "short"])).vectors).toHaveLength(4);
    expect(at.server.requests.map((each) => bodyOf(each).input.length)).toEqual([2, 2]);
    expect(bodyOf(at.server.requests[0])).toMatchObject({ model: "test-model", encoding_format: "base64" });
    expect(at.server.requests[0]).toMatchObject({
      path: "/v1/embeddings",
      headers: { authorization: `Bearer ${key}` },
    });
    const large = at.provider.embedder?.("text-embedding-3-large");
    expect([large?.dimensions, large?.maxInputTokens]).toEqual([3072, 8192]);
  });

  it("tells Voyage what the texts are for, and never lets it cut them", async () => {
    const { voyage: format } = formats;
    if (format === undefined) throw new Error("no such format");
    await using at = await open(format);
    await at.embedder.embed(["a"], { purpose: "query" });
    await at.embedder.embed(["a"], { purpose: "document" });
    await at.embedder.embed(["a"]);
    expect(at.server.requests.map((each) => bodyOf(each)["input_type"])).toEqual(["query", "document", undefined]);
    expect(bodyOf(at.server.requests[0])["truncation"]).toBe(false);
    expect(() => at.provider.model("m")).toThrow(expect.objectContaining({ code: "provider_unsupported" }));
    await expect(at.provider.listModels()).rejects.toMatchObject({ code: "provider_unsupported" });
  });

  it("gives Ollama's models the words that they want before a text, and never lets it cut them", async () => {
    const { ollama: format } = formats;
    if (format === undefined) throw new Error("no such format");
    await using at = await open(format);
    const nomic = at.provider.embedder?.("nomic-embed-text:v1.5");
    await nomic?.embed(["bread"], { purpose: "query" });
    await nomic?.embed(["bread"], { purpose: "document" });
    await nomic?.embed(["bread"]);
    expect(at.server.requests.map((each) => bodyOf(each).input)).toEqual([
      ["search_query: bread"],
      ["search_document: bread"],
      ["bread"],
    ]);
    expect(bodyOf(at.server.requests[0])).toMatchObject({ truncate: false, options: { num_ctx: 8192 } });
  });
});

describe("the official clients", () => {
  const texts = ["Why does bread rise?", "Łódź", ""];
  const unit = (vector: readonly number[]): readonly number[] => vector.map((number) => number / Math.hypot(...vector));
  const near = (ours: Embedder, theirs: readonly (readonly number[])[]) =>
    ours
      .embed(texts)
      .then(({ vectors }) =>
        expect(vectors.map((vector) => [...vector].map((number) => number.toFixed(5)))).toEqual(
          theirs.map((vector) => unit(vector).map((number) => number.toFixed(5))),
        ),
      );

  it("of OpenAI understands the same vectors from the same server", async () => {
    for (const name of ["openai", "openai that answers numbers"]) {
      const format = formats[name];
      if (format === undefined) throw new Error("no such format");
      await using at = await open(format);
      const client = new OpenAI({ apiKey: key, baseURL: `${at.server.url}/v1` });
      const { data, usage } = await client.embeddings.create({ model: "test-model", input: texts });
      await near(
        at.embedder,
        data.toSorted((a, b) => a.index - b.index).map(({ embedding }) => embedding),
      );
      expect((await at.embedder.embed(texts)).usage).toMatchObject({ inputTokens: usage.prompt_tokens });
    }
  });

  it("of Ollama understands the same vectors from the same server", async () => {
    const { ollama: format } = formats;
    if (format === undefined) throw new Error("no such format");
    await using at = await open(format);
    const { embeddings, prompt_eval_count } = await new Ollama({ host: at.server.url }).embed({
      model: "test-model",
      input: texts,
    });
    await near(at.embedder, embeddings);
    expect((await at.embedder.embed(texts)).usage).toMatchObject({ inputTokens: prompt_eval_count });
  });

  it("agree with Atlas on what aimock answers", async () => {
    const mock = new LLMock({ port: 0 });
    mock.onEmbedding("bread", { embedding: [3, 4, 12] });
    await mock.start();
    await using provider = openai({ apiKey: "test", baseUrl: `${mock.url}/v1` });
    const client = new OpenAI({ apiKey: "test", baseURL: `${mock.url}/v1` });
    const { data } = await client.embeddings.create({ model: "m", input: ["bread"] });
    const ours = await provider.embedder?.("m").embed(["bread"]);
    expect([...(ours?.vectors[0] ?? [])].map((number) => number.toFixed(5))).toEqual(
      unit(data[0]?.embedding ?? []).map((number) => number.toFixed(5)),
    );
    expect(ours?.vectors[0]).toHaveLength(3);
    await mock.stop();
  });
});
