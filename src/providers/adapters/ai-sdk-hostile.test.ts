import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Model } from "../model.ts";
import { fromAiSdk } from "./ai-sdk.ts";
import type { AiSdkModel } from "./ai-sdk-request.ts";

const question = { messages: [userMessage("Why does bread rise?")] };

/** Makes a model as a provider without types could: `parts` are whatever it says. */
function modelOf(answer: () => readonly unknown[]): Model {
  const made: unknown = {
    specificationVersion: "v3",
    provider: "odd.chat",
    modelId: "m",
    supportedUrls: {},
    doStream: async () => ({ stream: ReadableStream.from(answer()) }),
  };
  return fromAiSdk(made as AiSdkModel);
}

const text = { type: "text-delta", id: "1", delta: "x" };
const tokens = (total: unknown): object => ({ inputTokens: { total }, outputTokens: { total } });

describe("a hostile provider of the AI SDK", () => {
  it.each(["constructor", "__proto__"])("ends for a reason that is none of ours: %s", async (unified) => {
    const finish = { type: "finish", finishReason: { unified, raw: "odd" }, usage: tokens(3) };
    const answer = await generate(
      modelOf(() => [text, finish]),
      question,
    );
    expect(answer.finishReason).toBe("other");
  });

  it.each([-5, Number.NaN, 1e308, "7", null])("is not believed about its tokens: %s", async (total) => {
    const finish = { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: tokens(total) };
    const { usage } = await generate(
      modelOf(() => [text, finish]),
      question,
    );
    expect(usage.provenance).toBe("estimated");
    expect(usage.inputTokens).toBeGreaterThan(0);
    expect(usage.inputTokens).toBeLessThan(1_000);
  });

  it("fails by its code when it sends what is no part, or what is no JSON", async () => {
    const circle: Record<string, unknown> = { type: "source" };
    circle["self"] = circle;
    for (const part of [null, circle, { type: "source", big: 1n }]) {
      const asked = generate(
        modelOf(() => [text, part]),
        question,
      );
      await expect(asked).rejects.toMatchObject({ code: "provider_malformed_response", details: { provider: "odd" } });
    }
  });

  it("does not bring its own words into the error", async () => {
    const model = modelOf(() => {
      throw new Error("Incorrect API key provided: sk-canary");
    });
    const error: unknown = await generate(model, question).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ details: { provider: "odd" } });
    expect(inspect(error, { depth: 10 })).not.toContain("canary");
  });

  it("is not asked about a file whose address is none", async () => {
    const file = { type: "file", mediaType: "image/png", url: "canary picture" } as const;
    const model = modelOf(() => expect.fail("It was asked."));
    const error: unknown = await generate(model, { messages: [{ role: "user", content: [file] }] }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "provider_invalid_request", details: { param: "files" } });
    expect(inspect(error, { depth: 10 })).not.toContain("canary");
  });
});
