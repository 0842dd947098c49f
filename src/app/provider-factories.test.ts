import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FormatName } from "../../test/lib/wires.ts";
import { generate, userMessage } from "../providers/index.ts";
import type { WireServer } from "../testing/index.ts";
import { wireFormats, wireServer } from "../testing/index.ts";
import { contractText } from "../testing/model-contract.ts";
import { createModels } from "./models.ts";
import { loadSettings } from "./settings.ts";
import type { ProviderSettings, SettingsInput } from "./settings-shape.ts";

const request = { messages: [userMessage("Why does bread rise?")] };
let directory: string;
let server: WireServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "atlas-factories-"));
  server = await wireServer();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

type Given = NonNullable<NonNullable<SettingsInput["providers"]>[string]>;

async function modelsOf(name: string, provider: Given) {
  const { values } = await loadSettings({ directory, environment: {}, overrides: { providers: { [name]: provider } } });
  return createModels(values);
}

const wires: readonly (readonly [ProviderSettings["kind"], FormatName, string])[] = [
  ["openai", "openai-chat", "/chat/completions"],
  ["openai-compatible", "openai-chat", "/chat/completions"],
  ["openai-responses", "openai-responses", "/responses"],
  ["anthropic", "anthropic", "/v1/messages"],
  ["ollama", "ollama", "/api/chat"],
];

test.each(wires)("a provider of kind %s speaks %s", async (kind, format, path) => {
  server.answer(wireFormats[format].answer("text"));
  const contextTokens = kind === "ollama" ? { contextTokens: 4_096 } : {};
  await using models = await modelsOf("mine", {
    kind,
    apiKey: "sk-test-0123456789",
    baseUrl: server.url,
    ...contextTokens,
  });
  const model = await models.get("mine/test-model");
  expect([model.provider, model.name]).toEqual(["mine", "test-model"]);
  expect((await generate(model, request)).text).toBe(contractText);
  expect(server.requests.map((each) => each.path)).toEqual([expect.stringContaining(path)]);
});

const endpoint = {
  request: { path: "/ask", body: { q: "${prompt}" } },
  response: { stream: "sse", delta: "word", end: { text: "[DONE]" } },
};

test("a provider of kind custom speaks as its description says", async () => {
  server.answer({
    headers: { "content-type": "text/event-stream" },
    chunks: ['data: {"word":"Yeast."}\n\n', "data: [DONE]\n\n"],
  });
  await using models = await modelsOf("mine", { kind: "custom", baseUrl: server.url, endpoint });
  expect((await generate(await models.get("mine/any"), request)).text).toBe("Yeast.");
});

test("a provider of kind local is made of its folder, and says where a model is missing", async () => {
  await using models = await modelsOf("mine", { kind: "local", path: directory });
  const model = await models.get("mine/missing");
  expect(model.capabilities.cost).toBe("free");
  await expect(generate(model, request)).rejects.toMatchObject({
    code: expect.stringMatching(/^(model|provider|local)_/) as unknown,
  });
});

test.each([
  ["local", "path", {}],
  ["custom", "endpoint", { baseUrl: "http://127.0.0.1:9" }],
  ["custom", "baseUrl", { endpoint }],
  ["openai-compatible", "baseUrl", {}],
  ["openai", "oauth.tokenUrl", { oauth: { clientId: "me" } }],
  ["openai", "oauth.clientId", { oauth: { tokenUrl: "http://127.0.0.1:9/token" } }],
] as const)(
  "a provider of kind %s without %s is refused by the name of the setting, before it is used",
  async (kind, key, rest) => {
    await expect(modelsOf("mine", { kind, ...rest })).rejects.toMatchObject({
      code: "settings_invalid",
      message: expect.stringContaining(`providers.mine.${key} (option): is missing; `) as unknown,
    });
  },
);

test("tokens are got for a client's name and secret, and sent in the place of a key", async () => {
  server.answer(({ path }) =>
    path === "/token"
      ? {
          headers: { "content-type": "application/json" },
          chunks: ['{"access_token":"at-1","token_type":"Bearer","expires_in":3600}'],
        }
      : wireFormats["openai-chat"].answer("text"),
  );
  const oauth = { tokenUrl: `${server.url}/token`, clientId: "me", clientSecret: "hush-hush", scope: "chat" };
  await using models = await modelsOf("mine", { kind: "openai-compatible", baseUrl: server.url, oauth });
  const model = await models.get("mine/m");
  await generate(model, request);
  await generate(model, request);
  expect(server.requests.map(({ path, headers }) => [path, headers.authorization ?? "none"])).toEqual([
    ["/token", expect.any(String)],
    ["/chat/completions", "Bearer at-1"],
    ["/chat/completions", "Bearer at-1"],
  ]);
});

test("openai-responses is the same account over the other interface", async () => {
  server.answer(wireFormats["openai-responses"].answer("text"));
  await using models = await modelsOf("openai", { kind: "openai", apiKey: "sk-test-0123456789", baseUrl: server.url });
  const model = await models.get("openai-responses/gpt-x");
  expect((await generate(model, request)).text).toBe(contractText);
  expect(server.requests[0]?.headers.authorization).toBe("Bearer sk-test-0123456789");
});
