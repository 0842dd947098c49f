import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createKnowledge } from "../knowledge/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import type { ModelCapabilities, ModelRequest, Script } from "../providers/index.ts";
import { scripted } from "../providers/index.ts";
import type { Runs } from "../runs/index.ts";
import { createRuns } from "../runs/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { tool } from "../tools/index.ts";
import { agentWorkflow } from "./agent-workflow.ts";
import { agent } from "./agent.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";

const base = mkdtempSync(join(tmpdir(), "atlas-abilities-"));
const clock = manualClock();
let database: Database;
let knowledge: Knowledge;
let runs: Runs;

beforeAll(async () => {
  database = await sqlite({ path: join(base, "atlas.db"), synchronous: "normal" });
  knowledge = await createKnowledge({ database });
});

afterEach(() => runs[Symbol.asyncDispose]());

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(base, { recursive: true });
});

const echo = tool({ name: "echo", input: z.object({ text: z.string() }), run: ({ text }) => text });

async function start(
  script: Script,
  capabilities: Partial<ModelCapabilities>,
  { tools = [echo], knowledge: paths = [] }: { tools?: readonly (typeof echo)[]; knowledge?: readonly string[] } = {},
) {
  runs = await createRuns({ database, clock });
  const model = scripted(script, { capabilities, clock });
  const surroundings = surroundingsOf(clock, knowledge, () => model);
  const guide = agent({ name: "guide", model, tools, knowledge: paths });
  return await runs.start(agentWorkflow(guide, surroundings), { goal: "Do it." });
}

test("a model that cannot call tools gets none, and the log says which were left out", async () => {
  const seen: ModelRequest[] = [];
  writeFileSync(join(base, "pool.md"), "# Pool\n\nA pool keeps connections.");
  const run = await start(
    (request) => {
      seen.push(request);
      return "Done.";
    },
    { tools: "none" },
    { knowledge: [join(base, "pool.md")] },
  );
  expect(await run.result()).toMatchObject({ output: "Done." });
  expect(seen).toHaveLength(1);
  expect(seen[0]).not.toHaveProperty("tools");
  expect(seen[0]).not.toHaveProperty("toolChoice");
  expect(JSON.stringify(seen[0])).not.toMatch(/search/i);
  const log = await Array.fromAsync(run.events());
  expect(log.filter(({ type }) => type === "tools.left_out").map(({ data }) => data)).toEqual([
    { names: ["echo", "search_documents"] },
  ]);
});

test("nothing is said to be left out when there are no tools, or when the model can call them", async () => {
  for (const [tools, capability] of [
    [[], "none"],
    [[echo], "single"],
  ] as const) {
    const run = await start(["Done."], { tools: capability }, { tools });
    await run.result();
    const log = await Array.fromAsync(run.events());
    expect(log.map(({ type }) => type)).not.toContain("tools.left_out");
    await runs[Symbol.asyncDispose]();
  }
});

test("every call of an answer is run, also when the model is said to make one at a time", async () => {
  const calls = [
    { name: "echo", input: { text: "a" } },
    { name: "echo", input: { text: "b" } },
  ];
  const run = await start([{ toolCalls: calls }, "Done."], { tools: "single" });
  expect(await run.result()).toMatchObject({ output: "Done." });
  const log = await Array.fromAsync(run.events());
  expect(log.filter(({ type }) => type === "tool.completed")).toHaveLength(2);
});

test("a tool's time is the clock's that the program runs on", async () => {
  const begun = Promise.withResolvers<void>();
  const deaf = tool({
    name: "echo",
    input: z.object({ text: z.string() }),
    timeoutMs: 60_000,
    run: (): Promise<string> => {
      begun.resolve();
      return new Promise(() => {});
    },
  });
  const call = { toolCalls: [{ name: "echo", input: { text: "a" } }] };
  const run = await start([call, (request) => JSON.stringify(request.messages.at(-1))], {}, { tools: [deaf] });
  await begun.promise;
  await clock.advance(60_000);
  expect(await run.result()).toMatchObject({ output: expect.stringContaining("tool_timed_out") as unknown });
});
