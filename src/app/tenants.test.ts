import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agent } from "../agents/index.ts";
import type { Provider } from "../providers/index.ts";
import { scripted } from "../providers/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import type { Atlas, AtlasOptions } from "./atlas.ts";
import { createAtlas } from "./create-atlas.ts";
import type { SettingsInput } from "./settings.ts";

let folder: string;
let open: Atlas[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-tenants-"));
  open = [];
});

afterEach(async () => {
  for (const each of open) await each.close();
  rmSync(folder, { recursive: true });
});

/** Every call takes 100 tokens. */
const usage = { inputTokens: 60, outputTokens: 40, provenance: "reported" } as const;
const house: Provider = {
  name: "house",
  model: (name) => scripted(() => ({ text: "Yes.", usage }), { provider: "house", name }),
  listModels: async () => [],
  async [Symbol.asyncDispose]() {},
};

async function atlasWith(settings: SettingsInput, options: AtlasOptions = {}): Promise<Atlas> {
  const made = await createAtlas({
    directory: folder,
    environment: { OLLAMA_HOST: "http://127.0.0.1:1" },
    logger: silentLogger,
    settings: { model: "house/m", ...settings },
    providers: [house],
    ...options,
  });
  open.push(made);
  return made;
}

/** Runs the assistant for a tenant; tells the tokens that it took, or the code of its failure. */
async function run(atlas: Atlas, tenant?: string): Promise<number | string> {
  const handle = await atlas.start("assistant", "Well?", tenant === undefined ? {} : { tenant });
  return await handle.result().then(
    ({ usage: { inputTokens, outputTokens } }) => inputTokens + outputTokens,
    (error: { code: string }) => error.code,
  );
}

const spentBy = async (atlas: Atlas) =>
  Object.fromEntries(
    (await atlas.spending.status()).map(({ tenant, scope, spent }) => [`${tenant ?? "all"} ${scope}`, spent.tokens]),
  );

const tokens = (maxTokens: number) => ({ budgets: { total: { maxTokens } } });

test("a tenant whose budget is used up is refused, and another is not, also after a restart", async () => {
  const settings = { tenants: { acme: tokens(150), globex: tokens(10_000) } };
  const first = await atlasWith(settings);
  expect(await run(first, "acme")).toBe(100);
  await first.close();
  const atlas = await atlasWith(settings);
  expect([await run(atlas, "acme"), await run(atlas, "globex")]).toEqual([expect.any(Number), 100]);
  expect(await run(atlas, "acme")).toBe("budget_exceeded");
  expect(await run(atlas)).toBe(100);
  expect(await spentBy(atlas)).toMatchObject({ "acme total": 200, "globex total": 100, "all total": 400 });
});

test("a day of a tenant is bounded apart from its total", async () => {
  const atlas = await atlasWith({ tenants: { acme: { budgets: { day: { maxTokens: 50 } } } } });
  await run(atlas, "acme");
  expect(await run(atlas, "acme")).toBe("budget_exceeded");
  const status = await atlas.spending.status();
  expect(status.filter(({ tenant }) => tenant === "acme").map(({ scope, left }) => [scope, left.tokens])).toEqual([
    ["day", 0],
    ["total", null],
  ]);
});

test("what all tenants may spend together bounds each of them, those that the settings do not name as well", async () => {
  const atlas = await atlasWith({ budgets: { day: { maxTokens: 200 } }, tenants: { acme: tokens(10_000) } });
  expect([await run(atlas, "acme"), await run(atlas, "unnamed")]).toEqual([100, 100]);
  expect([await run(atlas, "acme"), await run(atlas, "globex"), await run(atlas)]).toEqual([
    "budget_exceeded",
    "budget_exceeded",
    "budget_exceeded",
  ]);
  const book = await atlas.spending.report();
  expect(book.map(({ tenant, label, tokens: count }) => [tenant, label, count])).toEqual([
    ["acme", "house/m", 100],
    ["unnamed", "house/m", 100],
  ]);
});

test("what a tenant had spent before its limit was set counts against it", async () => {
  const before = await atlasWith({ budgets: { total: { maxTokens: 100_000 } } });
  expect(await run(before, "acme")).toBe(100);
  await before.close();
  const atlas = await atlasWith({ tenants: { acme: tokens(100) } });
  expect(await run(atlas, "acme")).toBe("budget_exceeded");
});

test("a run that is taken up again spends what is its tenant's", async () => {
  const settings = { tenants: { acme: tokens(10_000) } };
  const guide = (stopped: boolean, asked: () => void = () => {}) =>
    agent({
      name: "guide",
      model: scripted(
        () => {
          asked();
          return { text: "Yes.", usage, delayMs: stopped ? 60_000 : 0 };
        },
        { provider: "house", name: "m" },
      ),
    });
  const began = Promise.withResolvers<void>();
  const first = await atlasWith(settings, { agents: [guide(true, began.resolve)] });
  const { id } = await first.start("guide", "Well?", { tenant: "acme" });
  await began.promise;
  await first.close();
  const atlas = await atlasWith(settings, { agents: [guide(false)] });
  expect(await (await atlas.runs.open(id)).result()).toMatchObject({ output: "Yes." });
  expect(await spentBy(atlas)).toMatchObject({ "acme total": expect.any(Number) as unknown });
  // The call that was cut off counts too.
  expect(await atlas.spending.report()).toEqual([expect.objectContaining({ tenant: "acme", calls: 2 })]);
});

test.each(["", "a/b", "constructor", "x".repeat(65)])("%j is no tenant", async (tenant) => {
  const atlas = await atlasWith({});
  await expect(atlas.start("assistant", "Well?", { tenant })).rejects.toMatchObject({ code: "invalid_input" });
  expect(await atlas.runs.list()).toEqual([]);
});

test("without limits a tenant is a word that nothing is kept of", async () => {
  const atlas = await atlasWith({});
  expect(await run(atlas, "acme")).toBe(100);
  expect([await atlas.spending.status(), await atlas.spending.report()]).toEqual([[], []]);
});
