import { describe, expect, it } from "vitest";
import type { AtlasError, JsonValue } from "../../base/index.ts";
import { isAtlasError } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { type WireAnswer, wireServer } from "../../testing/wire-server.ts";
import { formatNames, wireKey, wireProviders, type WireSetup } from "../../../test/lib/wires.ts";
import { providerErrors } from "../errors.ts";
import type { Provider } from "../model.ts";
import { customHttp } from "./custom-http.ts";
import { voyage } from "./voyage.ts";

type Make = (url: string, setup: WireSetup) => Provider;
type Ask = (provider: Provider, signal?: AbortSignal) => Promise<unknown>;

const custom: Make = (url, setup) =>
  customHttp({
    name: "custom",
    baseUrl: url,
    ...setup,
    endpoint: {
      request: { path: "/chat", body: { prompt: "${prompt}" } },
      response: { stream: "json", text: "text" },
      models: { path: "/models", list: "data", name: "id" },
    },
  });
const list: Ask = (provider, signal) => provider.listModels({ signal });
const embed: Ask = async (provider, signal) => await provider.embedder?.("m").embed(["a text"], { signal });

const asked: readonly (readonly [string, Make, Ask])[] = [
  ...[...formatNames.map((name) => [name, wireProviders[name]] as const), ["custom", custom] as const].map(
    ([name, make]) => [`the list of models of ${name}`, make, list] as const,
  ),
  ["the embedder of openai-chat", wireProviders["openai-chat"], embed],
  ["the embedder of ollama", wireProviders.ollama, embed],
  ["the embedder of voyage", (url, setup) => voyage({ apiKey: wireKey, baseUrl: url, ...setup }), embed],
];

async function open(make: Make, answer: WireAnswer, setup: WireSetup = {}) {
  const server = await wireServer();
  server.answer(answer);
  const provider = make(server.url, setup);
  return {
    server,
    provider,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<AtlasError> {
  try {
    await work;
  } catch (error) {
    if (!isAtlasError(error)) throw error;
    expect(error.code === "cancelled" || providerErrors.is(error)).toBe(true);
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(wireKey);
    return error;
  }
  return expect.fail("It did not fail.");
}

const headers = { "content-type": "application/json" };
const json = (body: JsonValue): string[] => [JSON.stringify(body)];
const limits = { "x-ratelimit-remaining-requests": "0" };
const broken = { error: { message: `Bad ${wireKey}`, code: "insufficient_quota" } };

describe.each(asked)("%s", (_, make, ask) => {
  it.each<readonly [string, WireAnswer, object]>([
    ["an error with HTTP 200", { headers, chunks: json(broken) }, { code: "provider_quota", retry: "changed" }],
    ["an error without a type", { chunks: json(broken) }, { code: "provider_quota", details: { phase: "stream" } }],
    [
      "too many requests",
      { status: 429, headers: { ...headers, ...limits, "retry-after": "3" }, chunks: json({ error: {} }) },
      {
        code: "provider_rate_limited",
        details: { phase: "headers", status: 429, retryAfterMs: 3_000, rateLimits: { requestsRemaining: 0 } },
      },
    ],
    ["a wrong key", { status: 401, chunks: [`<html>${wireKey}`] }, { code: "provider_authentication" }],
    [
      "a page",
      { headers: { "content-type": "text/html" }, chunks: ["<html>Sign in</html>"] },
      { code: "provider_malformed_response", message: expect.stringContaining("HTML") as unknown },
    ],
    ["a cut", { headers, chunks: ['{"data":['], ending: "cut" }, { code: "stream_interrupted" }],
    ["no headers", { silent: true }, { code: "provider_timeout", details: { causeCode: "firstPartMs" } }],
    ["half a body", { headers, chunks: ["{"], ending: "hang" }, { code: "provider_timeout" }],
  ])("%s is an error of the one shape (acceptance 9)", async (__, answer, expected) => {
    await using at = await open(make, answer, { timeouts: { firstPartMs: 200 } });
    const error = await failureOf(ask(at.provider));
    expect(error).toMatchObject(expected);
    expect(error.details).toMatchObject({ provider: at.provider.name });
    await at.server.idle();
  });

  it("is cancelled in every phase, before it is sent and in its body, in one shape (acceptance 9)", async () => {
    await using at = await open(make, { silent: true }, { clock: manualClock() });
    const none = await failureOf(ask(at.provider, AbortSignal.abort()));
    expect(none).toMatchObject({ code: "cancelled", details: { provider: at.provider.name, phase: "connect" } });
    expect(at.server.requests).toHaveLength(0);
    for (const answer of [{ silent: true }, { headers, chunks: ["{"], ending: "hang" }] as const) {
      at.server.answer(answer);
      const stop = new AbortController();
      const failure = failureOf(ask(at.provider, stop.signal));
      setTimeout(() => stop.abort(), 20);
      expect(await failure).toMatchObject({ code: "cancelled", details: { provider: at.provider.name } });
      await at.server.idle();
    }
  });

  it("says that nobody is there in the one shape (acceptance 9)", async () => {
    await using nobody = make("http://127.0.0.1:9", {});
    expect(await failureOf(ask(nobody))).toMatchObject({
      code: "provider_unreachable",
      details: { provider: nobody.name, phase: "connect", causeCode: "ECONNREFUSED" },
    });
  });
});

it("a list of models that stands by itself is read too, as some compatible endpoints give it", async () => {
  const chunks = ['[{"id":"a"},{"id":"b"},{}]'];
  await using at = await open(wireProviders["openai-chat"], {
    headers: { "content-type": "application/json" },
    chunks,
  });
  expect(await at.provider.listModels()).toEqual(["a", "b"]);
});
