import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { loadTokenizer } from "../adapters/gpt-tokenizer.ts";
import { hostedCapabilities } from "../capabilities.ts";
import { systemMessage, userMessage } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { countTokens, estimateNeed, estimateTokens } from "./tokens.ts";

const texts = {
  latin: "Bread rises because yeast breathes: one loaf takes about two hours in a warm kitchen.",
  german: "Brot geht auf, weil die Hefe atmet; ein Laib braucht in einer warmen Küche etwa zwei Stunden.",
  chinese: "面包会发酵,因为酵母在呼吸:在温暖的厨房里大约需要两个小时。",
  japanese: "パンが膨らむのは酵母が呼吸するからです。暖かい台所では約二時間かかります。",
  korean: "빵은 효모가 숨을 쉬기 때문에 부풀어 오릅니다. 따뜻한 부엌에서는 두 시간쯤 걸립니다.",
  russian: "Хлеб поднимается, потому что дрожжи дышат: на тёплой кухне это занимает около двух часов.",
  code: 'for (const part of parts) {\n  if (part.type === "text") console.log(part.text);\n}\n',
};

describe("the tokens of a text", () => {
  it("are exact for a model whose tokenizer is there", async () => {
    const tokenizer = await loadTokenizer();
    expect(countTokens("hello world", { model: "gpt-4o", tokenizer })).toEqual({ tokens: 2, exact: true });
    expect(countTokens("hello world", { model: "openai/gpt-5.4-mini-2026-03-17", tokenizer }).exact).toBe(true);
    expect(countTokens("hello world", { model: "gpt-4-0613", tokenizer })).toEqual({ tokens: 2, exact: true });
    // The name of a special token in a text is text, and no reason to fail.
    expect(countTokens("<|endoftext|>", { model: "gpt-4o", tokenizer }).tokens).toBeGreaterThan(1);
  });

  it("are an estimate for every other model, and without a tokenizer", async () => {
    const tokenizer = await loadTokenizer();
    expect(countTokens("hello world", { model: "claude-sonnet-5", tokenizer })).toEqual({ tokens: 3, exact: false });
    expect(countTokens("hello world", { model: "gpt-4o" })).toEqual({ tokens: 3, exact: false });
    expect(countTokens("", {})).toEqual({ tokens: 0, exact: false });
  });

  it("are estimated where the optional package is not installed", async () => {
    const url = JSON.stringify(new URL("../adapters/gpt-tokenizer.ts", import.meta.url).href);
    const program = `
      import { registerHooks } from "node:module";
      registerHooks({
        resolve: (specifier, context, nextResolve) =>
          nextResolve(specifier.replace(/^gpt-tokenizer/, "not-installed-at-all"), context),
      });
      const { loadTokenizer } = await import(${url});
      console.log(String(await loadTokenizer()));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect((await child.stdout.toArray()).join("").trim()).toBe("undefined");
  });

  it.each(Object.entries(texts))(
    "are estimated by script: %s within a factor of two of a real tokenizer",
    async (_, text) => {
      const { tokens } = countTokens(text, { model: "gpt-4o", tokenizer: await loadTokenizer() });
      expect(estimateTokens(text)).toBeGreaterThanOrEqual(tokens / 2);
      expect(estimateTokens(text)).toBeLessThanOrEqual(tokens * 2);
    },
  );

  it("are counted fast enough for a long conversation", () => {
    const text = texts.latin.repeat(12_000);
    const start = performance.now();
    estimateTokens(text);
    expect(performance.now() - start).toBeLessThan(100);
  });
});

describe("the tokens of a request", () => {
  const tools = [{ name: "weather", description: "Tells the weather.", inputSchema: { type: "object" } }];
  const request: ModelRequest = { messages: [systemMessage("Be brief."), userMessage("Hello!")] };

  it("hold its messages, tools, calls, results and the form of the answer, and are never said to be exact", async () => {
    const tokenizer = await loadTokenizer();
    const plain = countTokens(request, { model: "gpt-4o", tokenizer });
    expect(plain).toEqual({ tokens: 3 + 4 + 3 + 4 + 2, exact: false });
    const more: readonly ModelRequest[] = [
      { ...request, tools },
      { ...request, responseFormat: { name: "answer", schema: { type: "object" } } },
      {
        messages: [
          ...request.messages,
          { role: "assistant", content: [{ type: "tool.call", id: "1", name: "weather", input: { city: "Łódź" } }] },
          { role: "tool", content: [{ type: "tool.result", id: "1", name: "weather", output: { degrees: 21 } }] },
        ],
      },
      { messages: [...request.messages, { role: "assistant", content: [{ type: "reasoning", text: "Hm, well." }] }] },
    ];
    for (const each of more) expect(countTokens(each).tokens).toBeGreaterThan(countTokens(request).tokens + 4);
  });

  it.each([
    ["image/png", "x".repeat(4_000_000), 1_600],
    ["image/png", undefined, 1_600],
    ["text/plain", "x".repeat(4_000), 750],
    ["application/pdf", "x".repeat(400_000), 18_750],
    ["application/pdf", "x".repeat(400), 1_600],
  ])("hold files by rule: %s", (mediaType, data, expected) => {
    const empty = countTokens({ messages: [{ role: "user", content: [] }] }).tokens;
    const part = { type: "file", mediaType, ...(data !== undefined && { data }) } as const;
    expect(countTokens({ messages: [{ role: "user", content: [part] }] }).tokens - empty).toBe(expected);
  });

  it("make the need of a call, whose answer is bounded by the request or else starts small", () => {
    const model = { name: "m", capabilities: { ...hostedCapabilities, maxOutputTokens: 500 } };
    const { tokens } = countTokens(request);
    expect(estimateNeed({ ...request, maxOutputTokens: 100 }, model)).toEqual({
      inputTokens: tokens,
      maxOutputTokens: 100,
      bounded: true,
    });
    expect(estimateNeed({ ...request, maxOutputTokens: 900 }, model).maxOutputTokens).toBe(500);
    expect(estimateNeed(request, model)).toMatchObject({ maxOutputTokens: 500, bounded: false });
    const unknown = { name: "m", capabilities: hostedCapabilities };
    expect(estimateNeed(request, unknown)).toMatchObject({ maxOutputTokens: 1_024, bounded: false });
  });
});
