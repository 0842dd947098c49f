import { describe, expect, it } from "vitest";
import { capabilitiesOf, hostedCapabilities, localCapabilities } from "./capabilities.ts";
import { factsOf, knownModels } from "./capability-table/model-facts.ts";
import { taskKinds } from "./capability-table/task-kinds.ts";
import { type ModelEntry, queryModels } from "./query-models.ts";

const entry = (model: string, costMicroUsd: number | null): ModelEntry => ({
  model,
  capabilities: capabilitiesOf(model, hostedCapabilities),
  strengths: factsOf(model)?.strengths,
  costMicroUsd,
});
const big = entry("anthropic/claude-opus-5", 40_000);
const small = entry("openai/gpt-5-nano", 600);
const unknown = entry("house/nobody-knows", null);
const local: ModelEntry = { ...entry("ollama/tiny", 0), capabilities: { ...localCapabilities, contextTokens: 8_192 } };
const all = [small, unknown, big, local];
const names = (matches: readonly { readonly model: string }[]): readonly string[] => matches.map(({ model }) => model);

describe("the capability table", () => {
  it("knows every model by name, strengths from 0 to 1 with their source and date", () => {
    expect(knownModels().length).toBeGreaterThan(80);
    for (const name of knownModels()) {
      const facts = factsOf(name);
      expect(Object.keys(facts?.strengths.levels ?? {})).toEqual([...taskKinds]);
      for (const level of Object.values(facts?.strengths.levels ?? {})) expect(level >= 0 && level <= 1).toBe(true);
      expect(facts?.strengths).toMatchObject({ basis: "estimated" });
      expect(facts?.strengths.source).toMatch(/^llm-zoo \d/);
      expect(facts?.strengths.date).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(facts?.capabilities.contextTokens).toBeGreaterThan(1_000);
    }
  });

  it.each([
    ["claude-sonnet-4-5", "anthropic/claude-sonnet-4.5"],
    ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"],
    ["deepseek-v4-pro", "deepseek/deepseek-v4-pro:free"],
  ])("finds %s under the name %s", (name, written) => {
    expect(factsOf(written)).toBeDefined();
    expect(factsOf(written)).toEqual(factsOf(name));
  });

  it("says nothing of a model that it does not know", () => {
    expect(factsOf("nobody-knows")).toBeUndefined();
    expect(factsOf("constructor")).toBeUndefined();
    expect(capabilitiesOf("nobody-knows", hostedCapabilities)).toEqual(hostedCapabilities);
  });
});

describe("a query for models", () => {
  it("gives the strongest at a task first, and what nothing is known of last", () => {
    const { matches } = queryModels(all, { needs: { task: "code" } });
    expect(names(matches).slice(0, 2)).toEqual([big.model, small.model]);
    expect(matches[0]?.reason).toMatch(/^strength 0\.\d\d at code \(estimated\), \$0\.0400 a call$/);
  });

  it("gives the cheapest first, with an unknown price behind every known one", () => {
    expect(names(queryModels(all, { prefer: "cost" }).matches)).toEqual([
      local.model,
      small.model,
      big.model,
      unknown.model,
    ]);
  });

  it.each([
    [{ files: ["application/pdf"], maxOutputTokens: 1_000 }, [big.model, small.model]],
    [{ contextTokens: 100_000, tools: true }, [big.model, small.model, unknown.model]],
    [{ strength: 0.7, task: "reasoning" }, [big.model]],
    [{ maxCostMicroUsd: 1_000 }, [small.model, local.model]],
  ])("leaves out what does not meet %j, and says why", (needs, expected) => {
    const { matches, rejected } = queryModels(all, { needs });
    expect(new Set(names(matches))).toEqual(new Set(expected));
    expect(rejected.map(({ model }) => model).toSorted()).toEqual(
      names(all)
        .filter((model) => !expected.includes(model))
        .toSorted(),
    );
    for (const { reason } of rejected) expect(reason).not.toBe("");
  });
});
