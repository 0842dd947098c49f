import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AtlasError } from "../base/index.ts";
import type { SettingsSources } from "./settings.ts";
import { loadSettings } from "./settings.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "atlas-settings-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const load = (sources: SettingsSources = {}) => loadSettings({ directory, environment: {}, ...sources });

async function failure(sources: SettingsSources = {}): Promise<AtlasError> {
  return await load(sources).then(
    () => expect.fail("the settings were accepted"),
    (error: AtlasError) => error,
  );
}

const originOf = (settings: Awaited<ReturnType<typeof load>>, key: string) => settings.explain(key)[0]?.origin;

test("has a default for everything that is needed", async () => {
  const { values, file, warnings } = await load();
  expect(values.model).toBe("auto");
  expect(values.storage).toBe(join(directory, ".atlas", "atlas.db"));
  expect(values).toMatchObject({
    version: 1,
    limits: { maxSteps: 32 },
    agents: {},
    providers: {},
    tenants: {},
    modules: [],
    knowledge: { paths: [] },
  });
  expect([file, warnings]).toEqual([undefined, []]);
});

// Each source in the order of its strength: all up to one are given, and that one wins.
const sourcesInOrder = [
  "default",
  "user",
  "project",
  "userProfile",
  "projectProfile",
  "dotenv",
  "environment",
  "overrides",
  "flags",
] as const;

test("lets every later source win, setting by setting", async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray(sourcesInOrder.slice(1), { minLength: 1 }), async (given) => {
      rmSync(directory, { recursive: true, force: true });
      const has = (name: string): boolean => given.some((each) => each === name);
      const part = (name: string, text: string): string => (has(name) ? text : "");
      write(
        "home/atlas/config.toml",
        `${part("user", 'model = "x/user"\n')}${part("userProfile", '[profiles.test]\nmodel = "x/userProfile"\n')}`,
      );
      write(
        "atlas.toml",
        `${part("project", 'model = "x/project"\n')}${part("projectProfile", '[profiles.test]\nmodel = "x/projectProfile"\n')}`,
      );
      write(".env", part("dotenv", "ATLAS_MODEL=x/dotenv\n"));
      const settings = await load({
        environment: {
          XDG_CONFIG_HOME: join(directory, "home"),
          ATLAS_PROFILE: "test",
          ...(has("environment") ? { ATLAS_MODEL: "x/environment" } : {}),
        },
        ...(has("overrides") ? { overrides: { model: "x/overrides" } } : {}),
        ...(has("flags") ? { flags: { model: "x/flags" } } : {}),
      });
      expect(settings.values.model).toBe(`x/${given.at(-1)}`);
      // `.env` does not overwrite the environment: a variable of both is read from one.
      const hidden = has("dotenv") && has("environment") ? 1 : 0;
      expect(settings.explain("model")[0]?.overridden).toHaveLength(given.length - hidden);
      expect(settings.values.limits.maxSteps).toBe(32);
    }),
    { numRuns: 60 },
  );
});

test.each([
  ["atlas.toml", 'model = "a/b"\n[limits]\nmaxSteps = 7\n', "atlas.toml:3"],
  ["atlas.yaml", "model: a/b\nlimits:\n  maxSteps: 7\n", "atlas.yaml:3"],
  ["atlas.yml", "model: a/b\n# a remark\n\nlimits: { maxSteps: 7 }\n", "atlas.yml:4"],
  ["atlas.json", '{\n  "model": "a/b",\n  "limits": {\n    "maxSteps": 7\n  }\n}\n', "atlas.json:4"],
])("reads %s and knows the line of every setting", async (name, text, origin) => {
  const path = write(name, text);
  const settings = await load();
  expect(settings.file).toBe(path);
  expect(settings.values).toMatchObject({ model: "a/b", limits: { maxSteps: 7 } });
  expect(originOf(settings, "limits.maxSteps")).toBe(origin);
});

test("finds the file of a folder above and takes its paths from there", async () => {
  write("atlas.toml", 'storage = "data/x.db"\nmodules = ["tools/*.ts"]\n[knowledge]\npaths = ["docs", "/abs"]\n');
  write("deep/er/x", "");
  const { values, directory: found } = await load({ directory: join(directory, "deep", "er") });
  expect(found).toBe(directory);
  expect(values.storage).toBe(join(directory, "data", "x.db"));
  expect(values.modules).toEqual([join(directory, "tools/*.ts")]);
  expect(values.knowledge.paths).toEqual([join(directory, "docs"), "/abs"]);
});

test("takes the paths of options from the folder that was asked for", async () => {
  write("atlas.toml", "");
  write("sub/x", "");
  const { values } = await load({ directory: join(directory, "sub"), flags: { storage: "mine.db" } });
  expect(values.storage).toBe(join(directory, "sub", "mine.db"));
});

test("refuses two settings files in one folder", async () => {
  write("atlas.toml", "");
  write("atlas.json", "{}");
  const error = await failure();
  expect(error.code).toBe("settings_unreadable");
  expect(error.message).toContain("atlas.toml and atlas.json");
});

test.each([
  ["modle = 'a/b'\n", "modle (atlas.toml:1): there is no such setting; did you mean model?"],
  [
    "[limits]\nmax_steps = 3\n",
    "limits.max_steps (atlas.toml:2): there is no such setting; did you mean limits.maxSteps?",
  ],
  ["[limts]\nmaxSteps = 3\n", "did you mean limits?"],
  ["[log]\nlevel = 'verbos'\n", "log.level (atlas.toml:2): expected one of debug, info, warn, error, silent"],
  [
    "[limits]\nmaxSteps = '3'\n",
    'limits.maxSteps (atlas.toml:2): expected a whole number of at least 1, got the text "3"',
  ],
  ["[limits]\nmaxSteps = 0\n", "at least 1, got the number 0"],
  ["model = 'gpt-5'\n", 'expected "auto", a model as "provider/name" or a group as "group:NAME"'],
  ["limits = 3\n", "expected a section with maxSteps, maxTokens, maxCostUsd, timeoutMs"],
  ["[knowledge]\npaths = 'docs'\n", 'expected a list of paths, as in ["docs"]'],
  ["version = 2\n", "update Atlas"],
  ["[agents.guide]\nmodel = 'a/b'\n", "agents.guide.instructions (atlas.toml:2): is missing"],
  ["[agents.guide]\n", "is empty; give it instructions"],
  ["[providers.mine]\nbaseUrl = 'https://x'\n", "providers.mine.kind (atlas.toml:2): is missing; set it to openai"],
  ["[providers.openai]\nbaseUrl = 'ftp://x'\n", "http://"],
  ["[profiles.prd]\nmodel = 'a/b'\n", "did you mean prod?"],
  ["[profiles.dev]\nmodle = 'a/b'\n", "modle (atlas.toml:2)"],
  ["[agents.'a b']\ninstructions = 'x'\n", "is no name"],
  [
    "[groups.fast]\nstrategy = 'adaptive'\n",
    "groups.fast.members (atlas.toml:2): is missing; list its models, as in [",
  ],
  ["[groups.fast]\nmembers = ['a/b']\nstrategy = 'adaptiv'\n", 'did you mean "adaptive"?'],
  ["[budgets.day]\nmaxCostUsd = '5'\n", "expected a number of at least 0"],
  ["[providers.openai]\nprices = 3\n", "expected a section, got the number 3"],
  ["model = ''\n", "an empty text"],
  ["storage = 2024-01-01\n", "expected a path"],
  [
    "storage = ':memory:'\n",
    "storage (atlas.toml:1): expected the path of a file; a database in memory is not supported",
  ],
])("says what is wrong with %j", async (text, message) => {
  write("atlas.toml", text);
  const error = await failure();
  expect(error.code).toBe("settings_invalid");
  expect(error.message).toContain(message);
});

test.each([
  ["atlas.toml", '[agents.__proto__]\ninstructions = "x"\n'],
  ["atlas.toml", '[agents.constructor]\ninstructions = "x"\n'],
  ["atlas.toml", '[providers.toString]\nkind = "openai"\n'],
  ["atlas.json", '{ "agents": { "__proto__": { "instructions": "x" } } }'],
  ["atlas.json", '{ "providers": { "__proto__": { "kind": "openai", "baseUrl": "https://evil.example" } } }'],
  ["atlas.json", '{ "profiles": { "dev": { "agents": { "__proto__": { "instructions": "x" } } } } }'],
  ["atlas.yaml", "agents:\n  __proto__:\n    instructions: x\n"],
])("refuses a name in %s that every object has: %j", async (name, text) => {
  write(name, text);
  const error = await failure({ profile: "dev" });
  expect([error.code, error.message]).toEqual(["settings_invalid", expect.stringContaining("is no name")]);
  for (const key of ["instructions", "kind", "baseUrl"]) expect(Reflect.get({}, key)).toBeUndefined();
});

test("reads groups, budgets and tables of data, from a file and from variables", async () => {
  write(
    "atlas.toml",
    "model = 'group:fast'\n[groups.fast]\nmembers = ['openai/a', 'ollama/b']\nweights = { 'openai/a' = 3 }\n[budgets.day]\nmaxCostUsd = 0.5\n",
  );
  const prices = '{"a":{"inputPerMillion":1,"outputPerMillion":2}}';
  const settings = await load({
    environment: { ATLAS_PROVIDERS_OPENAI_PRICES: prices, ATLAS_BUDGETS_TOTAL_MAX_COST_USD: "2.5" },
  });
  const { values } = settings;
  expect(values.groups["fast"]).toEqual({ members: ["openai/a", "ollama/b"], weights: { "openai/a": 3 } });
  expect(values.budgets).toEqual({ unknownPrices: "refuse", day: { maxCostUsd: 0.5 }, total: { maxCostUsd: 2.5 } });
  expect(values.providers["openai"]?.prices).toEqual({ a: { inputPerMillion: 1, outputPerMillion: 2 } });
  expect(settings.explain("providers.openai.prices")[0]?.value).toBe(prices);
});

test("takes no name from a variable that every object has", async () => {
  const { values, warnings } = await load({ environment: { ATLAS_AGENTS_CONSTRUCTOR_INSTRUCTIONS: "x" } });
  expect([Object.keys(values.agents), warnings.length]).toEqual([[], 1]);
});

test("has no agent and no provider that nobody named", async () => {
  const { values } = await load();
  expect([values.agents["constructor"], values.providers["toString"]]).toEqual([undefined, undefined]);
});

test("names everything that is wrong at once", async () => {
  write("atlas.toml", "modle = 'a/b'\n[limits]\nmaxSteps = 'x'\n");
  const error = await failure({ environment: { ATLAS_LOG: "loud" } });
  expect(error.message).toMatch(/3 settings are wrong/);
  expect(error.message).toContain("log.level (environment ATLAS_LOG)");
});

test.each([
  ["[]", "The settings file (atlas.json): expected a section with version, model, "],
  ['"offline/extractive"', "got the text"],
  ['{ "profiles": [] }', "there is no such profile"],
])("refuses %s as the settings of a project", async (text, message) => {
  write("atlas.json", text);
  const error = await failure();
  expect(error.code).toBe("settings_invalid");
  expect(error.message).toContain(message);
});

test.each([
  ["atlas.toml", 'model = "a/b"\nlog = [\n', /atlas\.toml:\d+:\d+/],
  ["atlas.yaml", "model: a/b\n  bad: [\n", /atlas\.yaml:\d+:\d+/],
  ["atlas.json", '{\n  "model": "a/b",\n}', /atlas\.json:3:1/],
  ["atlas.json", '{ "model": ', /atlas\.json:1:\d+/],
])("points at the place where %s is broken and shows none of its text", async (name, text, place) => {
  write(name, text);
  const error = await failure();
  expect(error.code).toBe("settings_unreadable");
  expect(error.message).toMatch(place);
  expect(error.message).not.toContain("a/b");
});

test("refuses a file that is a folder, is no text, or is far too large", async () => {
  mkdirSync(join(directory, "atlas.toml"));
  expect((await failure()).message).toContain("it is a folder");
  rmSync(join(directory, "atlas.toml"), { recursive: true });
  writeFileSync(join(directory, "atlas.toml"), Buffer.from([0x6d, 0xff, 0xfe]));
  expect((await failure()).message).toContain("not UTF-8");
  write("atlas.toml", `# ${"x".repeat(1024 * 1024)}`);
  expect((await failure()).message).toContain("bytes");
});

test("maps variables to settings by one rule", async () => {
  write("atlas.toml", '[agents.my-guide]\ninstructions = "x"\n');
  const { values } = await load({
    environment: {
      ATLAS_LOG: "debug",
      ATLAS_LOG_FORMAT: "json",
      ATLAS_LIMITS_MAX_STEPS: "5",
      ATLAS_KNOWLEDGE_PATHS: "docs, README.md",
      ATLAS_AGENTS_MY_GUIDE_MODEL: "a/b",
      ATLAS_PROVIDERS_GATE_WAY_KIND: "openai-compatible",
      ATLAS_PROVIDERS_GATE_WAY_BASE_URL: "http://gate:1/v1",
      ATLAS_MODEL: "",
    },
  });
  expect(values.log).toEqual({ level: "debug", format: "json" });
  expect(values.limits.maxSteps).toBe(5);
  expect(values.knowledge.paths).toEqual([join(directory, "docs"), join(directory, "README.md")]);
  expect(values.agents["my-guide"]?.model).toBe("a/b");
  expect(values.providers["gate-way"]).toEqual({ kind: "openai-compatible", baseUrl: "http://gate:1/v1" });
  expect(values.model).toBe("auto");
});

test("warns of a variable that is no setting, since the environment is shared", async () => {
  const { warnings } = await load({ environment: { ATLAS_STORAG: "x", ATLAS_PROFILE: "dev", OTHER: "y" } });
  expect(warnings).toEqual([
    "The variable ATLAS_STORAG (environment) is no setting and was left out; did you mean ATLAS_STORAGE?",
  ]);
});

test("reads the variables that providers' own tools read", async () => {
  const { values } = await load({
    environment: {
      OPENAI_API_KEY: " key-of-openai ",
      ANTHROPIC_BASE_URL: "https://proxy.example",
      OLLAMA_HOST: "0.0.0.0:7777",
      GROQ_API_KEY: "key-of-groq",
    },
  });
  expect(values.providers["openai"]?.apiKey?.reveal()).toBe("key-of-openai");
  expect(values.providers["openai"]?.kind).toBe("openai");
  expect(values.providers["anthropic"]).toEqual({ kind: "anthropic", baseUrl: "https://proxy.example" });
  expect(values.providers["ollama"]?.baseUrl).toBe("http://127.0.0.1:7777");
  expect(values.providers["groq"]?.kind).toBe("openai-compatible");
});

test("reads .env without overwriting the environment", async () => {
  write(".env", '# keys\nOPENAI_API_KEY="from-dotenv"\nATLAS_MODEL=a/dotenv\n');
  const settings = await load({ environment: { OPENAI_API_KEY: "from-environment" } });
  expect(settings.values.providers["openai"]?.apiKey?.reveal()).toBe("from-environment");
  expect(originOf(settings, "model")).toBe(".env ATLAS_MODEL");
  expect(settings.variable("ATLAS_MODEL")).toBe("a/dotenv");
});

test("puts variables into the settings of providers", async () => {
  write("atlas.toml", '[providers.openai]\napiKey = "${MY_KEY}"\nbaseUrl = "${MY_URL:-http://localhost:1}"\n');
  const { values } = await load({ environment: { MY_KEY: "key-123456" } });
  expect(values.providers["openai"]?.apiKey?.reveal()).toBe("key-123456");
  expect(values.providers["openai"]?.baseUrl).toBe("http://localhost:1");
  expect((await failure()).message).toContain(
    "providers.openai.apiKey (atlas.toml:2): names the variable MY_KEY, which is not set",
  );
  write("atlas.toml", '[providers.openai]\napiKey = "${MY_KEY:-}"\n[agents.a]\ninstructions = "Write ${HOME}"\n');
  const without = await load();
  expect(without.values.providers["openai"]).toBeUndefined();
  expect(without.values.agents["a"]?.instructions).toBe("Write ${HOME}");
});

test("refuses a profile that does not exist", async () => {
  expect((await failure({ profile: "staging" })).message).toContain("use one of dev, test, prod");
});

test("never shows a secret", async () => {
  const secret = "sk-very-secret-value-1234567890";
  write("atlas.toml", `[providers.openai]\napiKey = "${secret}"\nbaseUrl = "https://me:${secret}@host.example"\n`);
  const settings = await load();
  const shown = [JSON.stringify(settings), inspect(settings, { depth: 9 }), JSON.stringify(settings.explain())].join();
  expect(shown.replaceAll(`https://me:${secret}`, "")).not.toContain(secret);
  expect(JSON.stringify(settings.explain("providers"))).not.toContain(secret);
  expect(settings.secrets.map((each) => each.reveal())).toEqual([secret]);
  for (const text of [
    `[providers.openai]\napiKey = ["${secret}"]`,
    `[providers.openai]\nkind = "${secret}"`,
    `[providers.openai]\napiKye = "${secret}"`,
    `[providers.openai]\napiKey = "${secret}`,
  ]) {
    write("atlas.toml", text);
    const error = await failure();
    expect(JSON.stringify(error) + error.message).not.toContain(secret);
  }
});

test("explains where a value comes from and what it hides", async () => {
  write("atlas.toml", 'model = "a/file"\n');
  const settings = await load({ environment: { ATLAS_MODEL: "a/environment" } });
  expect(settings.explain("model")).toEqual([
    {
      key: "model",
      value: "a/environment",
      origin: "environment ATLAS_MODEL",
      overridden: [
        { value: "a/file", origin: "atlas.toml:1" },
        { value: "auto", origin: "default" },
      ],
      variable: "ATLAS_MODEL",
      description: "Model to use: `provider/name`, `group:NAME`, or `auto` for the best that can be used here.",
    },
  ]);
  expect(settings.explain("log").map(({ key }) => key)).toEqual(["log.format", "log.level"]);
  expect(settings.explain("limits.timeoutMs")[0]).toMatchObject({ value: null, origin: "not set" });
  expect(() => settings.explain("modle")).toThrow(/did you mean model/);
});

test("loads in under 2 ms when there is no file", async () => {
  const times: number[] = [];
  for (let index = 0; index < 50; index++) {
    const begin = performance.now();
    await load();
    times.push(performance.now() - begin);
  }
  expect(times.toSorted((a, b) => a - b)[25]).toBeLessThan(2);
});
