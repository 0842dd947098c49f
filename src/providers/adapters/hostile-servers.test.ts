import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { type WireRequest, type WireServer, wireServer } from "../../testing/wire-server.ts";
import { userMessage } from "../message.ts";
import type { ModelRequest, Provider, StreamPart } from "../model.ts";
import { customHttp } from "./custom-http.ts";
import { oauthTokens } from "./oauth.ts";
import { openaiCompatible, type OpenAiCompatibleOptions } from "./openai-chat.ts";

let server: WireServer;
beforeEach(async () => {
  server = await wireServer();
});
afterEach(() => server[Symbol.asyncDispose]());

const request = { messages: [userMessage("hello")] };

async function failureOf(provider: Provider, asked: ModelRequest = request): Promise<unknown> {
  await using _ = provider;
  const parts: StreamPart[] = [];
  try {
    for await (const part of provider.model("m").stream(asked)) parts.push(part);
  } catch (error) {
    return error;
  }
  return parts;
}

/** Refuses with the secret in every word that an error shows. */
function echo(secretOf: (request: WireRequest) => string): void {
  server.answer((asked) => {
    const word = secretOf(asked);
    const error = { message: `Bad ${word}`, code: word, type: word, param: word };
    const headers = { "content-type": "application/json", "x-request-id": word };
    return { status: 400, headers, chunks: [JSON.stringify({ error })] };
  });
}

function everythingIn(error: unknown): string {
  return `${inspect(error, { depth: 10, showHidden: true })} ${JSON.stringify(error)}`;
}

const compatible = (options: Partial<OpenAiCompatibleOptions> = {}): Provider =>
  openaiCompatible({ name: "x", baseUrl: server.url, ...options });

const custom = (headers: JsonObject): Provider =>
  customHttp({
    name: "c",
    baseUrl: `${server.url}?key=canary-query`,
    apiKey: "canary-key",
    endpoint: {
      request: { path: "/x/${model}?p=${prompt}", method: "GET", headers },
      response: { stream: "sse", delta: "t", finishReason: "f" },
    },
  });

describe("a server that repeats a secret", () => {
  it.each([
    ["a key", "canary-key", () => compatible({ apiKey: "canary-key" })],
    ["a header", "canary-header", () => compatible({ headers: { "x-api-key": "canary-header" } })],
    ["a query", "canary-query", () => custom({})],
    ["a header in a description", "canary-literal", () => custom({ "x-api-key": "canary-literal" })],
    [
      "the longer of two",
      "canary-key-two",
      () => compatible({ apiKey: "canary-key", headers: { token: "canary-key-two" } }),
    ],
  ])("does not bring %s into the error", async (_, secret, make) => {
    echo(() => secret);
    const text = everythingIn(await failureOf(make()));
    expect(text).toContain("[secret]");
    expect(text).not.toMatch(/canary|-two/);
  });

  it("does not bring it into the error as base64", async () => {
    echo(({ headers }) => String(headers.authorization).slice("Basic ".length).replaceAll("=", ""));
    const baseUrl = server.url.replace("http://", "http://user:canary-1@");
    expect(everythingIn(await failureOf(compatible({ baseUrl })))).not.toContain(btoa("user:canary-1").slice(0, 12));
    const tokens = oauthTokens({ tokenUrl: `${server.url}/token`, clientId: "user", clientSecret: "canary-1" });
    const error = await tokens.token({}).catch((cause: unknown) => cause);
    expect(everythingIn(error)).not.toContain(btoa("user:canary-1").slice(0, 12));
  });
});

describe("a request that cannot be sent", () => {
  it.each([{ "x-canary": "one\nfoo: two" }, { "x bad": "one" }, { "x-canary": "\u{1F600}" }])(
    "is refused for its header before it is tried: %j",
    async (headers) => {
      const error = await failureOf(compatible({ headers }));
      expect(error).toMatchObject({
        code: "provider_invalid_request",
        details: { phase: "connect", param: "headers" },
      });
      expect(server.requests).toHaveLength(0);
    },
  );

  it("has no halves of characters, which servers refuse the whole of it for", async () => {
    const format = wireFormats["openai-chat"];
    server.answer(format.answer("text"));
    const text = "cut \ud83d, whole \u{1F600}, written \\ud83d \\\\ud83d";
    await failureOf(compatible(), { messages: [userMessage(text)] });
    expect(server.requests[0]?.body).toContain("whole \u{1F600}");
    expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({ messages: [{ content: text.toWellFormed() }] });
    await failureOf(custom({}), { messages: [userMessage("cut \ud83d")] });
    expect(server.requests[1]?.path).toBe("/x/m?p=cut%20%EF%BF%BD&key=canary-query");
  });
});

describe("an address without a token server", () => {
  it.each([302, 404])("is not taken for a refusal of the client (HTTP %i)", async (status) => {
    server.answer({ status, headers: { location: "/elsewhere" }, chunks: ["nothing"] });
    const tokens = oauthTokens({ tokenUrl: `${server.url}/token`, clientId: "user", clientSecret: "canary-1" });
    await expect(tokens.token({})).rejects.toThrow("check tokenUrl");
    expect(server.requests).toHaveLength(1);
  });
});
