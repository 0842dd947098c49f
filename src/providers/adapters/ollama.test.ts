import { expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { type WireAnswer, wireServer } from "../../testing/wire-server.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import { ollama, type OllamaOptions } from "./ollama.ts";

async function open(answer: WireAnswer, options: OllamaOptions = {}) {
  const server = await wireServer();
  server.answer(answer);
  const provider = ollama({ baseUrl: server.url, ...options });
  return {
    server,
    provider,
    model: provider.model("qwen3:4b"),
    body: () => JSON.parse(server.requests.at(-1)?.body ?? "null") as JsonValue,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const wire = wireFormats.ollama;
const request = { messages: [userMessage("Why does bread rise?")] };
const line = (message: JsonObject, rest: JsonObject = {}): string =>
  `${JSON.stringify({ model: "m", message: { role: "assistant", ...message }, done: false, ...rest })}\n`;

it("is asked over its native API and always told its context, how to think and how long to stay (acceptance 29)", async () => {
  await using at = await open(wire.answer("text"));
  await generate(at.model, request);
  expect(at.server.requests[0]).toMatchObject({ method: "POST", path: "/api/chat" });
  expect(at.body()).toMatchObject({ options: { num_ctx: 8_192 }, truncate: false, shift: false });
  expect(at.body()).not.toHaveProperty("think");

  const told: OllamaOptions = { contextTokens: 32_768, think: "low", keepAlive: "10m", truncate: true };
  await using other = await open(wire.answer("text"), told);
  await generate(other.model, request);
  expect(other.body()).toMatchObject({ options: { num_ctx: 32_768 }, think: "low", keep_alive: "10m" });
  expect(other.body()).not.toHaveProperty("truncate");
  await generate(other.model, { ...request, providerOptions: { ollama: { think: false, options: { top_k: 5 } } } });
  expect(other.body()).toMatchObject({ think: false, options: { num_ctx: 32_768, top_k: 5 } });
});

it("that read far less than was sent is noticed, with both numbers (acceptance 29)", async () => {
  const long = { messages: [userMessage("Bread rises because yeast breathes. ".repeat(1_000))] };
  const end = (count: number): WireAnswer => ({
    headers: { "content-type": "application/x-ndjson" },
    chunks: [
      line({ content: "Yes." }),
      line({}, { done: true, done_reason: "stop", prompt_eval_count: count, eval_count: 2 }),
    ],
  });
  await using at = await open(end(2_000));
  expect((await generate(at.model, long)).metadata).toEqual({
    truncatedPrompt: true,
    promptTokens: 2_000,
    expectedPromptTokens: 9_000,
  });
  at.server.answer(end(7_500));
  expect((await generate(at.model, long)).metadata).toEqual({});
  at.server.answer(end(9));
  expect((await generate(at.model, request)).metadata).toEqual({});
});

it("that refuses what does not fit says so with the code for it (acceptance 29)", async () => {
  const error = "the prompt is too long: it exceeds the context length of the model by 512 tokens";
  await using at = await open({ status: 400, chunks: [JSON.stringify({ error })] });
  await expect(generate(at.model, request)).rejects.toMatchObject({ code: "provider_context_length" });
});

it("can fail in a line of its own in the middle, and that is an error with what had been used (acceptance 29)", async () => {
  const chunks = [line({ content: "Bread" }), `${JSON.stringify({ error: "llama runner process has terminated" })}\n`];
  await using at = await open({ headers: { "content-type": "application/x-ndjson" }, chunks, ending: "hang" });
  await expect(generate(at.model, request)).rejects.toMatchObject({
    code: "provider_error",
    details: { phase: "stream", partialUsage: { provenance: "estimated" } },
  });
  await at.server.idle();
});

it("stops one call and not the others when that call is cancelled (acceptance 29)", async () => {
  await using at = await open(wire.answer("stalled"));
  const stop = new AbortController();
  const read = async (signal?: AbortSignal): Promise<void> => {
    for await (const part of at.model.stream(request, { signal })) if (part.type === "text.delta") stop.abort();
  };
  const other = new AbortController();
  const kept = read(other.signal);
  const keptEnds = expect(kept).rejects.toMatchObject({ code: "cancelled" });
  await expect(read(stop.signal)).rejects.toMatchObject({ code: "cancelled" });
  expect(at.server.open).toBeLessThanOrEqual(1);
  other.abort();
  await keptEnds;
  await at.server.idle();
});

it("may be silent for far longer than 300 seconds while it loads a model (acceptance 29)", async () => {
  const clock = manualClock();
  await using at = await open({ silent: true }, { clock });
  const asked = generate(at.model, request);
  const failed = expect(asked).rejects.toMatchObject({
    code: "provider_timeout",
    details: { causeCode: "firstPartMs" },
  });
  let settled = false;
  void asked.catch(() => (settled = true));
  await clock.waitForSleepers(1);
  await clock.advance(899_000);
  expect(settled).toBe(false);
  await clock.advance(2_000);
  await failed;
});

it("thinks aloud, and gets its own thoughts back (acceptance 22)", async () => {
  const chunks = [
    line({ thinking: "Yeast." }),
    line({ content: "Gas." }),
    line({}, { done: true, done_reason: "stop", prompt_eval_count: 5, eval_count: 4 }),
  ];
  await using at = await open({ headers: { "content-type": "application/x-ndjson" }, chunks });
  const { message } = await generate(at.model, request);
  expect(message.content[0]).toEqual({ type: "reasoning", text: "Yeast.", provider: "ollama" });
  await generate(at.model, { messages: [...request.messages, message, userMessage("Why?")] });
  expect(at.body()).toMatchObject({ messages: [{}, { role: "assistant", content: "Gas.", thinking: "Yeast." }, {}] });
});

it("whose call of a tool has no JSON for input hands it on to be repaired (acceptance 28)", async () => {
  const call = { function: { name: "look", arguments: '{"city": Lis' } };
  const chunks = [line({ tool_calls: [call] }), line({}, { done: true, done_reason: "stop" })];
  await using at = await open({ headers: { "content-type": "application/x-ndjson" }, chunks });
  expect(await generate(at.model, request)).toMatchObject({
    toolCalls: [{ name: "look", input: '{"city": Lis' }],
    metadata: { invalidToolCalls: 1 },
  });
});
