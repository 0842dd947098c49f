import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAtlasError } from "../../base/index.ts";
import { collect } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Provider } from "../model.ts";
import { anthropic } from "./anthropic.ts";
import { ollama } from "./ollama.ts";
import { openai } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";

const say = "A longer answer, in a good many pieces, of which not one may be missing when it counts as whole. ".repeat(
  4,
);
const input = { city: "Łódź", days: [1, 2, 3], note: "x".repeat(60) };
const cuts = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
const mock = new LLMock({ port: 0, chunkSize: 9 });

beforeAll(async () => {
  for (const cut of cuts) {
    mock.onMessage(`cut ${cut} text`, { content: say }, { truncateAfterChunks: cut, latency: 2 });
    mock.onMessage(
      `cut ${cut} call`,
      { toolCalls: [{ name: "look", arguments: JSON.stringify(input) }] },
      { truncateAfterChunks: cut, latency: 2 },
    );
  }
  mock.onMessage("hang up", { content: say }, { disconnectAfterMs: 20, latency: 5 });
  mock.onMessage("chaos", { content: say });
  await mock.start();
});
afterAll(() => mock.stop());

const formats: readonly (readonly [string, () => Provider])[] = [
  ["openai-chat", () => openai({ apiKey: "test", baseUrl: `${mock.url}/v1` })],
  ["openai-responses", () => openaiResponses({ apiKey: "test", baseUrl: `${mock.url}/v1` })],
  ["anthropic", () => anthropic({ apiKey: "test", baseUrl: mock.url })],
  ["ollama", () => ollama({ baseUrl: mock.url })],
];

/** Calls once and says how it went: `whole`, or the code of a typed error; anything else fails the test. */
async function outcomeOf(provider: Provider, text: string): Promise<string> {
  const model = provider.model("test-model");
  const collector = collect(model);
  try {
    for await (const part of model.stream({ messages: [userMessage(text)] })) collector.push(part);
  } catch (error) {
    expect(isAtlasError(error), String(error)).toBe(true);
    expect(error).toMatchObject({ details: { provider: provider.name, model: "test-model" } });
    expect(collector.result, "an answer that failed also finished").toBeUndefined();
    return isAtlasError(error) ? error.code : "";
  }
  const { result } = collector;
  if (text.endsWith("call")) expect(result?.toolCalls).toMatchObject([{ name: "look", input }]);
  else expect(result?.text).toBe(say);
  return "whole";
}

const faults = [
  [{ dropRate: 1 }, "provider_error"],
  [{ malformedRate: 1 }, "provider_malformed_response"],
  [{ rateLimitRate: 1 }, "provider_rate_limited"],
  [{ disconnectRate: 1 }, "provider_unreachable"],
] as const;

describe.each(formats)("%s against aimock in chaos", (_, make) => {
  it.each(faults)("meets %j with %s", async (chaos, code) => {
    mock.setChaos(chaos);
    await using provider = make();
    expect(await outcomeOf(provider, "chaos")).toBe(code);
    mock.clearChaos();
  });

  it("gives a whole answer or a typed error, never a short one (acceptance 31)", async () => {
    mock.setChaos({ dropRate: 0.2, malformedRate: 0.2, rateLimitRate: 0.2, disconnectRate: 0.2 });
    await using provider = make();
    const outcomes = new Set<string>();
    for (let count = 0; count < 60; count++) outcomes.add(await outcomeOf(provider, "chaos"));
    mock.clearChaos();
    const known = new Set<string>(["whole", ...faults.map(([, code]) => code)]);
    expect([...outcomes].filter((outcome) => !known.has(outcome))).toEqual([]);
    expect(outcomes).toContain("whole");
  });

  it.each(["text", "call"])(
    "never takes a cut %s answer for whole, wherever it is cut (acceptance 1)",
    async (kind) => {
      await using provider = make();
      const outcomes = new Set<string>();
      for (const cut of cuts) outcomes.add(await outcomeOf(provider, `cut ${cut} ${kind}`));
      expect(outcomes).toContain("stream_interrupted");
      // With nothing sent yet it is not the answer that broke off.
      const known = ["provider_unreachable", "stream_interrupted", "whole"];
      expect([...outcomes].filter((outcome) => !known.includes(outcome))).toEqual([]);
    },
  );

  it("knows an answer that the server hung up on", async () => {
    await using provider = make();
    expect(await outcomeOf(provider, "hang up")).toMatch(/^(stream_interrupted|provider_unreachable)$/);
  });
});
