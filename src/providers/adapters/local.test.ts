import { getEventListeners } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { isAtlasError } from "../../base/index.ts";
import { registerContract } from "../../testing/contract.ts";
import { writeTinyGguf } from "../../testing/gguf.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { contractText, modelContract, type ModelScenario, type ModelSubject } from "../../testing/model-contract.ts";
import { generate } from "../generate.ts";
import { type Message, systemMessage, userMessage } from "../message.ts";
import type { Model, ModelRequest } from "../model.ts";
import { openStream } from "../streams/open-stream.ts";
import { local, type LocalProvider } from "./local.ts";

let folder = "";
const endless = "round and round and round and round and round and round";
const chatTemplate =
  "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-local-"));
  await Promise.all([
    writeTinyGguf(join(folder, "bread.gguf"), contractText),
    writeTinyGguf(join(folder, "endless.gguf"), endless, { contextTokens: 8192 }),
    writeTinyGguf(join(folder, "chat.gguf"), contractText, { chatTemplate }),
    writeFile(join(folder, "text.gguf"), "This is no model."),
    writeFile(join(folder, "cut.gguf"), "GGUF and then nothing"),
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function open(options: Partial<Parameters<typeof local>[0]> = {}): LocalProvider {
  return local({ path: folder, threads: 1, contextTokens: 1024, ...options });
}

const question: ModelRequest = { messages: [userMessage("Why does bread rise?")] };

describe("keeps the contract:", () => {
  const names: Record<ModelScenario, string> = {
    text: "bread",
    tool: "bread",
    truncated: "endless",
    stalled: "endless",
    silent: "endless",
    limited: "bread",
  };
  const subject = async (): Promise<ModelSubject & AsyncDisposable> => {
    const provider = open({ maxConcurrent: 2 });
    return {
      async model(scenario) {
        return scenario === "truncated" ? closedInTheMiddle(open()) : provider.model(names[scenario]);
      },
      async idle() {
        await provider.idle();
        expect(provider.activity).toMatchObject({ running: 0, waiting: 0 });
      },
      [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
    };
  };
  registerContract(
    it,
    { cases: modelContract, make: subject },
    {
      skip: {
        "a tool call starts, comes in pieces that are its input, and completes with it parsed": "it declares no tools",
        "a refusal for now has its code, its retry and its wait":
          "it refuses nobody; who comes too early waits in line",
      },
    },
  );
});

/** There is no connection that could break; what breaks an answer off is that its provider is closed. */
function closedInTheMiddle(provider: LocalProvider): Model {
  const model = provider.model("endless");
  return {
    ...model,
    async *stream(request, options) {
      for await (const part of model.stream(request, options)) {
        yield part;
        if (part.type === "text.delta") await provider[Symbol.asyncDispose]();
      }
    },
  };
}

describe("pausing", () => {
  it("stops the generation: no token is computed while nobody reads (acceptance 5)", async () => {
    await using provider = open();
    const model = provider.model("endless");
    expect(model.capabilities.pauseEffect).toBe("generation");
    const paused = model.stream(question)[Symbol.asyncIterator]();
    for (let part = 0; part < 6; part++) await paused.next();
    const before = provider.activity.evaluatedTokens;
    // Another answer is the proof that time passes and that the engine counts.
    const other = await generate(model, { ...question, maxOutputTokens: 200 });
    const { inputTokens, cachedInputTokens = 0 } = other.usage;
    // The last token of an answer is made, but not read back, and so not computed on.
    const computed = inputTokens - cachedInputTokens + 200;
    expect(provider.activity.evaluatedTokens - before).toBeLessThanOrEqual(computed + 1);
    expect(provider.activity.evaluatedTokens - before).toBeGreaterThanOrEqual(computed - 1);
    const resumed = await paused.next();
    expect(resumed.value).toMatchObject({ type: "text.delta" });
    await paused.return?.();
  });

  it("stops it under a StreamControl too, and goes on where it was (acceptance 5)", async () => {
    await using provider = open();
    const model = provider.model("endless");
    await using control = openStream(model, { ...question, maxOutputTokens: 100 });
    expect(control.pauseEffect).toBe("generation");
    let read = 0;
    for await (const part of control) {
      if (part.type !== "text.delta" || ++read !== 5) continue;
      expect(control.pause()).toBe(true);
      // The read under way still comes in; a whole other answer later, nothing more has.
      await generate(model, { ...question, maxOutputTokens: 3 });
      const before = provider.activity.evaluatedTokens;
      const { usage } = await generate(model, { ...question, maxOutputTokens: 50 });
      const computed = usage.inputTokens - (usage.cachedInputTokens ?? 0) + 50;
      expect(Math.abs(provider.activity.evaluatedTokens - before - computed)).toBeLessThanOrEqual(1);
      expect(control.resume()).toBe(true);
    }
    expect((await control.result()).usage.outputTokens).toBe(100);
  });

  it("loses nothing", async () => {
    await using provider = open();
    let text = "";
    for await (const part of provider.model("bread").stream(question)) {
      await new Promise((resolve) => setImmediate(resolve));
      if (part.type === "text.delta") text += part.text;
    }
    expect(text).toBe(contractText);
  });

  it("does not count as silence", async () => {
    const clock = manualClock();
    await using provider = open({ clock, timeouts: { idleMs: 1_000 } });
    const stream = provider.model("bread").stream(question)[Symbol.asyncIterator]();
    await stream.next();
    await stream.next();
    await clock.advance(60_000);
    await expect(stream.next()).resolves.toMatchObject({ value: { type: "text.delta" } });
    await stream.return?.();
  });
});

describe("cancelling", () => {
  it("lets the reader go at once and computes at most one more token (acceptance 4)", async () => {
    await using provider = open();
    const took: number[] = [];
    for (let round = 0; round < 5; round++) {
      const stop = new AbortController();
      const stream = provider.model("endless").stream(question, { signal: stop.signal })[Symbol.asyncIterator]();
      for (let part = 0; part < 6; part++) await stream.next();
      const reading = stream.next();
      const before = provider.activity.evaluatedTokens;
      const start = performance.now();
      stop.abort();
      await expect(reading).rejects.toMatchObject({
        code: "cancelled",
        details: { partialUsage: { provenance: "partial" } },
      });
      took.push(performance.now() - start);
      await provider.idle();
      expect(provider.activity.evaluatedTokens - before).toBeLessThanOrEqual(1);
      expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
    }
    expect(took.toSorted((one, other) => one - other)[2]).toBeLessThan(5);
  });

  it("ends a wait for a place, and the next in line comes first", async () => {
    await using provider = open({ maxConcurrent: 1 });
    const model = provider.model("endless");
    const first = model.stream(question)[Symbol.asyncIterator]();
    await first.next();
    const stop = new AbortController();
    const ended: string[] = [];
    const ask = (name: string, signal?: AbortSignal): Promise<unknown> =>
      generate(model, { ...question, maxOutputTokens: 3 }, { signal }).then(
        () => ended.push(name),
        (cause: unknown) => ended.push(`${name} ${isAtlasError(cause) ? cause.code : ""}`),
      );
    const asked = [ask("second"), ask("third", stop.signal), ask("fourth")];
    await vi.waitFor(() => expect(provider.activity).toMatchObject({ running: 1, waiting: 3 }));
    stop.abort();
    await asked[1];
    await first.return?.();
    await Promise.all(asked);
    expect(ended).toEqual(["third cancelled", "second", "fourth"]);
  });
});

let provider: LocalProvider;
beforeAll(() => {
  provider = open();
});
afterAll(() => provider[Symbol.asyncDispose]());

describe("an answer", () => {
  it("is the same for all who read it at the same time, and its usage is exact", async () => {
    const { text, usage, finishReason } = await generate(provider.model("bread"), question);
    expect({ text, finishReason }).toEqual({ text: contractText, finishReason: "stop" });
    // Each word of the text is one token of this model.
    expect(usage).toMatchObject({ outputTokens: contractText.split(" ").length, provenance: "reported" });
  });

  it("is written in the chat format of the model, where its file has one", async () => {
    const messages = [systemMessage("Be short."), ...question.messages];
    const plain = await generate(provider.model("bread"), { messages });
    const chat = await generate(provider.model("chat"), { messages });
    expect(chat.text).toBe(contractText);
    expect(chat.usage.inputTokens).not.toBe(plain.usage.inputTokens);
  });

  it("goes on from the last message where that is the assistant's", async () => {
    for (const name of ["bread", "chat"]) {
      const model = provider.model(name);
      expect(model.capabilities.prefill).toBe(true);
      const begun: Message = { role: "assistant", content: [{ type: "text", text: "Bread rises because" }] };
      const { text } = await generate(model, { messages: [...question.messages, begun] });
      expect(text).toBe(" yeast breathes: 1 loaf, 2 hours — voilà.");
    }
  });

  it("reads what it has read before only once", async () => {
    await using fresh = open();
    const model = fresh.model("bread");
    const first = await generate(model, question);
    expect(first.usage.cachedInputTokens).toBeUndefined();
    const { usage } = await generate(model, question);
    expect(usage).toMatchObject({
      inputTokens: first.usage.inputTokens,
      cachedInputTokens: first.usage.inputTokens - 1,
    });
  });

  it("ends where it may be no longer", async () => {
    const { text, finishReason, usage } = await generate(provider.model("bread"), { ...question, maxOutputTokens: 3 });
    expect({ text, finishReason, out: usage.outputTokens }).toEqual({
      text: "Bread rises because",
      finishReason: "length",
      out: 3,
    });
  });

  it("ends where the context is full", async () => {
    await using small = open({ contextTokens: 256 });
    const { finishReason, usage } = await generate(small.model("endless"), question);
    expect(finishReason).toBe("length");
    expect(usage.inputTokens + usage.outputTokens).toBe(256);
  });

  it("ends before a stop sequence, also one that comes in pieces", async () => {
    const stopSequences = ["east breathes"];
    const { text, finishReason } = await generate(provider.model("bread"), { ...question, stopSequences });
    expect({ text, finishReason }).toEqual({ text: "Bread rises because y", finishReason: "stop" });
  });

  it("follows its seed where there is chance", async () => {
    await writeTinyGguf(join(folder, "chance.gguf"), "a a b a b b a c c a b c a a c b a b c c b a");
    const ask = async (seed: number): Promise<string> => {
      const request = { ...question, temperature: 1, seed, maxOutputTokens: 30 };
      return (await generate(provider.model("chance"), request)).text;
    };
    const answers = await Promise.all([ask(1), ask(1), ask(2), ask(3)]);
    expect(answers[0]).toBe(answers[1]);
    expect(new Set(answers).size).toBeGreaterThan(1);
  });

  it("leaves tools out and says so", async () => {
    const tools = [{ name: "look", description: "Looks.", inputSchema: { type: "object" } }];
    const model = provider.model("bread");
    expect(model.capabilities.tools).toBe("none");
    expect((await generate(model, { ...question, tools })).metadata).toEqual({ toolsIgnored: true });
    await expect(generate(model, { ...question, tools, toolChoice: "required" })).rejects.toMatchObject({
      code: "provider_invalid_request",
      details: { param: "toolChoice" },
    });
  });
});

describe("a schema", () => {
  const schema = {
    type: "object",
    properties: {
      title: { type: "string" },
      kind: { enum: ["bread", "cake"] },
      hours: { type: "integer", minimum: 0 },
      tags: { type: "array", items: { $ref: "#/$defs/tag" } },
      note: { anyOf: [{ type: "string" }, { type: "null" }] },
    },
    required: ["title", "kind"],
    additionalProperties: false,
    $defs: { tag: { type: "object", properties: { name: { type: "string" } }, required: ["name"] } },
  };

  it.each(["bread", "chat"])("binds the answer of %s by a grammar (acceptance 30)", async (name) => {
    const model = provider.model(name);
    expect(model.capabilities.structuredOutput).toBe("native");
    const { text, finishReason } = await generate(model, { ...question, responseFormat: { name: "loaf", schema } });
    const value = z
      .strictObject({
        title: z.string(),
        kind: z.literal("bread"),
        hours: z.int(),
        tags: z.array(z.object({ name: z.string() })),
        note: z.string().nullable(),
      })
      .safeParse(JSON.parse(text));
    expect(value.success, text).toBe(true);
    expect(finishReason).toBe("stop");
    expect(text).toBe(text.trim());
  });

  it("that no grammar can say is refused", async () => {
    const responseFormat = { name: "x", schema: { $ref: "https://example.com/schema.json" } };
    await expect(generate(provider.model("bread"), { ...question, responseFormat })).rejects.toMatchObject({
      code: "provider_invalid_request",
    });
  });
});
