import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { baseErrors } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { group } from "../groups/group.ts";
import { userMessage } from "../message.ts";
import type { Model, ModelRequest, StreamPart } from "../model.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { fromAiSdk, toAiSdk } from "./ai-sdk.ts";

const question: ModelRequest = { messages: [userMessage("Why?")] };

async function partsOf(model: Model, request: ModelRequest = question): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of model.stream(request)) parts.push(part);
  return parts;
}

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
const turn = fc.record(
  {
    reasoning: text,
    text,
    toolCalls: fc.uniqueArray(
      fc.record({
        id: fc.uuid(),
        name: fc.constantFrom("look", "find"),
        input: fc.dictionary(fc.string(), fc.jsonValue()),
      }),
      { maxLength: 3, selector: ({ id }) => id },
    ),
    finishReason: fc.constantFrom("stop", "length", "content_filter", "budget", "other"),
    usage: fc.record({ inputTokens: fc.nat(9_999), outputTokens: fc.nat(9_999), reasoningTokens: fc.nat(99) }),
  },
  { requiredKeys: [] },
);

describe("there and back", () => {
  it("gives the same parts, whatever a model says", async () => {
    await fc.assert(
      fc.asyncProperty(turn, async (said) => {
        // What is no JSON once it was written is none of the bridge's.
        const script = JSON.parse(JSON.stringify(said)) as ScriptedTurn;
        const model = scripted([script]);
        const meant = (await partsOf(model)).filter(({ type }) => type !== "usage.updated");
        expect(await partsOf(fromAiSdk(toAiSdk(model)))).toEqual(meant);
      }),
      { numRuns: 100 },
    );
  });

  it("gives the same request, and the same error", async () => {
    const asked: ModelRequest[] = [];
    const model = scripted((request) => {
      asked.push(request);
      return { text: "half", error: "provider_content_filter" };
    });
    const request: ModelRequest = {
      messages: [
        { role: "system", content: [{ type: "text", text: "Be short." }] },
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "file", mediaType: "image/png", data: "aGk=", name: "a.png" },
            { type: "file", mediaType: "image/png", url: "https://example.com/a.png" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "reasoning", text: "Hm.", provider: "scripted", signature: "sig" },
            { type: "text", text: "I look." },
            { type: "tool.call", id: "c1", name: "look", input: { at: [1, null] } },
          ],
        },
        {
          role: "tool",
          content: [
            { type: "tool.result", id: "c1", name: "look", output: { seen: true } },
            { type: "tool.result", id: "c2", name: "look", output: "broken", failed: true },
          ],
        },
      ],
      tools: [{ name: "look", description: "Looks.", inputSchema: { type: "object" } }],
      toolChoice: { name: "look" },
      responseFormat: { name: "loaf", schema: { type: "object" } },
      maxOutputTokens: 10,
      temperature: 0.5,
      stopSequences: ["END"],
      seed: 7,
      providerOptions: { scripted: { mood: "good" } },
    };
    const bridged = fromAiSdk(toAiSdk(model));
    await expect(partsOf(bridged, request)).rejects.toMatchObject({ code: "provider_content_filter" });
    expect(asked).toEqual([request]);
  });
});

describe("a model of Atlas in the AI SDK", () => {
  const model = scripted([
    { reasoning: "Hm.", text: "Because yeast breathes.", usage: { inputTokens: 5, outputTokens: 4 } },
  ]);

  it("answers generateText and streamText", async () => {
    const whole = await generateText({ model: toAiSdk(model), prompt: "Why?" });
    expect(whole).toMatchObject({ text: "Because yeast breathes.", reasoningText: "Hm.", finishReason: "stop" });
    expect(whole.usage).toMatchObject({ inputTokens: 5, outputTokens: 4 });
    const stream = streamText({ model: toAiSdk(model), prompt: "Why?" });
    let said = "";
    for await (const piece of stream.textStream) said += piece;
    expect(said).toBe("Because yeast breathes.");
    expect(await stream.usage).toMatchObject({ inputTokens: 5, outputTokens: 4 });
  });

  it("calls tools and goes on", async () => {
    const caller = scripted([{ toolCalls: [{ name: "weather", input: { city: "Łódź" } }] }, "It is 21 degrees."]);
    const weather = tool({
      description: "Tells the weather.",
      inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } }),
      execute: ({ city }) => ({ city, degrees: 21 }),
    });
    const { text: said, steps } = await generateText({
      model: toAiSdk(caller),
      prompt: "weather please",
      tools: { weather },
      stopWhen: stepCountIs(3),
    });
    expect(said).toBe("It is 21 degrees.");
    expect(steps[0]?.toolResults[0]).toMatchObject({ toolName: "weather", output: { city: "Łódź", degrees: 21 } });
  });

  it("gives objects by a schema", async () => {
    const schema = jsonSchema<{ loaves: number }>({ type: "object", properties: { loaves: { type: "number" } } });
    const asked: ModelRequest[] = [];
    const baker = scripted((request) => {
      asked.push(request);
      return '{"loaves":3}';
    });
    const { output } = await generateText({
      model: toAiSdk(baker),
      prompt: "How many?",
      output: Output.object({ schema }),
    });
    expect(output).toEqual({ loaves: 3 });
    expect(asked[0]?.responseFormat?.schema).toMatchObject({ type: "object" });
  });

  it("is a group too: streamText does not see that a member failed, and the report tells (acceptance 31)", async () => {
    const failing = scripted([{ error: "provider_error" }], { name: "failing" });
    const members = [failing, scripted(["Because yeast breathes."], { name: "sound" })];
    const stream = streamText({
      model: toAiSdk(group({ name: "both", members, retry: { maxAttempts: 2 } })),
      prompt: "Why?",
    });
    expect(await stream.text).toBe("Because yeast breathes.");
    const metadata = await stream.providerMetadata;
    expect(JSON.stringify(metadata)).toContain("failing");
  });

  it("is asked once: the AI SDK does not retry what Atlas has given up", async () => {
    let calls = 0;
    const failing = scripted(() => {
      calls++;
      return { error: "provider_error" };
    });
    await expect(generateText({ model: toAiSdk(failing), prompt: "Why?" })).rejects.toMatchObject({
      code: "provider_error",
    });
    expect(calls).toBe(1);
  });
});

/** Says a word as often as it is asked, and tells when it was closed. */
function endless(): { readonly model: Model; readonly closed: Promise<void> } {
  const closed = Promise.withResolvers<void>();
  const script = scripted([]);
  const model: Model = {
    ...script,
    async *stream(_, { signal } = {}) {
      try {
        yield { type: "response.started" };
        while (true) {
          if (signal?.aborted === true) throw baseErrors.create("cancelled", "The call was cancelled.");
          yield { type: "text.delta", text: "on " };
          await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        closed.resolve();
      }
    },
  };
  return { model, closed: closed.promise };
}

describe("a reader who aborts", () => {
  it("is told so by the AI SDK, and what is upstream is closed", async () => {
    const { model, closed } = endless();
    const stop = new AbortController();
    let aborted = 0;
    const stream = streamText({
      model: toAiSdk(model),
      prompt: "Why?",
      abortSignal: stop.signal,
      onAbort: () => {
        aborted++;
      },
    });
    let said = "";
    for await (const piece of stream.textStream) {
      said += piece;
      if (said.length === 9) stop.abort();
    }
    await closed;
    expect(aborted).toBe(1);
    const asked = generateText({
      model: toAiSdk(endless().model),
      prompt: "Why?",
      abortSignal: AbortSignal.timeout(5),
    });
    await expect(asked).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

describe("a reader who walks away", () => {
  it("is given up after walkAwayMs, and what is upstream is closed", async () => {
    const clock = manualClock();
    const { model, closed } = endless();
    const { stream } = await toAiSdk(model, { walkAwayMs: 1_000, clock }).doStream({ prompt: [] });
    const reader = stream.getReader();
    for (let read = 0; read < 3; read++) {
      await reader.read();
      await clock.advance(900);
    }
    await clock.advance(200);
    await closed;
    await expect(reader.read()).rejects.toMatchObject({
      code: "stream_interrupted",
      details: { causeCode: "walkAwayMs" },
    });
    expect(clock.sleeping).toBe(0);
  });

  it("closes what is upstream at once when it says so", async () => {
    const clock = manualClock();
    const { model, closed } = endless();
    const { stream } = await toAiSdk(model, { clock }).doStream({ prompt: [] });
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    await closed;
    expect(clock.sleeping).toBe(0);
  });
});
