import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import type { JsonObject } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import type { Model, Prices, Script } from "../providers/index.ts";
import { group, guarded, scripted } from "../providers/index.ts";
import type { RunHandle, Runs } from "../runs/index.ts";
import { createRuns } from "../runs/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { tool } from "../tools/index.ts";
import { agentWorkflow } from "./agent-workflow.ts";
import type { AgentOptions, AgentResult } from "./agent.ts";
import { agent } from "./agent.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";

const base = mkdtempSync(join(tmpdir(), "atlas-spending-"));
let database: Database;
let knowledge: Knowledge;
let runs: Runs;
let clock: ManualClock;

beforeAll(async () => {
  database = await sqlite({ path: join(base, "atlas.db"), synchronous: "normal" });
  knowledge = await createKnowledge({ database });
});

beforeEach(async () => {
  clock = manualClock();
  runs = await createRuns({ database, clock });
});

afterEach(() => runs[Symbol.asyncDispose]());

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(base, { recursive: true });
});

async function start(options: Partial<AgentOptions<unknown>>): Promise<RunHandle<AgentResult<unknown>>> {
  const surroundings = surroundingsOf(clock, knowledge, () => scripted([]));
  return await runs.start(agentWorkflow(agent<unknown>({ name: "guide", ...options }), surroundings), {
    goal: "Do it.",
  });
}

async function dataOf(run: RunHandle<unknown>, type: string): Promise<JsonObject[]> {
  const log = await Array.fromAsync(run.events({ after: 0 }));
  return log.filter((event) => event.type === type).map(({ data }) => data as JsonObject);
}

const metered = (script: Script, name = "script"): Model =>
  scripted(script, { clock, name, capabilities: { cost: "metered" } });
const echo = tool({ name: "echo", input: z.object({}), run: () => "echo" });
const callEcho = { toolCalls: [{ name: "echo", input: {} }] };

/** Four thousand millionths for each call, but for an answer of seven tokens, which nobody can price. */
const gappy: Prices = {
  version: "test",
  costMicroUsd: ({ usage }) => (usage.outputTokens === 7 ? null : 4_000),
};

it("a call whose cost is not known does not make the run forget what the others cost", async () => {
  const script: Script = (_, index) => ({ ...callEcho, ...(index === 1 && { usage: { outputTokens: 7 } }) });
  const run = await start({
    model: guarded(metered(script), { prices: gappy, clock }),
    tools: [echo],
    limits: { maxCostUsd: 0.01 },
  });
  expect(await run.result()).toMatchObject({ finishReason: "budget", costMicroUsd: null });
  const costs = (await dataOf(run, "model.completed")).map(({ costMicroUsd }) => costMicroUsd);
  expect(costs).toEqual([4_000, null, 4_000]);
});

it("an attempt that the end of the agent's time cut off is in the log with what it used", async () => {
  const slow = metered([{ text: "a long answer that comes slowly ".repeat(5), chunkDelayMs: 50_000 }]);
  const run = await start({ model: guarded(slow, { prices: gappy, clock }), limits: { timeoutMs: 60_000 } });
  for await (const { type } of run.events()) if (type === "text.delta") break;
  await clock.advance(60_000);
  expect(await run.result()).toMatchObject({ finishReason: "timeout" });
  const [attempt, ...others] = await dataOf(run, "attempt.cancelled");
  expect(others).toEqual([]);
  expect(attempt).toMatchObject({ step: 1, model: "script", outcome: "cancelled", costMicroUsd: 4_000 });
  expect(attempt?.["usage"]).toMatchObject({ outputTokens: 8 });
});

it("a run that is cancelled tells nothing more of its attempt, for its log is closed", async () => {
  const slow = metered([{ text: "a long answer that comes slowly ".repeat(5), chunkDelayMs: 50_000 }]);
  const run = await start({ model: guarded(slow, { prices: gappy, clock }) });
  for await (const { type } of run.events()) if (type === "text.delta") break;
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
  expect(await dataOf(run, "attempt.cancelled")).toEqual([]);
});

it("an answer that its limit cut off is not blamed on the form of the answer alone", async () => {
  const output = z.object({ n: z.number() });
  const long = metered([{ text: `{"n": ${"1".repeat(20_000)}` }]);
  const run = await start({
    model: guarded(long, { prices: gappy, clock }),
    output,
    limits: { maxTokens: 2_000 },
  });
  await expect(run.result()).rejects.toMatchObject({
    code: "agent_output_invalid",
    message: expect.stringContaining("It ended early (budget)") as unknown,
  });
});

it("what the log, the result and the attempts say of tokens and money is the same", async () => {
  const broken = metered(() => ({ text: "Half an answer that br", error: "provider_error" }), "broken");
  const works = metered([callEcho, "All is well."], "works");
  const model = group({ name: "pair", members: [broken, works], prices: gappy, clock });
  const run = await start({ model, tools: [echo] });
  const result = await run.result();
  expect(result).toMatchObject({ output: "All is well.", model: "group/pair" });
  const completed = await dataOf(run, "model.completed");
  const attempts = completed.flatMap(({ report }) => (report as { attempts?: JsonObject[] }).attempts ?? []);
  const sum = (entries: readonly JsonObject[], key: string): number =>
    entries.reduce((total, { usage }) => total + Number((usage as JsonObject)[key]), 0);
  for (const key of ["inputTokens", "outputTokens"] as const) {
    expect(sum(completed, key)).toBe(result.usage[key]);
    expect(sum(attempts, key)).toBe(result.usage[key]);
  }
  const cost = attempts.reduce((total, { costMicroUsd }) => total + Number(costMicroUsd), 0);
  expect(cost).toBe(result.costMicroUsd);
  expect(await dataOf(run, "attempt.failed")).toHaveLength(
    attempts.filter(({ outcome }) => outcome === "failed").length,
  );
  expect(await dataOf(run, "answer.restarted")).toMatchObject([{ step: 1, to: "scripted/works" }, { step: 2 }]);
});

it("a limit that is smaller than what is set aside for an answer buys a short answer", async () => {
  const bounds: (number | undefined)[] = [];
  const says: Script = (request) => {
    bounds.push(request.maxOutputTokens);
    return "Paris.";
  };
  for (const [index, maxTokens] of [200, 60, 5_000].entries()) {
    const model = guarded(metered(says), { prices: gappy, clock });
    const run = await start({ name: `a${index}`, model, limits: { maxTokens } });
    expect(await run.result()).toMatchObject({ output: "Paris.", finishReason: "stop" });
  }
  expect(bounds).toEqual([expect.closeTo(190, -1), expect.closeTo(50, -1), undefined]);
});

it("an answer that the bound of a budget cut ends with budget; one that its model cut ends with length", async () => {
  const cut = metered([{ text: "Half an", finishReason: "length" }]);
  const model = guarded(cut, { prices: gappy, clock });
  const small = await start({ model, limits: { maxTokens: 200 } });
  expect(await small.result()).toMatchObject({ output: "Half an", finishReason: "budget" });
  const large = await start({ name: "large", model, limits: { maxTokens: 20_000 } });
  expect(await large.result()).toMatchObject({ output: "Half an", finishReason: "length" });
});

it("a limit too small for any answer is refused before anything is sent, by name", async () => {
  let calls = 0;
  const model = guarded(
    metered(() => `call ${++calls}`),
    { prices: gappy, clock },
  );
  const run = await start({ model, limits: { maxTokens: 10 } });
  await expect(run.result()).rejects.toMatchObject({ code: "budget_exceeded", details: { scope: "guide" } });
  expect(calls).toBe(0);
});
