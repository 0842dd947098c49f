import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCustomEndpoint } from "./custom-endpoint.ts";

const body = { prompt: "${prompt}" };
const response = { stream: "sse", delta: "text", end: { text: "[DONE]" } };
const sound = { request: { body }, response };

describe("the description of an endpoint", () => {
  it("that is sound is read, and what its models can do follows from it", () => {
    const toolCalls = { list: "calls", name: "name", arguments: "input" };
    const tooled = {
      request: {
        body: { ...body, tools: "${tools}", format: "${schema}" },
        headers: { Authorization: "Bearer ${key}" },
      },
      response: { ...response, toolCalls },
      capabilities: { contextTokens: 4_096, cost: "free", files: ["image/png"] },
    };
    expect(readCustomEndpoint(sound, "mine")).toMatchObject({
      keyRequired: false,
      capabilities: { tools: "none", structuredOutput: "none", cost: "metered", files: [], contextTokens: null },
    });
    expect(readCustomEndpoint(tooled, "mine")).toMatchObject({
      keyRequired: true,
      capabilities: {
        tools: "parallel",
        structuredOutput: "native",
        cost: "free",
        files: ["image/png"],
        contextTokens: 4_096,
      },
    });
  });

  it("may hold its body as a text of JSON", () => {
    const { body: read } = readCustomEndpoint({ ...sound, request: { body: '{"q":"${prompt}"}' } }, "mine");
    expect(read.fill(() => "why")).toEqual({ q: "why" });
  });

  it.each([
    ["endpoint", 7],
    ["endpoint.respones", { ...sound, respones: {} }],
    ["endpoint.request", { response }],
    ["endpoint.request.method", { ...sound, request: { body, method: "PATCH" } }],
    ["endpoint.request.path", { ...sound, request: { body, path: "generate" } }],
    ["endpoint.request.path", { ...sound, request: { body, path: "/${modle}" } }],
    ["endpoint.request.path", { ...sound, request: { body, path: "/a b" } }],
    ["endpoint.request.body", { ...sound, request: {} }],
    ["endpoint.request.body", { ...sound, request: { body: '{"prompt": "${prompt}",}' } }],
    ["endpoint.request.body", { ...sound, request: { body: "[]" } }],
    ["endpoint.request.body", { ...sound, request: { method: "GET", body } }],
    ["endpoint.request.body.a[1].b", { ...sound, request: { body: { a: [1, { b: "${promt}" }] } } }],
    ["endpoint.request.body.a", { ...sound, request: { body: { a: "${prompt" } } }],
    ["endpoint.request.body.a", { ...sound, request: { body: { a: "${key}" } } }],
    ["endpoint.request.headers.x-key", { ...sound, request: { body, headers: { "x-key": "${keys}" } } }],
    ["endpoint.request.headers.x-key", { ...sound, request: { body, headers: { "x-key": "a\r\nb: c" } } }],
    ["endpoint.request.headers.x key", { ...sound, request: { body, headers: { "x key": "a" } } }],
    ["endpoint.request.headers.x-key", { ...sound, request: { body, headers: { "x-key": 7 } } }],
    ["endpoint.response.stream", { request: { body }, response: { delta: "text" } }],
    ["endpoint.response.stream", { request: { body }, response: { stream: "xml" } }],
    ["endpoint.response.delta", { request: { body }, response: { stream: "sse", end: { body: true } } }],
    ["endpoint.response.delta", { request: { body }, response: { ...response, delta: "a..b" } }],
    ["endpoint.response.delta", { request: { body }, response: { ...response, stream: "text" } }],
    ["endpoint.response.end", { request: { body }, response: { stream: "sse", delta: "text" } }],
    [
      "endpoint.response.finishReasons.eos",
      { request: { body }, response: { ...response, finishReasons: { eos: "x" } } },
    ],
    ["endpoint.response.usage.inptu", { request: { body }, response: { ...response, usage: { inptu: "a" } } }],
    ["endpoint.response.toolCalls.name", { request: { body }, response: { ...response, toolCalls: { list: "a" } } }],
    ["endpoint.models.path", { ...sound, models: { list: "data" } }],
    ["endpoint.keyRequired", { ...sound, keyRequired: "yes" }],
    ["endpoint.capabilities.tools", { ...sound, capabilities: { tools: "parallel" } }],
    ["endpoint.capabilities.structuredOutput", { ...sound, capabilities: { structuredOutput: "native" } }],
    ["endpoint.capabilities.contextTokens", { ...sound, capabilities: { contextTokens: 0 } }],
    ["endpoint.capabilities.files", { ...sound, capabilities: { files: "image/png" } }],
  ])("that is wrong at %s says so", (place, endpoint) => {
    expect(() => readCustomEndpoint(endpoint, "mine")).toThrow(
      expect.objectContaining({
        code: "provider_config_invalid",
        details: { provider: "mine", place },
      }),
    );
    expect(() => readCustomEndpoint(endpoint, "mine")).toThrow(`The configuration of mine is wrong at ${place}: `);
  });

  it("of any kind is read or refused, never anything else, and a body that goes in circles too", () => {
    const keys = [
      "request",
      "response",
      "body",
      "path",
      "headers",
      "stream",
      "delta",
      "end",
      "text",
      "models",
      "capabilities",
    ];
    const texts = fc.constantFrom("sse", "json", "text", "POST", "${prompt}", "${x}", "a.b[0]", "a..", "/x", "");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        texts,
        fc.constantFrom(null, true, 7),
        fc.array(tie("tree"), { maxLength: 2 }),
        tie("node"),
      ),
      node: fc.dictionary(fc.constantFrom(...keys), tie("tree"), { maxKeys: 5 }),
    }));
    fc.assert(
      fc.property(tree, tree, tree, (whole, request, answer) => {
        for (const value of [whole, { request, response: answer }, { request: { body: request }, response: answer }]) {
          try {
            readCustomEndpoint(value, "mine");
          } catch (error) {
            expect(error).toMatchObject({ code: "provider_config_invalid" });
          }
        }
      }),
      { numRuns: 500 },
    );
    const circle: { [key: string]: unknown } = {};
    circle["a"] = [circle];
    expect(() => readCustomEndpoint({ ...sound, request: { body: circle } }, "mine")).toThrow(
      expect.objectContaining({ code: "provider_config_invalid" }),
    );
  });

  it("has all its keys and placeholders in docs/providers/custom.md", async () => {
    const page = await readFile(new URL("../../../docs/providers/custom.md", import.meta.url), "utf8");
    const known = (value: unknown): readonly string[] => {
      try {
        readCustomEndpoint(value, "mine");
      } catch (error) {
        return /known(?: here)?: (.*)\.$/.exec(error instanceof Error ? error.message : "")?.[1]?.split(", ") ?? [];
      }
      return [];
    };
    const names = [
      { ...sound, x: 1 },
      { ...sound, request: { body, x: 1 } },
      { ...sound, response: { ...response, x: 1 } },
      { ...sound, response: { ...response, usage: { x: 1 } } },
      { ...sound, response: { ...response, toolCalls: { x: 1 } } },
      { ...sound, response: { ...response, error: { x: 1 } } },
      { ...sound, response: { ...response, end: { x: 1 } } },
      { ...sound, models: { x: 1 } },
      { ...sound, capabilities: { x: 1 } },
      { ...sound, request: { body: { a: "${x}" } } },
    ].map(known);
    expect(names.map(({ length }) => length)).toEqual([5, 5, 12, 5, 5, 3, 3, 3, 10, 12]);
    for (const name of names.flat())
      expect(page).toMatch(new RegExp(`(?<![A-Za-z])${name.replaceAll(/[${}]/g, "\\$&")}`));
  });

  it("shows where a template of JSON breaks, and nothing that stands in it", () => {
    const broken = { ...sound, request: { body: '{"key": "hunter2", oops}' } };
    expect(() => readCustomEndpoint(broken, "mine")).toThrow(/broken at position 19/);
    expect(() => readCustomEndpoint(broken, "mine")).not.toThrow(/hunter2/);
  });
});
