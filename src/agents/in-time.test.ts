import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import { scripted } from "../providers/index.ts";
import { tool } from "../tools/index.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";
import { database, runs, useEngine } from "../../test/lib/engine.ts";
import type { AgentOptions } from "./agent.ts";
import { agent } from "./agent.ts";
import { agentWorkflow } from "./agent-workflow.ts";

useEngine();

const never = (): Promise<never> => new Promise(() => {});
const look = tool({ name: "look", input: z.object({}), run: () => "seen" });
const asks = tool({ name: "asks", input: z.object({}), approval: never, run: () => "seen" });
const model = (name = "look") => scripted([{ text: "So far.", toolCalls: [{ name, input: {} }] }, "Done."]);

async function start(options: Partial<AgentOptions<unknown>>) {
  const around = surroundingsOf(systemClock, await createKnowledge({ database }), () => model());
  const hasty = agent<unknown>({ name: "hasty", model: model(), tools: [look, asks], ...options });
  return await runs.start(agentWorkflow(hasty, around), { goal: "Do it." });
}

it.each<[string, Partial<AgentOptions<unknown>>]>([
  ["instructions", { instructions: ({ step }) => (step === 1 ? "Look." : never()) }],
  ["a condition", { stopWhen: { name: "slow", holds: never } }],
  ["a rule of approvals", { model: model("asks") }],
  ["the choice of a model", { model: ({ step }) => (step === 1 ? model() : never()) }],
])("%s that never ends is left at the end of the time, with the best so far", async (_, options) => {
  const run = await start({ ...options, limits: { timeoutMs: 300 } });
  expect(await run.result()).toMatchObject({ text: "So far.", finishReason: "timeout" });
});

it("an answer that is there stays one when a condition never says whether it is", async () => {
  const run = await start({
    model: scripted(["Done."]),
    stopWhen: { name: "slow", holds: never },
    limits: { timeoutMs: 300 },
  });
  expect(await run.result()).toMatchObject({ text: "Done.", finishReason: "stop" });
});

const forgetful = { recall: never, remember: never };

it("a memory that never recalls ends with the agent's time, and is told that nobody waits for it", async () => {
  let told: AbortSignal | undefined;
  const recall = async (_scope: object, _goal: string, { signal }: { signal: AbortSignal }): Promise<never> => {
    told = signal;
    return await never();
  };
  const run = await start({ memory: { ...forgetful, recall }, limits: { timeoutMs: 50 } });
  await expect(run.result()).rejects.toMatchObject({ code: "agent_timed_out" });
  expect(told?.aborted).toBe(true);
});

it("a memory that never keeps anything ends with a cancel", async () => {
  const run = await start({ memory: { ...forgetful, recall: async () => ({ history: [], facts: [] }) } });
  for await (const { type } of run.events()) if (type === "model.completed") break;
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
});
