import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../base/index.ts";
import type { JsonObject } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import { openMemory } from "../memory/index.ts";
import { countTokens, providerErrors, scripted } from "../providers/index.ts";
import type { ModelRequest, ScriptedChoice } from "../providers/index.ts";
import type { RunHandle } from "../runs/index.ts";
import { tool } from "../tools/index.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";
import { database, events, restart, runs, useEngine } from "../../test/lib/engine.ts";
import { agent } from "./agent.ts";
import type { AgentInput, AgentOptions, AgentResult } from "./agent.ts";
import { agentWorkflow } from "./agent-workflow.ts";

useEngine();

const read = tool({
  name: "read",
  input: z.object({ page: z.number() }),
  run: ({ page }) => `${page} ${"word ".repeat(400)}`,
});
const reads = (page: number) => ({
  text: `Page ${page} says 4${page}.`,
  toolCalls: [{ name: "read", input: { page } }],
});
const isSummary = ({ messages }: ModelRequest): boolean =>
  JSON.stringify(messages[0]).includes("Summarise the earlier");
const textsOf = ({ messages }: ModelRequest): string => JSON.stringify(messages);

async function start(
  options: Partial<AgentOptions<string>>,
  input: Partial<AgentInput> = {},
): Promise<RunHandle<AgentResult<unknown>>> {
  const memory = await openMemory({ database });
  const around = surroundingsOf(systemClock, await createKnowledge({ database }), () => scripted([]));
  const flow = agentWorkflow(agent({ name: "reader", ...options }), { ...around, memory: async () => memory });
  return await runs.start(flow, { goal: "What do the pages say?", ...input });
}

async function compactions(run: RunHandle<unknown>): Promise<JsonObject[]> {
  return (await events(run)).filter(({ type }) => type === "context.compacted").map(({ data }) => data as JsonObject);
}

it("what no longer fits leaves the conversation by policy, and the log says where it stands", async () => {
  const seen: ModelRequest[] = [];
  const choice: ScriptedChoice = (request) => {
    seen.push(request);
    if (isSummary(request)) return "Pages one to three were read.";
    const page = seen.filter((each) => !isSummary(each)).length;
    return page <= 8 ? reads(page) : "All read.";
  };
  const window = { maxResultTokens: 1_000, sections: { tools: { keep: "summarise" } } } as const;
  const model = scripted(choice, { capabilities: { contextTokens: 4_000, maxOutputTokens: 500 } });
  const run = await start({ model, tools: [read], window });
  expect(await run.result()).toMatchObject({ text: "All read.", steps: 9 });
  for (const request of seen) expect(countTokens(request).tokens).toBeLessThan(4_000);
  expect(textsOf(seen.at(-1) ?? { messages: [] })).toMatch(/What do the pages say.*Pages one to three were read/);
  const told = await compactions(run);
  expect(told.length).toBeGreaterThan(0);
  const log = await events(run);
  for (const each of told) {
    expect(each).toMatchObject({ reason: "window", by: "model", dropped: 0 });
    expect(Number(each["tokensAfter"])).toBeLessThan(Number(each["tokensBefore"]));
    const there = log.filter(({ seq }) => seq >= Number(each["fromSeq"]) && seq <= Number(each["toSeq"]));
    expect(there.filter(({ type, key }) => type === "step.completed" && key?.startsWith("tool:read"))).not.toEqual([]);
  }
});

it("a summary that heeds no bound is cut down to what is about the goal", async () => {
  const flood = `The pages say that tea is hot. ${"Something else was said at length. ".repeat(3_000)}`;
  const seen: ModelRequest[] = [];
  const model = scripted(
    (request) => {
      seen.push(request);
      if (isSummary(request)) return flood;
      const page = seen.filter((each) => !isSummary(each)).length;
      return page <= 8 ? reads(page) : "All read.";
    },
    { capabilities: { contextTokens: 4_000, maxOutputTokens: 500 } },
  );
  const window = { maxResultTokens: 1_000, sections: { tools: { keep: "summarise" } } } as const;
  const run = await start({ model, tools: [read], window });
  expect(await run.result()).toMatchObject({ text: "All read." });
  for (const request of seen) expect(countTokens(request).tokens).toBeLessThan(4_000);
  expect(textsOf(seen.at(-1) ?? { messages: [] })).toContain("tea is hot");
});

it("a model that fails at a summary gets one that was picked from the text", async () => {
  let pages = 0;
  const model = scripted(
    (request) => (isSummary(request) ? { error: "provider_error" } : ++pages <= 6 ? reads(pages) : "All read."),
    {
      capabilities: { contextTokens: 4_000, maxOutputTokens: 500 },
    },
  );
  const run = await start({
    model,
    tools: [read],
    window: { maxResultTokens: 1_000, sections: { tools: { keep: "summarise" } } },
  });
  expect(await run.result()).toMatchObject({ text: "All read." });
  expect((await compactions(run))[0]).toMatchObject({ by: "extract" });
});

it("a result that is too large is shortened for the model and whole in the log", async () => {
  const large = tool({ name: "large", input: z.object({}), run: () => "x".repeat(100_000) });
  let shown = "";
  const model = scripted([
    { toolCalls: [{ name: "large", input: {} }] },
    (request) => ((shown = textsOf(request)), "Done."),
  ]);
  const run = await start({ model, tools: [large], window: { maxResultTokens: 500 } });
  await run.result();
  expect(shown.length).toBeLessThan(4_000);
  expect(shown).toContain("shortened");
  expect(await compactions(run)).toMatchObject([
    { reason: "result", shortened: [{ name: "large", tokensBefore: 25_000 }] },
  ]);
  expect(JSON.stringify(await events(run))).toContain("x".repeat(100_000));
});

it("a model that says that it cannot read so much is asked once more with less", async () => {
  let asked = 0;
  const tooLong = providerErrors.create("provider_context_length", "Too long.");
  const model = scripted((request, at) => {
    if (isSummary(request)) return "Pages were read.";
    if (at < 4) return reads(at);
    return ++asked === 1 ? { error: tooLong } : "All read.";
  });
  const run = await start({ model, tools: [read] });
  expect(await run.result()).toMatchObject({ text: "All read." });
  expect(await compactions(run)).toMatchObject([{ reason: "refused" }]);
  const never = await start({ name: "never", model: scripted(() => ({ error: tooLong })) });
  await expect(never.result()).rejects.toMatchObject({ code: "provider_context_length" });
});

it("a thread goes on where it was, with the facts that are pinned", async () => {
  const seen: string[] = [];
  const model = scripted((request) => (seen.push(textsOf(request)), "In Lisbon."));
  const memory = await openMemory({ database });
  await memory.pin("She is Ana.", { thread: "trip" });
  await (await start({ model }, { goal: "Where am I?", thread: "trip" })).result();
  await restart();
  const run = await start({ model }, { goal: "And where was I?", thread: "trip" });
  await run.result();
  expect(seen[1]).toMatch(/She is Ana.*Where am I\?.*In Lisbon\..*And where was I\?/);
  const told = (await events(run)).filter(({ type }) => type.startsWith("memory.")).map(({ data }) => data);
  expect(told).toEqual([{ thread: "trip", messages: 2, facts: 1 }, { thread: "trip" }]);
  await restart();
  await (await start({ model }, { thread: "other" })).result();
  expect(seen[2]).not.toMatch(/Ana|Lisbon/);
});
