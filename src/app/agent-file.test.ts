import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { isAtlasError } from "../base/index.ts";
import { tool } from "../tools/index.ts";
import { readAgentFile } from "./agent-file.ts";

const weather = tool({ name: "weather", input: z.object({}), run: () => "sun" });
const read = (text: string) =>
  readAgentFile(text, {
    id: "guide",
    label: "agents/guide/agent.md",
    directory: "/project/agents/guide",
    tools: [weather],
  });
const wrong = async (matter: string): Promise<string> =>
  await read(`---\n${matter}\n---\nHelp.\n`).then(
    () => "nothing is wrong",
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );

test("a file without keys is an agent of the folder's name, and all of it is its instructions", async () => {
  expect(await read("Plan a day out.\n")).toMatchObject({
    name: "guide",
    instructions: "Plan a day out.",
    version: "1.0.0",
  });
  expect(await read("---\n---\nPlan.")).toMatchObject({ name: "guide", instructions: "Plan." });
});

test("every key is read, with lines that end as on another system and a mark at the start", async () => {
  const text = `\uFEFF---
name: planner
description: Plans.
version: 2.0.0-beta.1
model: offline/extractive
task: writing
tools: [weather]
knowledge: [places, /docs]
permissions: [net, "fs:read"]
capabilities: [travel, food]
limits: { maxSteps: 3, maxTokens: 100, maxCostUsd: 0.5, timeoutMs: 1000 }
requires: { agents: { scout: ^1.0.0 }, tools: { weather: "*" }, models: [offline/extractive] }
deprecated: { since: 2.0.0, use: guide }
---

# Plan

--- is no end here.
`;
  expect(await read(text.replaceAll("\n", "\r\n"))).toMatchObject({
    name: "planner",
    description: "Plans.",
    version: "2.0.0-beta.1",
    model: "offline/extractive",
    task: "writing",
    tools: [weather],
    knowledge: ["/project/agents/guide/places", "/docs"],
    permissions: ["net", "fs:read"],
    capabilities: { travel: 1, food: 1 },
    limits: { maxSteps: 3, maxTokens: 100, maxCostUsd: 0.5, timeoutMs: 1000 },
    requires: { agents: { scout: "^1.0.0" }, tools: { weather: "*" }, models: ["offline/extractive"] },
    deprecated: { since: "2.0.0", use: "guide" },
    instructions: "# Plan\n\n--- is no end here.",
  });
});

test.each([
  ["modle: a/b", ":2: modle is no key; did you mean model?"],
  ["name: guide\nmodel: gpt", ':3: model expected "auto", a model as "provider/name"'],
  ["tools:\n  - weather\n  - wether", ':4: tools.1 names "wether", which no module exports; did you mean weather?'],
  ["limits:\n  maxSteps: 2\n  maxTokens: many", ":4: limits.maxTokens expected a whole number"],
  ["limits: { steps: 2 }", ":2: limits.steps is no key"],
  ["limits: 5", ":2: limits expected a section"],
  ["version: 1", ":2: version expected a text"],
  ["version: one", ":2: version must be a semantic version"],
  ["capabilities:\n  travel: 2", ":3: capabilities.travel expected a strength from 0 to 1"],
  ["capabilities: travel", ":2: capabilities expected a list"],
  ["permissions: [rm -rf]", ":2: permissions.0 must be words"],
  ["requires:\n  agents:\n    scout: new", ":4: requires.agents.scout expected a range"],
  ["requires: { team: {} }", ":2: requires.team is no key"],
  ["requires: { models: openai/gpt }", ":2: requires.models expected a list"],
  ["deprecated: { when: now }", ":2: deprecated.when is no key"],
  ["- one", ":2: expected keys with values"],
  ["name: two words", "agents/guide/agent.md: The agent name"],
  ["a: [1", "no valid YAML"],
])("%j is told with file and line", async (matter, words) => {
  const message = await wrong(matter);
  expect(message).toMatch(/^agent_file_invalid: /);
  expect(message).toContain(words);
});

test("everything that is wrong is told at once", async () => {
  const message = await wrong("modle: a/b\nlimits: { maxSteps: 0 }\ntools: [gone]");
  expect(message).toContain("agents/guide/agent.md has 3 mistakes:");
  for (const line of [":2: modle", ":3: limits.maxSteps", ":4: tools.0"]) expect(message).toContain(line);
});

test("a file without instructions, or whose keys have no end, is refused", async () => {
  await expect(read("---\nname: guide\n---\n\n")).rejects.toThrow("there are no instructions");
  await expect(read("---\nname: guide\nPlan.")).rejects.toThrow(
    "agents/guide/agent.md:1: what begins with --- has no end",
  );
});

test("whatever stands in a file, it is an agent or a mistake that is told with its file", async () => {
  const value = fc.oneof(
    fc.jsonValue().map((each) => JSON.stringify(each)),
    fc.string(),
    fc.constantFrom("*a", "&a 1", "!!js/function x", "{ a: &a [*a] }", "<<: 1"),
  );
  const name = fc.constantFrom(
    "name",
    "tools",
    "limits",
    "capabilities",
    "requires",
    "deprecated",
    "version",
    "model",
    "__proto__",
    "knowledge",
    "permissions",
  );
  const matter = fc
    .array(fc.tuple(name, value), { maxLength: 5 })
    .map((all) => all.map((pair) => pair.join(": ")).join("\n"));
  await fc.assert(
    fc.asyncProperty(matter, async (each) => {
      const outcome = await read(`---\n${each}\n---\nHelp.`).catch((error: unknown) => error);
      if (isAtlasError(outcome))
        expect([outcome.code, outcome.message]).toEqual(["agent_file_invalid", expect.stringContaining("agent.md")]);
      else expect(outcome).toMatchObject({ kind: "agent" });
    }),
    { numRuns: 500 },
  );
});
