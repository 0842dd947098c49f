import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { tool } from "../tools/index.ts";
import type { Agent } from "./agent.ts";
import { agent } from "./agent.ts";

const hello = tool({ name: "hello", input: z.object({}), run: () => "hello" });

test("an agent is a name and defaults for the rest", () => {
  expect(agent({ name: "guide" })).toEqual({
    kind: "agent",
    name: "guide",
    instructions: "",
    tools: [],
    knowledge: [],
    limits: {},
    version: "1.0.0",
    description: "",
    options: {},
    stopWhen: [],
    approvals: {},
    approvalTimeoutMs: 86_400_000,
    window: {},
    capabilities: {},
    requires: {},
  });
  expectTypeOf(agent({ name: "guide" })).toEqualTypeOf<Agent>();
});

test("the output schema is the type of the output", () => {
  const scored = agent({ name: "judge", output: z.object({ score: z.number() }) });
  expectTypeOf(scored).toEqualTypeOf<Agent<{ score: number }>>();
});

test.each(["a", "team.writer-2", "9lives", "x".repeat(64)])("%s is a name", (name) => {
  expect(agent({ name }).name).toBe(name);
});

test.each(["", ".hidden", "two words", "x".repeat(65), "a/b", "a\n"])("%j is refused as a name", (name) => {
  expect(() => agent({ name })).toThrow(expect.objectContaining({ code: "agent_invalid" }));
});

test.each([{ maxSteps: 0 }, { maxTokens: -1 }, { timeoutMs: Number.NaN }, { maxSteps: Infinity }, { maxTokens: 0.5 }])(
  "the limits %j are refused by name",
  (limits) => {
    expect(() => agent({ name: "a", limits })).toThrow(
      expect.objectContaining({ code: "agent_invalid", details: { agent: "a" } }),
    );
    expect(() => agent({ name: "a", limits })).toThrow(Object.keys(limits)[0] ?? "");
  },
);

test.each<[string, object]>([
  ["tools[0] is no tool", { tools: [undefined] }],
  ["tools[0] is no tool", { tools: [() => 1] }],
  ["output must be a Standard Schema", { output: { type: "object" } }],
  ["maxStep of the agent a must be one of maxSteps", { limits: { maxStep: 3 } }],
  ["window.maxTokens", { window: { maxTokens: Number.NaN } }],
  ["window.sections names histry", { window: { sections: { histry: {} } } }],
  ["window.sections.history.keep", { window: { sections: { history: { keep: "drp" } } } }],
])("what a program without types gives is refused where it is defined: %s", (words, options) => {
  expect(() => agent({ name: "a", ...options })).toThrow(
    expect.objectContaining({ code: "agent_invalid", message: expect.stringContaining(words) as unknown }),
  );
});

test("a limit that is left open says nothing over another one", () => {
  const { limits } = agent({ name: "a", ...({ limits: { maxSteps: undefined, maxTokens: 5 } } as object) });
  expect(limits).toStrictEqual({ maxTokens: 5 });
});

test("two tools of one name are refused", () => {
  expect(() => agent({ name: "a", tools: [hello, { ...hello }] })).toThrow(
    expect.objectContaining({ code: "tool_duplicate", details: { agent: "a", tool: "hello" } }),
  );
});
