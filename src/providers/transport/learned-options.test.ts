import { expect, it } from "vitest";
import { wireFormats } from "../../testing/wire-formats.ts";
import { type WireAnswer, type WireRequest, wireServer } from "../../testing/wire-server.ts";
import { anthropic } from "../adapters/anthropic.ts";
import { openai, openaiCompatible } from "../adapters/openai-chat.ts";
import { openaiResponses } from "../adapters/openai-responses.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";

const request = { messages: [userMessage("Hello")] };
const good = wireFormats["openai-chat"].answer("text");
const refusal = (message: string, status = 400): WireAnswer => ({
  status,
  chunks: [JSON.stringify({ error: { message } })],
});

async function open(answer: (request: WireRequest) => WireAnswer) {
  const server = await wireServer();
  server.answer(answer);
  const provider = openaiCompatible({ name: "mine", baseUrl: `${server.url}/v1` });
  return {
    server,
    provider,
    asked: () => server.requests.map((each) => each.body.includes("include_usage")),
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

it.each([400, 422])(
  "a model that refuses with %i to be asked for usage is asked without, and never again (acceptance 12)",
  async (status) => {
    await using at = await open(({ body }) =>
      body.includes("include_usage") ? refusal("Unknown parameter: stream_options", status) : good,
    );
    for (let count = 0; count < 2; count++) await generate(at.provider.model("a"), request);
    expect(at.asked()).toEqual([true, false, false]);
    await generate(at.provider.model("b"), request);
    expect(at.asked()).toEqual([true, false, false, true, false]);
    await at.server.idle();
  },
);

it.each([
  [
    "openai",
    "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
  ],
  ["responses", "Unsupported parameter: 'temperature' is not supported with this model."],
  ["anthropic", "`temperature` is deprecated for this model."],
] as const)("a model of %s that takes no temperature is asked without, and never again", async (name, words) => {
  const format = ({ openai: "openai-chat", responses: "openai-responses", anthropic: "anthropic" } as const)[name];
  await using server = await wireServer();
  server.answer(({ body }) => (body.includes('"temperature"') ? refusal(words) : wireFormats[format].answer("text")));
  const make = { openai, responses: openaiResponses, anthropic }[name];
  await using provider = make({ baseUrl: server.url, apiKey: "key" });
  for (let count = 0; count < 2; count++) await generate(provider.model("a"), { ...request, temperature: 0.5 });
  expect(server.requests.map(({ body }) => body.includes('"temperature"'))).toEqual([true, false, false]);
});

it("two options that are refused one after the other are both left out", async () => {
  await using at = await open(({ body }) => {
    if (body.includes("include_usage")) return refusal("stream_options?");
    return body.includes('"temperature"') ? refusal("Unsupported: temperature") : good;
  });
  for (let count = 0; count < 2; count++) await generate(at.provider.model("a"), { ...request, temperature: 0.5 });
  expect(at.server.requests).toHaveLength(4);
});

it("a temperature that is wrong is told, not left out", async () => {
  await using at = await open(() => refusal("Invalid 'temperature': decimal above maximum value"));
  const asked = generate(at.provider.model("a"), { ...request, temperature: 5 });
  await expect(asked).rejects.toMatchObject({ code: "provider_invalid_request" });
  expect(at.server.requests).toHaveLength(1);
});

it("another refusal is told as it came, and nothing is sent twice", async () => {
  await using at = await open(() => refusal("model 'a' not found"));
  await expect(generate(at.provider.model("a"), request)).rejects.toMatchObject({ code: "model_not_found" });
  expect(at.asked()).toEqual([true]);
});

it("a refusal that stays one is told, and nothing is learned from it", async () => {
  await using at = await open(() => refusal("stream_options is fine, but max_tokens is too large"));
  const model = at.provider.model("a");
  for (let count = 0; count < 2; count++) {
    await expect(generate(model, request)).rejects.toMatchObject({ code: "provider_invalid_request" });
  }
  expect(at.asked()).toEqual([true, false, true, false]);
});

it("a refusal longer than anyone reads is told as it came", async () => {
  await using at = await open(() => ({ status: 400, chunks: ["stream_options ".repeat(8_192)] }));
  await expect(generate(at.provider.model("a"), request)).rejects.toMatchObject({ details: { status: 400 } });
  expect(at.asked()).toEqual([true]);
});

it("a refusal whose body does not end is told by its status, long before a call without an answer would be", async () => {
  await using at = await open(() => ({ status: 400, chunks: ['{"error":'], ending: "hang" }));
  const startMs = performance.now();
  await expect(generate(at.provider.model("a"), request)).rejects.toMatchObject({
    code: "provider_invalid_request",
    details: { status: 400 },
  });
  expect(performance.now() - startMs).toBeLessThan(4_000);
  await at.server.idle();
});

it("cancelling ends a request that is being made again", async () => {
  await using at = await open(({ body }) =>
    body.includes("include_usage") ? refusal("stream_options?") : { silent: true },
  );
  const stop = new AbortController();
  const asked = generate(at.provider.model("a"), request, { signal: stop.signal });
  const cancelled = expect(asked).rejects.toMatchObject({ code: "cancelled" });
  while (at.server.requests.length < 2) await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  await cancelled;
  await at.server.idle();
});
