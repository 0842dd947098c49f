import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AtlasError } from "../base/index.ts";
import { loadSettings } from "./settings.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-settings-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function load(name: string, text: string, environment: Record<string, string> = {}) {
  writeFileSync(join(directory, name), text);
  return await loadSettings({ directory, environment });
}

const failure = async (...given: Parameters<typeof load>): Promise<AtlasError> =>
  await load(...given).then(
    () => expect.fail("the settings were accepted"),
    (error: AtlasError) => error,
  );

const prices = "[providers.openai.prices]\n";
const capabilities = '[providers.openai.capabilities."gpt-5.4-mini"]\n';
const group = (rest: string) => `[groups.fast]\nmembers = ["openai/a", "ollama/b"]\n${rest}`;

test.each([
  [
    `${prices}"gpt-5.4" = { inputPerMillion = 1, outputPerMillion = 2, cachedPerMillion = 0.1 }\n`,
    "providers.openai.prices.gpt-5.4.cachedPerMillion (atlas.toml:2): there is no such setting; did you mean cachedInputPerMillion?",
  ],
  [
    `${prices}\nm = { inputPerMillion = "1", outputPerMillion = 2 }\n`,
    'providers.openai.prices.m.inputPerMillion (atlas.toml:3): expected US dollars for a million tokens, a number of at least 0, got the text "1"',
  ],
  [`${prices}m = { inputPerMillion = 1, outputPerMillion = -2 }\n`, "outputPerMillion (atlas.toml:2): expected US"],
  [`${prices}m = { inputPerMillion = 1, outputPerMillion = inf }\n`, "outputPerMillion (atlas.toml:2): expected US"],
  [`${prices}m = { inputPerMillion = 1 }\n`, "prices.m.outputPerMillion (atlas.toml:2): is missing"],
  [`${prices}m = 3\n`, "prices.m (atlas.toml:2): expected a section with inputPerMillion, outputPerMillion"],
  [
    `${capabilities}reasoning = true\ncontextToken = 3\n`,
    "providers.openai.capabilities.gpt-5.4-mini.contextToken (atlas.toml:3): there is no such setting; did you mean contextTokens?",
  ],
  [
    `${capabilities}contextTokens = "many"\n`,
    'contextTokens (atlas.toml:2): expected a whole number of at least 1, got the text "many"',
  ],
  [`${capabilities}contextTokens = inf\n`, "contextTokens (atlas.toml:2): expected a whole number"],
  [`${capabilities}maxOutputTokens = -5\n`, "at least 1, got the number -5"],
  [`${capabilities}tools = true\n`, "expected one of none, single, parallel, got the truth value true"],
  [`${capabilities}files = "image/png"\n`, 'expected a list of MIME types, as in ["image/png"]'],
  [`${capabilities}files = ["x"]\n`, "expected a list of MIME types"],
  [`${capabilities}prefill = 1\n`, "expected true or false"],
  [`${capabilities}strengths = 1\n`, "strengths (atlas.toml:2): expected a section, got the number 1"],
  [`${capabilities}strengths = { code = 1.5 }\n`, "strengths.code (atlas.toml:2): expected a number from 0 to 1"],
  [`${capabilities}strengths = { codes = 0.5 }\n`, "there is no such kind of task; did you mean code?"],
  ['[providers.openai.capabilities]\n"gpt-5" = 3\n', "gpt-5 (atlas.toml:2): expected a section with contextTokens"],
  ["[groups.fast]\nmembers = []\n", "expected a list of models, as in"],
  ["[groups.fast]\nmembers = ['gpt-5']\n", 'expected models as "provider/name", got the text "gpt-5"'],
  ["[groups.fast]\nmembers = ['group:all']\n", 'got the text "group:all"; list the models of that group'],
  ["[groups.fast]\nmembers = ['auto']\n", 'got the text "auto"'],
  [
    group('weights = { "openai/a" = 2, "ollama/c" = 1 }\n'),
    "groups.fast.weights.ollama/c (atlas.toml:3): there is no such member of the group; did you mean ollama/b?",
  ],
  [
    group('[groups.fast.weights]\n"openai/a" = 1\n"ollama/b" = "3"\n'),
    "groups.fast.weights.ollama/b (atlas.toml:5): expected a number of at least 0",
  ],
  [group('weights = { "openai/a" = -1 }\n'), "at least 0, got the number -1"],
  ["[agents.a]\ninstructions = 'x'\ntask = 'a b'\n", "expected a name of letters, digits, _ and -"],
  ["[tenants.acme.budgets.day]\nmaxCost = 3\n", "tenants.acme.budgets.day has maxTokens, maxCostUsd"],
  ["[tenants.acme.budgets.total]\nmaxTokens = 0\n", "at least 1, got the number 0"],
  ["[tenants.'a/b'.budgets.day]\nmaxTokens = 1\n", "is no name"],
  ["[providers.mine]\n\nkind = 'local'\n", 'providers.mine.path (atlas.toml:3): is missing; kind = "local" needs it'],
])("says what is wrong with %j, and where", async (text, message) => {
  const error = await failure("atlas.toml", text);
  expect(error.code).toBe("settings_invalid");
  expect(error.message).toContain(message);
});

test("says in which line of JSON and of YAML the key of a model with dots stands", async () => {
  const json =
    '{ "providers": { "openai": {\n"prices": {\n"gpt-5.4": {\n"inputPerMillion": 1,\n"outputPerMillion": "2" } } } } }';
  expect((await failure("atlas.json", json)).message).toContain("gpt-5.4.outputPerMillion (atlas.json:5)");
  rmSync(join(directory, "atlas.json"));
  const yaml =
    "providers:\n  openai:\n    prices:\n      gpt-5.4:\n        inputPerMillion: 1\n        outputPerMillion: two\n";
  expect((await failure("atlas.yaml", yaml)).message).toContain("gpt-5.4.outputPerMillion (atlas.yaml:6)");
});

test("says what is wrong inside a table that a variable gives", async () => {
  const environment = {
    ATLAS_PROVIDERS_OPENAI_PRICES: '{"m":{"inputPerMillion":1,"outputPerMillion":"x"}}',
    ATLAS_GROUPS_FAST_MEMBERS: "openai/a, gpt-5",
  };
  const { message } = await failure("atlas.toml", "", environment);
  expect(message).toContain("providers.openai.prices.m.outputPerMillion (environment ATLAS_PROVIDERS_OPENAI_PRICES): ");
  expect(message).toContain("groups.fast.members (environment ATLAS_GROUPS_FAST_MEMBERS): expected models");
});

test("takes what is right, with weights and members of different sources and a strength of an agent's own kind of task", async () => {
  const text = [
    '[groups.fast]\nmembers = ["a/x"]\nweights = { "openai/a" = 0, "ollama/b" = 2.5 }',
    `${capabilities}contextTokens = 200000\nfiles = []\nstrengths = { code = 1, law = 0 }`,
    "[agents.judge]\ninstructions = 'Judge.'\ntask = 'law'",
    "[tenants.acme.budgets.day]\nmaxCostUsd = 5",
  ].join("\n");
  const environment = {
    ATLAS_GROUPS_FAST_MEMBERS: "openai/a,ollama/b",
    ATLAS_TENANTS_ACME_BUDGETS_TOTAL_MAX_TOKENS: "100",
  };
  const settings = await load("atlas.toml", text, environment);
  const { values } = settings;
  expect(values.groups["fast"]).toEqual({
    members: ["openai/a", "ollama/b"],
    weights: { "openai/a": 0, "ollama/b": 2.5 },
  });
  expect(values.agents["judge"]?.task).toBe("law");
  expect(values.tenants).toEqual({ acme: { budgets: { day: { maxCostUsd: 5 }, total: { maxTokens: 100 } } } });
  expect(settings.explain("providers.openai.capabilities")[0]?.value).toContain('"law":0');
});
