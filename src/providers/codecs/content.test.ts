import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { CacheMark, FilePart, Message, ToolDefinition } from "../message.ts";
import { systemMessage, userMessage } from "../message.ts";
import { collect } from "../generate.ts";
import type { ModelRequest, StreamPart } from "../model.ts";
import { anthropicRequest } from "./anthropic-request.ts";
import { anthropicDecoder } from "./anthropic-stream.ts";
import { ollamaRequest } from "./ollama-request.ts";
import { compatibleQuirks, openaiChatRequest } from "./openai-chat-request.ts";
import { openaiChatDecoder } from "./openai-chat-stream.ts";
import { openaiResponsesRequest } from "./openai-responses-request.ts";
import type { RequestTarget } from "./target.ts";
import { withToolNames, writtenName } from "./tool-names.ts";

type Write = (request: ModelRequest, target?: Partial<RequestTarget>) => JsonObject;

const target: RequestTarget = {
  provider: "here",
  model: "m",
  files: ["image/png", "image/jpeg", "application/pdf", "audio/*", "text/plain"],
};
const anthropicBounds = { defaultMaxTokens: 9, structuredOutput: true };
const anthropic: Write = (request, more) => anthropicRequest(request, { ...target, ...more }, anthropicBounds);
const chat: Write = (request, more) => openaiChatRequest(request, { ...target, ...more }, compatibleQuirks);
const formats: readonly (readonly [string, Write])[] = [
  ["openai-chat", chat],
  ["openai-responses", (request, more) => openaiResponsesRequest(request, { ...target, ...more }, { reasoning: true })],
  ["anthropic", anthropic],
  ["ollama", (request, more) => ollamaRequest(request, { ...target, ...more }, { contextTokens: 1 })],
];
const asking = (file: Omit<FilePart, "type">): ModelRequest => ({
  messages: [{ role: "user", content: [{ type: "file", ...file }] }],
});
const refused = (words: RegExp): unknown =>
  expect.toSatisfy((error: unknown) => {
    expect(error).toMatchObject({
      code: "provider_invalid_request",
      details: { provider: "here", model: "m", phase: "connect" },
    });
    return error instanceof Error && words.test(error.message);
  });

describe.each(formats)("a request in the format of %s", (format, write) => {
  it("is refused before it is sent when the model cannot take a file's type, and says which", () => {
    const zip = asking({ mediaType: "application/zip", data: "AAAA" });
    expect(() => write(zip)).toThrow(refused(/^here\/m takes no files of the type application\/zip; it takes image/));
    expect(() => write(zip, { files: [] })).toThrow(refused(/it reads text only/));
    expect(() => write(asking({ mediaType: "image/png" }))).toThrow(refused(/neither data nor a url/));
    const odd = asking({ mediaType: "secret prompt", data: "AAAA" });
    expect(() => write(odd)).toThrow(refused(/of the type unknown/));
    expect(JSON.stringify(write(asking({ mediaType: "IMAGE/jpg", data: "AAAA" })))).toContain("AAAA");
  });

  it("drops the thoughts and signatures of another provider (acceptance 22)", () => {
    const content = [
      { type: "reasoning", text: "Foreign thought", provider: "there", signature: "foreign-signature" },
      { type: "reasoning", text: "Nobody's thought", signature: "nobodys-signature" },
      { type: "text", text: "Said." },
    ] as const;
    const body = JSON.stringify(write({ messages: [{ role: "assistant", content }] }));
    expect(body).toContain("Said.");
    expect(body).not.toMatch(/foreign|nobody/i);
  });

  it("gives a tool the same name and a call the same id wherever they stand, in the letters that it takes (acceptance 22)", () => {
    const name = `web.search: ${"very ".repeat(20)}long`;
    const id = "functions.search:0/ü";
    const body = write({
      messages: [
        { role: "assistant", content: [{ type: "tool.call", id, name, input: {} }] },
        { role: "tool", content: [{ type: "tool.result", id, name, output: "x" }] },
      ],
      tools: [{ name, description: "Searches.", inputSchema: {} }],
      toolChoice: { name },
    });
    const keys = format === "ollama" ? ["name", "tool_name"] : ["name"];
    const names = new Set(keys.flatMap((key) => valuesOf(body, key)));
    expect(names).toEqual(new Set([format === "ollama" ? name : writtenName(name)]));
    const ids = new Set(["id", "call_id", "tool_call_id", "tool_use_id"].flatMap((key) => valuesOf(body, key)));
    expect([...ids]).toHaveLength(format === "ollama" ? 0 : 1);
    if (format === "anthropic") expect([...ids][0]).toMatch(/^[a-zA-Z0-9_-]+$/);
  });

  it("takes only objects for a tool's input, and a call whose input was none", () => {
    const tool = (inputSchema: JsonObject): ToolDefinition => ({ name: "pick", description: "", inputSchema });
    const messages = [userMessage("x")];
    for (const schema of [{ type: "array" }, { anyOf: [{ type: "object" }] }, { $ref: "#/$defs/a" }]) {
      expect(() => write({ messages, tools: [tool(schema)] })).toThrow(refused(/wrap the input of pick/));
    }
    expect(JSON.stringify(write({ messages, tools: [tool({})] }))).toContain('{"type":"object","properties":{}}');
    const call = { type: "tool.call", id: "a", name: "pick", input: '{"half' } as const;
    const result = { type: "tool.result", id: "a", name: "pick", output: 1 } as const;
    const called: readonly Message[] = [
      { role: "assistant", content: [call] },
      { role: "tool", content: [result] },
    ];
    const body = JSON.stringify(write({ messages: called }));
    expect(body).toContain("invalid_input");
  });
});

it("each format holds an answer to a schema in its own way (acceptance 30)", () => {
  const schema = { type: "object", properties: {}, required: [], additionalProperties: false };
  const bodies = formats.map(([, write]) =>
    write({ messages: [userMessage("x")], responseFormat: { name: "a", schema } }),
  );
  expect(bodies).toMatchObject([
    { response_format: { type: "json_schema", json_schema: { name: "a", schema, strict: true } } },
    { text: { format: { type: "json_schema", name: "a", schema, strict: true } } },
    { output_config: { format: { type: "json_schema", schema } } },
    { format: schema },
  ]);
});

describe("files", () => {
  it.each(formats)("are refused by %s when their data is no base64", (_, write) => {
    for (const data of ["data:image/png;base64,AAAA", "plain text", "\u{1F600}"]) {
      const content = [{ type: "file", mediaType: "image/png", data }] as const;
      expect(() => write({ messages: [{ role: "user", content }] })).toThrow(refused(/image\/png that is not base64/));
    }
  });

  it("go into Chat Completions as images, sounds or files", () => {
    const written = (file: Omit<FilePart, "type">): JsonValue | undefined => valuesOf(chat(asking(file)), "content")[0];
    expect(written({ mediaType: "image/png", url: "https://a/b.png" })).toEqual([
      { type: "image_url", image_url: { url: "https://a/b.png" } },
    ]);
    expect(written({ mediaType: "audio/x-wav", data: "UklG" })).toEqual([
      { type: "input_audio", input_audio: { data: "UklG", format: "wav" } },
    ]);
    expect(() => chat(asking({ mediaType: "application/pdf", url: "https://a/b.pdf" }))).toThrow(
      refused(/application\/pdf by address; give it as data/),
    );
  });

  it("go into Messages as images, documents or text", () => {
    const written = (file: Omit<FilePart, "type">): JsonValue | undefined =>
      valuesOf(anthropic(asking(file)), "content")[0];
    expect(written({ mediaType: "image/png", url: "https://a/b.png" })).toEqual([
      { type: "image", source: { type: "url", url: "https://a/b.png" } },
    ]);
    expect(written({ mediaType: "application/pdf", data: "JVBE", name: "b.pdf" })).toEqual([
      { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBE" }, title: "b.pdf" },
    ]);
    expect(written({ mediaType: "text/plain", data: Buffer.from("größer").toString("base64") })).toEqual([
      { type: "document", source: { type: "text", media_type: "text/plain", data: "größer" } },
    ]);
  });

  it("go into Ollama as images with their data only", () => {
    const write = (file: Omit<FilePart, "type">): JsonObject =>
      ollamaRequest(asking(file), target, { contextTokens: 1 });
    expect(() => write({ mediaType: "application/pdf", data: "JVBE" })).toThrow(refused(/carries images only/));
    expect(() => write({ mediaType: "image/png", url: "https://a/b.png" })).toThrow(refused(/give it as data/));
  });
});

describe("marks of a prompt cache in Anthropic's format", () => {
  const marked = (message: Message, cache: CacheMark): Message => ({ ...message, cache });
  const controls = (messages: readonly Message[]): readonly JsonValue[] =>
    valuesOf(anthropic({ messages }), "cache_control");

  it("stand on the last block of a message that can carry one, the system's too", () => {
    const answer: Message = {
      role: "assistant",
      content: [
        { type: "text", text: "Said." },
        { type: "reasoning", text: "Hm.", provider: "here", signature: "s" },
      ],
      cache: "short",
    };
    const body = anthropic({ messages: [marked(systemMessage("Rules."), "long"), userMessage("Hi"), answer] });
    expect(body).toMatchObject({
      system: [{ type: "text", text: "Rules.", cache_control: { type: "ephemeral", ttl: "1h" } }],
      messages: [
        { role: "user", content: [{ type: "text", text: "Hi" }] },
        {
          role: "assistant",
          content: [
            { type: "text", text: "Said.", cache_control: { type: "ephemeral", ttl: "5m" } },
            { type: "thinking", thinking: "Hm.", signature: "s" },
          ],
        },
      ],
    });
    expect(valuesOf(body, "cache_control")).toHaveLength(2);
  });

  it("are never more than four, and no long one follows a short one", () => {
    const cache = fc.constantFrom<CacheMark | undefined>("short", "long", undefined);
    fc.assert(
      fc.property(fc.array(cache, { maxLength: 12 }), (caches) => {
        const messages = caches.map((mark, index): Message => {
          const message = index === 0 ? systemMessage("s") : userMessage(`m${index}`);
          return mark === undefined ? message : marked(message, mark);
        });
        const ttls = controls([...messages, userMessage("end")]).map((control) =>
          JSON.stringify(control).includes("1h"),
        );
        expect(ttls.length).toBe(Math.min(4, caches.filter(Boolean).length));
        expect(ttls).toEqual(ttls.toSorted((a, b) => Number(b) - Number(a)));
      }),
    );
  });

  it("are left out of the other formats", () => {
    const request: ModelRequest = { messages: [marked(userMessage("Hi"), "long")] };
    for (const [format, write] of formats) {
      expect(JSON.stringify(write(request)).includes("cache")).toBe(format === "anthropic");
    }
  });
});

describe("a schema in Anthropic's format", () => {
  const schemaOf = (schema: JsonObject): JsonValue | undefined =>
    valuesOf(anthropic({ messages: [userMessage("x")], responseFormat: { name: "a", schema } }), "schema")[0];

  it("is closed, and says in words what an answer cannot be held to (acceptance 30)", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        age: { type: "integer", minimum: 0, description: "In years." },
        mail: { type: "string", format: "email", pattern: "@" },
        tags: { type: "array", minItems: 2, items: { oneOf: [{ type: "string" }, { type: "null" }] } },
      },
      required: ["age"],
    };
    expect(schemaOf(schema)).toEqual({
      type: "object",
      properties: {
        age: { type: "integer", description: "In years. (minimum: 0)" },
        mail: { type: "string", format: "email", description: '(pattern: "@")' },
        tags: {
          type: "array",
          description: "(minItems: 2)",
          items: { anyOf: [{ type: "string" }, { type: "null" }] },
        },
      },
      required: ["age"],
      additionalProperties: false,
    });
  });

  it("with keys of any name is refused, and for a model without schemas none is sent", () => {
    const record = { type: "object", additionalProperties: { type: "string" } };
    expect(() => schemaOf(record)).toThrow(refused(/keys are not named/));
    const without = { ...anthropicBounds, structuredOutput: false };
    const request = { messages: [userMessage("x")], responseFormat: { name: "a", schema: record } };
    expect(anthropicRequest(request, target, without)).not.toHaveProperty("output_config");
  });
});

it("an answer of which nothing can be sent back is left out", () => {
  const messages: readonly Message[] = [
    userMessage("x"),
    { role: "assistant", content: [{ type: "reasoning", text: "Hm.", provider: "there", signature: "s" }] },
    { role: "assistant", content: [{ type: "text", text: "" }] },
  ];
  expect(valuesOf(chat({ messages }), "role")).toEqual(["user"]);
  expect(valuesOf(anthropic({ messages }), "role")).toEqual(["user"]);
});

it("a text that a model is to go on with ends without blanks in Anthropic's format", () => {
  const messages: readonly Message[] = [
    userMessage("x"),
    { role: "assistant", content: [{ type: "text", text: "So \n" }] },
  ];
  expect(valuesOf(anthropic({ messages }), "text")).toEqual(["x", "So"]);
});

it("an endpoint can want nine letters and digits for ids, and its own thoughts back (acceptance 22)", () => {
  const quirks = { ...compatibleQuirks, toolIds: "nine", reasoningField: "reasoning_content" } as const;
  const resultOf = (id: string) => ({ type: "tool.result", id, name: "a", output: 1 }) as const;
  const messages: readonly Message[] = [
    {
      role: "assistant",
      content: [
        { type: "reasoning", text: "Hm.", provider: "here" },
        { type: "reasoning", text: "No.", provider: "there" },
        { type: "tool.call", id: "call_1_0", name: "a", input: {} },
        { type: "tool.call", id: "aB3dE6gH9", name: "a", input: {} },
      ],
    },
    { role: "tool", content: [resultOf("call_1_0"), resultOf("aB3dE6gH9")] },
    { role: "assistant", content: [{ type: "text", text: "One." }] },
    { role: "assistant", content: [{ type: "tool.call", id: "aB3dE6gH0", name: "a", input: {} }] },
    { role: "tool", content: [resultOf("aB3dE6gH0")] },
  ];
  const body = openaiChatRequest({ messages }, target, quirks);
  const [first, kept] = valuesOf(body, "id");
  expect(first).toMatch(/^[a-zA-Z0-9]{9}$/);
  expect(kept).toBe("aB3dE6gH9");
  expect(valuesOf(body, "tool_call_id")).toEqual([first, "aB3dE6gH9", "aB3dE6gH0"]);
  expect(valuesOf(body, "reasoning_content")).toEqual(["Hm.", ""]);
});

it("thoughts that OpenRouter hands through go back as they came, before what they led to (acceptance 22)", () => {
  const decoder = openaiChatDecoder("c");
  const collector = collect({ provider: "here", name: "m" });
  const push = (delta: JsonObject, finish: string | null = null): void => {
    const data = JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] });
    decoder.push({ event: "", data }, (part) => collector.push(part));
  };
  const text = { type: "reasoning.text", index: 0, format: "anthropic-claude-v1" };
  const encrypted = { type: "reasoning.encrypted", data: "enc", id: "rs_1", index: 1 };
  push({ reasoning: "Hm", reasoning_details: [{ ...text, text: "Hm", signature: null }] });
  push({ reasoning: ".", reasoning_details: [{ ...text, text: "." }] });
  push({ reasoning_details: [{ ...text, signature: "sig" }, encrypted, encrypted] });
  push({ content: "Yes." });
  push({ tool_calls: [{ index: 0, id: "a", function: { name: "look", arguments: "{}" } }] });
  push({ reasoning_details: [encrypted] }, "tool_calls");
  expect(decoder.finish((part) => collector.push(part))).toBeUndefined();
  const message = collector.result?.message;
  expect(message?.content.map((part) => part.type)).toEqual(["reasoning", "text", "reasoning", "tool.call"]);
  const result = { type: "tool.result", id: "a", name: "look", output: 1 } as const;
  const messages: readonly Message[] = message ? [message, { role: "tool", content: [result] }] : [];
  const quirks = { ...compatibleQuirks, reasoningField: "reasoning_details" } as const;
  const whole = { ...text, text: "Hm.", signature: "sig" };
  expect(valuesOf(openaiChatRequest({ messages }, target, quirks), "reasoning_details")).toEqual([
    [whole, encrypted, encrypted, encrypted],
  ]);
  expect(
    valuesOf(openaiChatRequest({ messages }, { ...target, provider: "there" }, quirks), "reasoning_details"),
  ).toEqual([]);
  expect(valuesOf(chat({ messages }), "reasoning_details")).toEqual([]);
});

it("a call of a tool whose name was written in another way comes back with its own", () => {
  const tools = [{ name: "web.search", description: "", inputSchema: {} }];
  const decoder = withToolNames(anthropicDecoder("c"), { messages: [], tools });
  const parts: StreamPart[] = [];
  const block = { type: "tool_use", id: "t", name: writtenName("web.search"), input: {} };
  const data = JSON.stringify({ type: "content_block_start", index: 0, content_block: block });
  decoder.push({ event: "", data }, (part) => parts.push(part));
  expect(parts.at(-1)).toEqual({ type: "tool.started", id: "t", name: "web.search" });
  const plain = anthropicDecoder("c");
  expect(
    withToolNames(plain, { messages: [], tools: [{ ...tools[0], name: "ok", description: "", inputSchema: {} }] }),
  ).toBe(plain);
});

/** Finds all that stands under a key, at any depth. */
function valuesOf(value: JsonValue, key: string): readonly JsonValue[] {
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => valuesOf(item, key));
  return Object.entries(value).flatMap(([name, item]) => [...(name === key ? [item] : []), ...valuesOf(item, key)]);
}
