import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../base/index.ts";
import type { JsonObject } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import { scripted } from "../providers/index.ts";
import type { Message, ScriptedTurn } from "../providers/index.ts";
import type { RunHandle } from "../runs/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { tool } from "../tools/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { agent } from "./agent.ts";
import { agentWorkflow } from "./agent-workflow.ts";
import type { AgentResult } from "./agent.ts";

useEngine();
afterEach(() => (asked = []));

let asked: (readonly Message[])[] = [];
const call = (name: string) => ({ toolCalls: [{ name, input: {} }] });

async function workflowOf(script: readonly (ScriptedTurn | string)[], tools: readonly AnyTool[]) {
  const knowledge = await createKnowledge({ database });
  const model = scripted((request, n) => {
    asked.push(request.messages);
    return script[n] ?? JSON.stringify(request.messages.at(-1)?.content);
  });
  const surroundings = surroundingsOf(systemClock, knowledge, () => model);
  return agentWorkflow(agent({ name: "guide", model, tools }), surroundings);
}

async function start(
  script: readonly (ScriptedTurn | string)[],
  tools: readonly AnyTool[],
): Promise<RunHandle<AgentResult<unknown>>> {
  return await runs.start(await workflowOf(script, tools), { goal: "Plan a day." });
}

const userTexts = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ role, content }) => (role === "user" ? [JSON.stringify(content)] : []));

it("what steers an agent is in its next question, in order, and in the log", async () => {
  const go = Promise.withResolvers<void>();
  const slow = tool({ name: "slow", input: z.object({}), run: () => go.promise.then(() => "slept") });
  const run = await start([call("slow"), "In Lisbon."], [slow]);
  await until(run, "tool.started");
  await run.steer("Rather in Lisbon.");
  await run.steer({ days: 2 });
  go.resolve();
  expect((await run.result()).text).toBe("In Lisbon.");
  expect(userTexts(asked.at(-1) ?? []).join(" ")).toMatch(/Plan a day.*Rather in Lisbon.*days.*2/);
  const told = (await events(run)).filter(({ type }) => type === "agent.steered");
  expect(told.map(({ data }) => (data as JsonObject)["text"])).toEqual(["Rather in Lisbon.", '{"days":2}']);
  await expect(run.steer("late")).rejects.toMatchObject({ code: "run_finished" });
});

it("what comes while the model gives its last answer is answered too", async () => {
  const clock = manualClock();
  const model = scripted([{ text: "In Lisbon.", delayMs: 1_000 }, "And in Porto."], { clock });
  const knowledge = await createKnowledge({ database });
  const flow = agentWorkflow(
    agent({ name: "guide", model }),
    surroundingsOf(systemClock, knowledge, () => model),
  );
  const run = await runs.start(flow, { goal: "Plan a day." });
  await clock.waitForSleepers(1);
  await run.steer("And Porto?");
  await clock.advance(1_000);
  expect(await run.result()).toMatchObject({ text: "And in Porto.", steps: 2 });
});

it("what was taken is taken once, also over a restart", async () => {
  const go = Promise.withResolvers<void>();
  const first = tool({ name: "first", input: z.object({}), run: () => go.promise.then(() => 1) });
  const never = tool({ name: "never", input: z.object({}), run: () => new Promise<number>(() => {}), timeoutMs: 1e6 });
  const script = [call("first"), call("never"), "Done."];
  const run = await start(script, [first, never]);
  await until(run, "tool.started");
  await run.steer("Rather in Lisbon.");
  go.resolve();
  for await (const { type, data } of run.events())
    if (type === "tool.started" && (data as JsonObject)["name"] === "never") break;
  await restart();
  asked = [];
  const now = tool({ name: "never", input: z.object({}), run: () => 2 });
  runs.register(await workflowOf(script, [first, now]));
  const again = await runs.resume(run.id);
  expect(await again.result()).toMatchObject({ text: "Done." });
  expect(userTexts(asked[0] ?? []).filter((text) => text.includes("Lisbon"))).toHaveLength(1);
  expect((await events(again)).filter(({ type }) => type === "agent.steered")).toHaveLength(1);
});

it.each(["park", "fail"] as const)("a tool call that was cut off follows the policy %s", async (onUnknown) => {
  const input = z.object({});
  const pay = tool({ name: "pay", input, onUnknown, timeoutMs: 1e6, run: () => new Promise<string>(() => {}) });
  const run = await start([call("pay")], [pay]);
  await until(run, "effect.started");
  await restart();
  runs.register(await workflowOf([call("pay")], [pay]));
  const again = await runs.resume(run.id);
  if (onUnknown === "park") {
    await until(again, "effect.parked");
    expect(await again.effects()).toMatchObject([{ key: "tool:pay", name: "tool:pay", state: "parked" }]);
    await run.decide("tool:pay", { outcome: "done", output: "receipt 7" });
  }
  const { text } = (await again.result()) as unknown as { text: string };
  expect(text).toContain(onUnknown === "park" ? "receipt 7" : "effect_unknown");
});
