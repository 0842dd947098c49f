import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { z } from "zod";
import { agent } from "../agents/index.ts";
import { tool } from "../tools/index.ts";
import { knownAgents, withLimits } from "./known-agents.ts";
import type { SettingsInput } from "./settings.ts";
import { loadSettings } from "./settings.ts";

const hello = tool({ name: "hello", input: z.object({}), run: () => "hello" });
const settingsOf = async (overrides: SettingsInput) =>
  (await loadSettings({ directory: tmpdir(), environment: {}, overrides })).values;

test("the assistant is always there, with the documents of the settings", async () => {
  const known = knownAgents(await settingsOf({ knowledge: { paths: ["/docs"] } }), [], []);
  expect([...known.keys()]).toEqual(["assistant"]);
  expect(known.get("assistant")).toMatchObject({ knowledge: ["/docs"], tools: [], limits: {} });
});

test("an agent of the settings has the tools that modules export", async () => {
  const settings = await settingsOf({
    agents: {
      guide: {
        instructions: "Guide.",
        tools: ["hello"],
        model: "offline/extractive",
        knowledge: ["/docs"],
        limits: { maxSteps: 3 },
      },
    },
  });
  expect(knownAgents(settings, [hello], []).get("guide")).toMatchObject({
    instructions: "Guide.",
    tools: [hello],
    model: "offline/extractive",
    knowledge: ["/docs"],
    limits: { maxSteps: 3 },
  });
});

test.each([
  [[], "known: none"],
  [[hello], "known: hello"],
])("a tool that no module exports is refused by name", async (tools, known) => {
  const settings = await settingsOf({ agents: { guide: { instructions: "Guide.", tools: ["helo"] } } });
  expect(() => knownAgents(settings, tools, [])).toThrow(
    expect.objectContaining({ code: "tool_not_found", exitCode: 2 }),
  );
  expect(() => knownAgents(settings, tools, [])).toThrow(known);
});

test("an agent of the program replaces one of the settings, and stays the very same", async () => {
  const settings = await settingsOf({ agents: { guide: { instructions: "Of the settings." } } });
  const own = agent<unknown>({ name: "guide", instructions: "Of the program." });
  expect(knownAgents(settings, [], [own]).get("guide")).toBe(own);
});

test("limits that an agent leaves open are those of the settings", async () => {
  const settings = await settingsOf({ limits: { maxSteps: 7, maxTokens: 1_000, timeoutMs: 60_000 } });
  const bounded = withLimits(agent<unknown>({ name: "guide", limits: { maxTokens: 50 } }), settings);
  expect(bounded.limits).toEqual({ maxSteps: 7, maxTokens: 50, timeoutMs: 60_000 });
});
