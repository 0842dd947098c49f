import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import type { Provider } from "../providers/index.ts";
import { generate, scripted, userMessage } from "../providers/index.ts";
import type { WireServer } from "../testing/index.ts";
import { wireServer } from "../testing/index.ts";
import { createModels } from "./models.ts";
import type { SettingsInput } from "./settings.ts";
import { loadSettings } from "./settings.ts";
import { groupStrategies } from "./settings-shape.ts";

/** Nothing listens at the port of TCP's multiplexer, so that an Ollama of this machine plays no part. */
const noOllama = "http://127.0.0.1:1";

async function modelsOf(
  environment: Record<string, string> = {},
  overrides: SettingsInput = {},
  added: readonly Provider[] = [],
) {
  const { values } = await loadSettings({
    directory: tmpdir(),
    environment: { OLLAMA_HOST: noOllama, ...environment },
    overrides,
  });
  return createModels(values, added);
}

async function ollamaWith(names: readonly string[]): Promise<WireServer> {
  const server = await wireServer();
  server.answer({
    headers: { "content-type": "application/json" },
    chunks: [JSON.stringify({ models: names.map((name) => ({ name, model: name })) })],
  });
  return server;
}

const chosen = async (environment: Record<string, string>, overrides: SettingsInput = {}): Promise<string> => {
  await using models = await modelsOf(environment, overrides);
  const { provider, name } = await models.get();
  return `${provider}/${name}`;
};

test("without anything the offline model is chosen", async () => {
  expect(await chosen({})).toBe("offline/extractive");
});

test.each([
  ["OPENAI_API_KEY", /^openai\/gpt/],
  ["ANTHROPIC_API_KEY", /^anthropic\/claude/],
])("a key in %s chooses its provider", async (variable, model) => {
  expect(await chosen({ [variable]: "sk-test-0123456789" })).toMatch(model);
});

test("a key of a provider without a model of its own chooses nothing until a model is named", async () => {
  expect(await chosen({ GROQ_API_KEY: "gsk-test-0123456789" })).toBe("offline/extractive");
  expect(await chosen({ GROQ_API_KEY: "gsk-test-0123456789" }, { providers: { groq: { models: ["llama-x"] } } })).toBe(
    "groq/llama-x",
  );
});

test("a provider that is configured with its models comes before one that has a key", async () => {
  const providers = {
    house: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1", models: ["big", "small"] },
  } as const;
  expect(await chosen({ OPENAI_API_KEY: "sk-test-0123456789" }, { providers })).toBe("house/big");
});

test("a provider that is configured with models is told of once, also when it is found by its key or answers", async () => {
  await using server = await ollamaWith(["qwen-test:1b"]);
  await using models = await modelsOf(
    { OPENAI_API_KEY: "sk-test-0123456789", OLLAMA_HOST: server.url },
    { providers: { openai: { models: ["gpt-x"] }, ollama: { models: ["mine:7b"] } } },
  );
  const { candidates } = await models.detect();
  const names = candidates.map(({ provider }) => provider);
  expect(names).toEqual([...new Set(names)]);
  expect(new Set(candidates.slice(0, 2).map(({ model }) => model))).toEqual(new Set(["gpt-x", "mine:7b"]));
});

test("an Ollama that is configured with models and does not answer is used, and what is wrong is told", async () => {
  await using models = await modelsOf({}, { providers: { ollama: { models: ["mine:7b"] } } });
  const problem: unknown = expect.stringContaining("does not answer");
  expect((await models.detect()).choice).toMatchObject({ provider: "ollama", model: "mine:7b", problem });
});

test("a hosted provider that is configured with models but has no key is not chosen, and the reason is told", async () => {
  const providers = { openai: { models: ["gpt-x"] } };
  expect(await chosen({}, { providers })).toBe("offline/extractive");
  await using models = await modelsOf({}, { providers });
  expect((await models.detect()).candidates[0]).toMatchObject({
    provider: "openai",
    usable: false,
    problem: "Set OPENAI_API_KEY to use openai.",
  });
});

test("an Ollama that runs is chosen, with a model that can chat", async () => {
  await using server = await ollamaWith(["nomic-embed-text", "qwen-test:1b"]);
  expect(await chosen({ OLLAMA_HOST: server.url })).toBe("ollama/qwen-test:1b");
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /api/tags"]);
});

test.each([
  ["is dead", undefined],
  ["has no model", []],
])("an Ollama that %s is not chosen", async (_, names) => {
  await using server = names && (await ollamaWith(names));
  expect(await chosen({ OLLAMA_HOST: server?.url ?? noOllama })).toBe("offline/extractive");
});

test("what is chosen is looked for once, what is asked for by name not at all", async () => {
  await using server = await ollamaWith(["qwen-test:1b"]);
  await using models = await modelsOf({ OLLAMA_HOST: server.url });
  expect((await models.get("offline/extractive")).provider).toBe("offline");
  expect(server.requests).toHaveLength(0);
  await Promise.all([models.get(), models.get("auto"), models.get()]);
  await models.get();
  expect(server.requests).toHaveLength(1);
});

test("a search for models that is stopped fails with the reason of the stop, and a later one looks again", async () => {
  await using models = await modelsOf();
  await expect(models.detect(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  expect((await models.detect()).choice.provider).toBe("offline");
});

test("the model of the settings is the one without a name", async () => {
  expect(await chosen({ OPENAI_API_KEY: "sk-test-0123456789" }, { model: "offline/extractive" })).toBe(
    "offline/extractive",
  );
});

test.each([
  ["openai/gpt-x", "openai"],
  ["anthropic/claude-x", "anthropic"],
  ["ollama/a:b", "ollama"],
  ["mistral/m", "mistral"],
  ["mine/some/model", "mine"],
])("%s is made by its own adapter without a call", async (reference, provider) => {
  await using models = await modelsOf({}, { providers: { mine: { kind: "anthropic", baseUrl: noOllama } } });
  const model = await models.get(reference);
  expect([model.provider, model.name]).toEqual([provider, reference.slice(provider.length + 1)]);
});

test("the offline provider lists its model", async () => {
  await using models = await modelsOf();
  expect(await (await models.providers.get("offline")).listModels()).toEqual(["extractive"]);
});

test("a provider of the program replaces the built-in one of its name and is closed with the rest", async () => {
  let closed = 0;
  const own: Provider = {
    name: "openai",
    model: (name) => scripted(["own"], { provider: "openai", name }),
    listModels: async () => [],
    async [Symbol.asyncDispose]() {
      closed++;
    },
  };
  {
    await using models = await modelsOf({}, {}, [own]);
    expect((await models.get("openai/x")).capabilities.cost).toBe("free");
  }
  expect(closed).toBe(1);
});

test.each(["nowhere/x", "just-a-name", "/x", "openai/"])(
  "%s is refused as a model with the names that are known",
  async (reference) => {
    await using models = await modelsOf();
    await expect(models.get(reference)).rejects.toMatchObject({
      code: "provider_unknown",
      message: expect.stringContaining("offline") as unknown,
    });
  },
);

test.each(["group:", "group:nope", "group/", "group:__proto__"])(
  "%s is refused as a group with those that are known",
  async (reference) => {
    await using models = await modelsOf({}, { groups: { pair: { members: ["offline/extractive"] } } });
    await expect(models.get(reference)).rejects.toMatchObject({
      code: "group_unknown",
      message: expect.stringContaining("known: pair") as unknown,
    });
  },
);

const endpointOf = (extra: object = {}) =>
  ({ kind: "openai-compatible", baseUrl: "http://127.0.0.1:1/v1", apiKey: "sk-test-0123456789", ...extra }) as const;

test("a query finds what is configured, in groups and by keys, with strengths and prices of the settings", async () => {
  await using models = await modelsOf(
    {},
    {
      providers: {
        house: endpointOf({
          models: ["coder", "talker"],
          prices: { coder: { inputPerMillion: 1, outputPerMillion: 2, cachedInputPerMillion: 0.5 } },
          capabilities: {
            coder: { strengths: { code: 0.9 }, files: ["image/png"] },
            talker: { tools: "none", strengths: { code: 0.1 } },
          },
        }),
        spare: endpointOf(),
      },
      groups: { pair: { members: ["house/coder", "spare/third"] } },
    },
  );
  const all = await models.query();
  expect(all.matches.map(({ model }) => model).toSorted()).toEqual([
    "house/coder",
    "house/talker",
    "offline/extractive",
    "spare/third",
  ]);
  const { matches, rejected } = await models.query({ needs: { task: "code", tools: true, files: ["image/png"] } });
  expect(matches[0]).toMatchObject({ model: "house/coder", strength: 0.9, costMicroUsd: 5_000 });
  expect(rejected.map(({ model }) => model)).toContain("house/talker");
});

test("prices of the settings go before the table", async () => {
  await using models = await modelsOf(
    {},
    { providers: { house: endpointOf({ prices: { m: { inputPerMillion: 10, outputPerMillion: 100 } } }) } },
  );
  const usage = { inputTokens: 100, outputTokens: 10, provenance: "reported" } as const;
  expect((await models.prices()).costMicroUsd({ provider: "house", model: "m", usage })).toBe(2_000);
});

test.each(groupStrategies)("a group of the strategy %s is made of its settings and answers", async (strategy) => {
  const own: Provider = {
    name: "mine",
    model: (name) => scripted(() => `I am ${name}.`, { provider: "mine", name }),
    listModels: async () => [],
    async [Symbol.asyncDispose]() {},
  };
  const pair = {
    members: ["mine/a", "mine/b"],
    strategy,
    weights: { "mine/a": 2 },
    onText: "continue",
    onTools: "restart",
    maxAttempts: 2,
    affinityMs: 60_000,
    firstPartMs: 30_000,
  } as const;
  await using models = await modelsOf({}, { groups: { pair } }, [own]);
  const group = await models.get("group:pair");
  expect([await models.get("group/pair"), group.managed]).toEqual([group, true]);
  expect((await generate(group, { messages: [userMessage("Who?")] })).text).toMatch(/^I am [ab]\.$/);
  expect(models.gates().map(({ model }) => model)).toEqual(["a", "b"]);
});

test("a model of the program is managed once, one that manages itself is left as it is", async () => {
  await using models = await modelsOf();
  const model = scripted(["Yes."]);
  const managed = await models.managed(model);
  expect([managed.managed, await models.managed(model), await models.managed(managed)]).toEqual([
    true,
    managed,
    managed,
  ]);
});

test("a group that failed to be made is made at the next try", async () => {
  let tries = 0;
  const own: Provider = {
    name: "mine",
    model: (name) => {
      if (tries++ === 0) throw new Error("not yet");
      return scripted(["Now."], { provider: "mine", name });
    },
    listModels: async () => [],
    async [Symbol.asyncDispose]() {},
  };
  await using models = await modelsOf({}, { groups: { one: { members: ["mine/a"] } } }, [own]);
  await expect(models.get("group:one")).rejects.toThrow("not yet");
  expect((await models.get("group:one")).name).toBe("one");
});

test("limits of a provider hold over all its models", async () => {
  const own: Provider = {
    name: "mine",
    model: (name) => scripted(() => ({ text: "Yes.", delayMs: 5 }), { provider: "mine", name }),
    listModels: async () => [],
    async [Symbol.asyncDispose]() {},
  };
  const limits = { concurrency: 1, requestsPerMinute: 100, tokensPerMinute: 1_000_000 };
  const { values } = await loadSettings({
    directory: tmpdir(),
    environment: {},
    overrides: { providers: { mine: endpointOf({ limits }) } },
  });
  await using models = createModels(values, [own]);
  const ask = async (name: string) => await generate(await models.get(name), { messages: [userMessage("Well?")] });
  const asked = [ask("mine/a"), ask("mine/b")];
  while (models.gates().every(({ waiting }) => waiting === 0))
    await new Promise((resolve) => void setImmediate(resolve));
  expect(
    models
      .gates()
      .map(({ inFlight }) => inFlight)
      .toSorted((a, b) => a - b),
  ).toEqual([0, 1]);
  expect((await Promise.all(asked)).map(({ text }) => text)).toEqual(["Yes.", "Yes."]);
});

test("a provider that cannot be made takes nothing from the others of a query, and is told of with the reason", async () => {
  const endpoint = { request: { path: "/ask" }, wrong: true };
  await using models = await modelsOf(
    {},
    {
      providers: { broken: { kind: "custom", baseUrl: "http://127.0.0.1:1", endpoint, models: ["m"] } },
      groups: { pair: { members: ["offline/extractive", "elsewhere/m"] } },
    },
  );
  const { matches, rejected } = await models.query();
  expect(matches.map(({ model }) => model)).toEqual(["offline/extractive"]);
  expect(rejected).toEqual([
    { model: "broken/m", reason: expect.stringContaining("endpoint") as unknown },
    { model: "elsewhere/m", reason: expect.stringContaining('no provider named "elsewhere"') as unknown },
  ]);
});

test("a member of a provider that nobody knows is an error that names the group, when the group is used", async () => {
  await using models = await modelsOf({}, { groups: { pair: { members: ["offline/extractive", "elsewhere/m"] } } });
  await expect(models.get("group:pair")).rejects.toMatchObject({
    code: "provider_unknown",
    exitCode: expect.any(Number) as unknown,
    message: expect.stringMatching(/^The group pair cannot be made: .*"elsewhere"/) as unknown,
    details: { group: "pair" },
  });
});

test("a model that is free costs what the settings say it does", async () => {
  const ollama = { prices: { m: { inputPerMillion: 1, outputPerMillion: 2 } } };
  await using models = await modelsOf({}, { providers: { ollama }, groups: { one: { members: ["ollama/m"] } } });
  expect((await models.query()).matches.find(({ model }) => model === "ollama/m")?.costMicroUsd).toBe(5_000);
});

test("a provider whose description is wrong is not chosen by itself, and the reason is told", async () => {
  const broken = { kind: "custom", baseUrl: "http://127.0.0.1:1", endpoint: {}, models: ["m"] } as const;
  await using models = await modelsOf({}, { providers: { broken } });
  const { candidates, choice } = await models.detect();
  expect(choice.provider).toBe("offline");
  const problem: unknown = expect.stringContaining("endpoint.request");
  expect(candidates[0]).toMatchObject({ provider: "broken", usable: false, problem });
});
