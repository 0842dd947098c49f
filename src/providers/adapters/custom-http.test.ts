import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { brokenModels } from "../../testing/broken-models.ts";
import { mustFail, registerContract } from "../../testing/contract.ts";
import {
  contractCall,
  contractText,
  modelContract,
  type ModelScenario,
  type ModelSubject,
} from "../../testing/model-contract.ts";
import { type WireAnswer, wireServer } from "../../testing/wire-server.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import { customHttp } from "./custom-http.ts";

const key = "sk-live-0123456789abcdef";
const request = { messages: [userMessage("Why does bread rise?")] };
const pieces = contractText.match(/.{1,9}/gsu) ?? [];
const inputText = JSON.stringify(contractCall.input);
const inputPieces = inputText.match(/.{1,7}/gsu) ?? [];

const send = {
  path: "/generate/${model}",
  headers: { "x-api-key": "${key}" },
  body: {
    turns: "${messages}",
    abilities: "${tools}",
    options: { heat: "${temperature}", limit: "${maxOutputTokens}" },
  },
};

/** Is one home-made server: how it is described, and what it says. */
interface Kind {
  readonly endpoint: JsonObject;
  readonly type: string;
  readonly text: readonly string[];
  readonly tool: readonly string[];
}

const sse = (event: unknown): string => `data: ${JSON.stringify(event)}\n\n`;
const line = (event: unknown): string => `${JSON.stringify(event)}\n`;

const kinds: Readonly<Record<string, Kind>> = {
  sse: {
    type: "text/event-stream",
    endpoint: {
      request: send,
      response: {
        stream: "sse",
        delta: "out[0].piece",
        finishReason: "/out/0/why",
        finishReasons: { done: "stop", acts: "tool_calls" },
        usage: { input: "count.in", output: "count.out", cached: "count.cached" },
        toolCalls: { list: "acts", index: "n", id: "id", name: "what", arguments: "with" },
        end: { text: "[OVER]" },
      },
    },
    text: [
      ...pieces.map((piece) => sse({ out: [{ piece }] })),
      sse({ out: [{ why: "done" }], count: { in: 30, out: 12, cached: 8 } }),
      "data: [OVER]\n\n",
    ],
    tool: [
      sse({ acts: [{ n: 0, id: "a1", what: contractCall.name, with: "" }] }),
      ...inputPieces.map((text) => sse({ acts: [{ n: 0, with: text }] })),
      sse({ out: [{ why: "acts" }], count: { in: 30, out: 12 } }),
      "data: [OVER]\n\n",
    ],
  },
  ndjson: {
    // Many home-made servers call their lines JSON.
    type: "application/json",
    endpoint: {
      request: send,
      response: {
        stream: "ndjson",
        text: "sofar",
        usage: { input: "in", output: "out" },
        toolCalls: { list: "acts", name: "what", arguments: "with" },
        end: { path: "done" },
      },
    },
    text: [
      ...pieces.map((_, index) => line({ sofar: pieces.slice(0, index + 1).join("") })),
      line({ done: true, in: 30, out: 12 }),
    ],
    tool: [
      line({ acts: [{ what: contractCall.name, with: contractCall.input }] }),
      line({ done: true, in: 30, out: 12 }),
    ],
  },
  json: {
    type: "application/json; charset=utf-8",
    endpoint: {
      request: send,
      response: {
        stream: "json",
        text: "answer.text",
        usage: { input: "usage.in", output: "usage.out" },
        toolCalls: { list: "answer.acts", name: "what", arguments: "with" },
      },
    },
    text: [JSON.stringify({ answer: { text: contractText }, usage: { in: 30, out: 12 } })],
    tool: [
      JSON.stringify({
        answer: { acts: [{ what: contractCall.name, with: inputText }] },
        usage: { in: 30, out: 12 },
      }),
    ],
  },
  text: {
    type: "text/plain; charset=utf-8",
    endpoint: { request: { ...send, body: { ask: "${prompt}" } }, response: { stream: "text" } },
    text: pieces,
    tool: [],
  },
};

const whole = "the one JSON of an answer is there when all of it is";
const skips: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  json: {
    "the pieces of text are the whole text, in order": whole,
    "an answer that breaks off is an error that keeps what it cost": `${whole}; see the test of a JSON that is cut`,
    "cancel in the middle ends the call and what is upstream": whole,
    "leaving the loop ends what is upstream": whole,
    "nothing stays on the signal after the call": `${whole}, so that its middle cannot be left`,
  },
  text: {
    "a tool call starts, comes in pieces that are its input, and completes with it parsed":
      "plain text has no tool calls",
  },
};

function answerOf({ type, text, tool }: Kind, scenario: ModelScenario): WireAnswer {
  const headers = { "content-type": type };
  const begun = text.length > 1 ? text.slice(0, 2) : [text[0]?.slice(0, 20) ?? ""];
  const answers: Readonly<Record<ModelScenario, WireAnswer>> = {
    text: { headers, chunks: text },
    tool: { headers, chunks: tool },
    // Only a broken connection tells a plain text that is cut from a short one.
    truncated: { headers, chunks: begun, ending: type.startsWith("text/plain") ? "cut" : "end" },
    stalled: { headers, chunks: begun, ending: "hang" },
    silent: { silent: true },
    limited: { status: 429, headers: { "retry-after": "2" }, chunks: ["slow down"] },
  };
  return answers[scenario];
}

async function open(endpoint: JsonObject, answer: WireAnswer = {}) {
  const server = await wireServer();
  server.answer(answer);
  const provider = customHttp({ name: "mine", baseUrl: server.url, apiKey: key, endpoint });
  return {
    server,
    provider,
    model: provider.model("org/bread-1"),
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe.each(Object.entries(kinds))("an endpoint of the form %s", (name, kind) => {
  const subject = async (): Promise<ModelSubject & AsyncDisposable> => {
    const { server, model, ...rest } = await open(kind.endpoint);
    return {
      ...rest,
      async model(scenario) {
        server.answer(answerOf(kind, scenario));
        return model;
      },
      idle: () => server.idle(),
    };
  };

  describe("keeps the contract of a model:", () => {
    registerContract(it, { cases: modelContract, make: subject }, { skip: skips[name] ?? {} });

    it.each(brokenModels.map((broken) => [broken.name, broken] as const))("and not when it %s", async (_, broken) => {
      const noticedBy = broken.noticedBy.filter((each) => skips[name]?.[each] === undefined);
      if (noticedBy.length === 0) return;
      const make = async (): Promise<ModelSubject & AsyncDisposable> => {
        const sound = await subject();
        return { ...sound, model: async (scenario) => broken.wrap(await sound.model(scenario)) };
      };
      await mustFail({ cases: modelContract, make }, noticedBy);
    });
  });

  it("never takes an answer for whole that was cut anywhere", async () => {
    const bytes = Buffer.from(kind.text.join(""));
    await using at = await open(kind.endpoint);
    for (let end = 0; end < bytes.length - 1; end += 13) {
      // A plain text has no end of its own: only the connection tells.
      const ending = name === "text" ? "cut" : "end";
      at.server.answer({ headers: { "content-type": kind.type }, chunks: [bytes.subarray(0, end)], ending });
      const outcome = await generate(at.model, request).catch((error: unknown) => error);
      if (name === "sse" && bytes.subarray(0, end).includes('"done"')) continue;
      expect(outcome, `cut at ${end}`).toMatchObject({ code: "stream_interrupted", details: { phase: "stream" } });
    }
  });

  it("maps a page, a refusal in words of its own and an unknown model to the codes of every provider", async () => {
    await using at = await open(kind.endpoint);
    const cases: readonly (readonly [WireAnswer, string])[] = [
      [{ status: 401, chunks: [`<html>${key}</html>`] }, "provider_authentication"],
      [{ status: 404, headers: { "content-type": "text/html" }, chunks: ["<html>"] }, "provider_invalid_request"],
      [{ status: 404, chunks: [JSON.stringify({ error: "model 'bread-1' not found" })] }, "model_not_found"],
      [{ status: 503, chunks: ["busy"] }, "provider_error"],
      [{ headers: { "content-type": "text/html" }, chunks: ["<html>Sign in</html>"] }, "provider_malformed_response"],
    ];
    for (const [answer, code] of cases) {
      at.server.answer(answer);
      const error: unknown = await generate(at.model, request).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, details: { provider: "mine", model: "org/bread-1" } });
      expect(JSON.stringify(error)).not.toContain(key);
    }
  });
});

describe("a description", () => {
  it("says what is sent: address, headers, and a body without what the call does not say", async () => {
    const { sse: kind } = kinds;
    if (kind === undefined) throw new Error("no such form");
    await using at = await open(kind.endpoint, answerOf(kind, "text"));
    await generate(at.model, { ...request, temperature: 0.2 });
    expect(at.server.requests[0]).toMatchObject({
      method: "POST",
      path: "/generate/org%2Fbread-1",
      headers: { "x-api-key": key, "content-type": "application/json" },
    });
    expect(JSON.parse(at.server.requests[0]?.body ?? "")).toEqual({
      turns: [{ role: "user", content: "Why does bread rise?" }],
      options: { heat: 0.2 },
    });
  });

  it("can ask by GET, with a query of its own beside that of the base URL", async () => {
    await using server = await wireServer();
    server.answer({ headers: { "content-type": "text/plain" }, chunks: ["Yeast."] });
    await using provider = customHttp({
      name: "mine",
      baseUrl: `${server.url}/api?tenant=7`,
      endpoint: { request: { method: "GET", path: "/ask?q=${prompt}&m=${model}" }, response: { stream: "text" } },
    });
    expect(await generate(provider.model("a&b"), request)).toMatchObject({
      text: "Yeast.",
      usage: { provenance: "estimated" },
    });
    expect(server.requests[0]).toMatchObject({
      method: "GET",
      path: "/api/ask?q=Why%20does%20bread%20rise%3F&m=a%26b&tenant=7",
      body: "",
    });
  });

  it("says where models are listed; without it there is no list", async () => {
    const response = { stream: "text" };
    await using at = await open({ request: send, response, models: { path: "/names", list: "all", name: "tag" } });
    at.server.answer({ chunks: [JSON.stringify({ all: [{ tag: "a" }, { tag: "b" }, {}] })] });
    expect(await at.provider.listModels()).toEqual(["a", "b"]);
    expect(at.server.requests[0]).toMatchObject({ method: "GET", path: "/names" });
    await using without = await open({ request: send, response });
    await expect(without.provider.listModels()).rejects.toMatchObject({ code: "provider_unsupported" });
    expect(without.server.requests).toEqual([]);
  });

  it("finds an error that comes with status 200, wherever it stands, and in the middle of a stream", async () => {
    const error = { at: "problem", message: "problem.text", code: "problem.kind" };
    const endpoint = (stream: string) => ({
      request: send,
      response: { stream, delta: "piece", end: { path: "done" }, error },
    });
    const body = { problem: { text: "You exceeded your current quota", kind: "E_MONEY" } };
    const answers: readonly (readonly [string, WireAnswer])[] = [
      ["sse", { headers: { "content-type": "application/json" }, chunks: [JSON.stringify(body)] }],
      ["sse", { headers: { "content-type": "text/event-stream" }, chunks: [sse({ piece: "Yea" }), sse(body)] }],
      ["ndjson", { headers: { "content-type": "application/json" }, chunks: [line({ piece: "Yea" }), line(body)] }],
      ["json", { headers: { "content-type": "application/json" }, chunks: [JSON.stringify(body)] }],
      ["sse", { status: 400, chunks: [JSON.stringify(body)] }],
    ];
    for (const [stream, answer] of answers) {
      await using at = await open(endpoint(stream), answer);
      await expect(generate(at.model, request)).rejects.toMatchObject({
        code: "provider_quota",
        details: { providerCode: "E_MONEY" },
      });
    }
  });

  it("knows the usual words for why an answer stopped, and others as it is told", async () => {
    const response = { stream: "json", text: "text", finishReason: "why", finishReasons: { FULL: "length" } };
    await using at = await open({ request: send, response });
    const words = {
      EOS: "stop",
      max_tokens: "length",
      full: "length",
      constructor: "other",
      tired: "other",
      "7": "other",
    };
    for (const [why, finishReason] of Object.entries(words)) {
      const body = JSON.stringify({ text: "Yeast.", why: why === "7" ? 7 : why });
      at.server.answer({ headers: { "content-type": "application/json" }, chunks: [body] });
      expect(await generate(at.model, request)).toMatchObject({ finishReason });
    }
  });

  it("that names the wrong places gives an error, not an empty answer", async () => {
    await using at = await open({ request: send, response: { stream: "json", text: "answer" } });
    at.server.answer({ headers: { "content-type": "application/json" }, chunks: ['{"reply":"Yeast."}'] });
    await expect(generate(at.model, request)).rejects.toMatchObject({ code: "provider_malformed_response" });
    at.server.answer({ headers: { "content-type": "application/json" }, chunks: ["Yeast."] });
    await expect(generate(at.model, request)).rejects.toMatchObject({ code: "provider_malformed_response" });
  });

  it("says that nobody listens at the address", async () => {
    const endpoint = { request: send, response: { stream: "text" } };
    await using provider = customHttp({ name: "mine", baseUrl: "http://127.0.0.1:9", apiKey: key, endpoint });
    await expect(generate(provider.model("m"), request)).rejects.toMatchObject({ code: "provider_unreachable" });
    await using keyless = customHttp({ name: "mine", baseUrl: "http://127.0.0.1:9", endpoint });
    await expect(generate(keyless.model("m"), request)).rejects.toMatchObject({ code: "provider_authentication" });
  });
});

it("a JSON answer that hangs is ended by a cancel, and one that is cut keeps what it cost", async () => {
  const { json: kind } = kinds;
  if (kind === undefined) throw new Error("no such form");
  await using at = await open(kind.endpoint, answerOf(kind, "stalled"));
  const stop = new AbortController();
  const asked = generate(at.model, request, { signal: stop.signal });
  setImmediate(() => stop.abort());
  await expect(asked).rejects.toMatchObject({ code: "cancelled" });
  await at.server.idle();
  at.server.answer(answerOf(kind, "truncated"));
  await expect(generate(at.model, request)).rejects.toMatchObject({
    code: "stream_interrupted",
    details: { partialUsage: { provenance: "estimated" } },
  });
});
