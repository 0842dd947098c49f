import { expect, test } from "vitest";
import { z } from "zod";
import { tool } from "../tools/index.ts";
import { agent } from "./agent.ts";

test("what is said of an agent stands on it, a list of capabilities as strengths of 1", () => {
  const made = agent({
    name: "guide",
    version: "2.1.0",
    description: "Plans days out.",
    capabilities: ["travel", "food"],
    requires: { agents: { writer: "^1.0.0" }, models: ["offline/extractive"] },
    deprecated: { since: "2.1.0", use: "planner" },
    permissions: ["net"],
  });
  expect(made).toMatchObject({
    version: "2.1.0",
    capabilities: { travel: 1, food: 1 },
    requires: { agents: { writer: "^1.0.0" } },
    deprecated: { use: "planner" },
    permissions: ["net"],
  });
  expect(agent({ name: "guide", capabilities: { travel: 0.4 } }).capabilities).toEqual({ travel: 0.4 });
});

test("everything that is wrong with it is told at once", () => {
  const search = tool({ name: "search", requires: { index: "^1.0.0" }, input: z.object({}), run: () => 1 });
  const making = () =>
    agent({
      name: "guide",
      version: "two",
      capabilities: { travel: 1.5, "": 1 },
      requires: { agents: { writer: "new" }, tools: { search: "^" }, models: ["gpt"] },
      permissions: ["fs read"],
      tools: [search],
    });
  expect(making).toThrow(expect.objectContaining({ code: "agent_invalid" }));
  for (const words of [
    'version "two"',
    "capability travel",
    'capability ""',
    'writer in "new"',
    'search in "^"',
    'the model "gpt"',
    'permission "fs read"',
    "its tool search requires the tool index",
  ])
    expect(making).toThrow(words);
});
