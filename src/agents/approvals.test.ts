import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../base/index.ts";
import type { Clock, JsonObject } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import { scripted } from "../providers/index.ts";
import type { RunHandle } from "../runs/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { tool } from "../tools/index.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";
import { database, events, inTime, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { agent } from "./agent.ts";
import type { AgentOptions, AgentResult } from "./agent.ts";
import { agentWorkflow } from "./agent-workflow.ts";

useEngine();

const paid: number[] = [];
const payTool = (approval: boolean | ((input: { euros: number }) => boolean) = true) =>
  tool({
    name: "pay",
    input: z.object({ euros: z.number() }),
    approval,
    run: ({ euros }) => (paid.push(euros), `paid ${euros}`),
  });
const pays = (euros: number | string) => ({ toolCalls: [{ name: "pay", input: { euros } }] });
const modelOf = (euros: number | string = 5) =>
  scripted([pays(euros), ({ messages }) => JSON.stringify(messages.at(-1)?.content)]);

async function workflowOf(options: Partial<AgentOptions<string>>, clock: Clock = systemClock) {
  const knowledge = await createKnowledge({ database });
  const around = surroundingsOf(clock, knowledge, () => modelOf());
  return agentWorkflow(agent({ name: "buyer", tools: [payTool()], model: modelOf(), ...options }), around);
}

async function start(
  options: Partial<AgentOptions<string>> = {},
  clock?: Clock,
): Promise<RunHandle<AgentResult<unknown>>> {
  paid.length = 0;
  return await runs.start(await workflowOf(options, clock), { goal: "Buy it." });
}

it("a person is asked before the call, and it is made when they agree", async () => {
  const run = await start();
  const { data } = await until(run, "signal.awaited");
  expect(data).toMatchObject({ name: "approval:call_0_0", question: expect.stringContaining("pay") as unknown });
  expect((data as JsonObject)["schema"]).toMatchObject({ required: ["approved"] });
  expect(paid).toEqual([]);
  await run.signal("approval:call_0_0", { approved: "yes" });
  await until(run, "signal.refused");
  await run.signal("approval:call_0_0", { approved: true });
  expect((await run.result()).text).toContain("paid 5");
  expect(paid).toEqual([5]);
  const asked = (await events(run)).filter(({ type }) => type === "approval.asked").map(({ data: told }) => told);
  expect(asked).toEqual([{ id: "call_0_0", name: "pay", input: { euros: 5 }, signal: "approval:call_0_0" }]);
});

it("a refusal is told to the model with its reason, and the tool is not called", async () => {
  const run = await start();
  await until(run, "signal.awaited");
  await run.signal("approval:call_0_0", { approved: false, reason: "too dear" });
  expect((await run.result()).text).toMatch(/tool_refused.*too dear/);
  expect(paid).toEqual([]);
});

it("at the deadline the call is refused", async () => {
  const clock = manualClock();
  await restart({ clock });
  const run = await start({ approvalTimeoutMs: 3_600_000 }, clock);
  await until(run, "signal.awaited");
  expect((await inTime(clock, run.result())).text).toMatch(/tool_refused.*nobody answered/);
  expect(paid).toEqual([]);
}, 60_000);

it("what was asked before a restart is answered after it, and asked once", async () => {
  const run = await start();
  await until(run, "signal.awaited");
  await restart();
  runs.register(await workflowOf({}));
  const again = await runs.resume(run.id);
  await run.signal("approval:call_0_0", { approved: true });
  expect(((await again.result()) as unknown as AgentResult).text).toContain("paid 5");
  expect(paid).toEqual([5]);
  expect((await events(again)).filter(({ type }) => type === "approval.asked")).toHaveLength(1);
});

it.each([
  ["the tool asks from ten on", { tools: [payTool(({ euros }) => euros >= 10)] }],
  ["the agent overrules the tool", { approvals: { pay: "never" } }],
  ["the agent asks from ten on", { approvals: { pay: ({ euros }: JsonObject) => Number(euros) >= 10 } }],
] as const)("nobody is asked where %s", async (_, options) => {
  const run = await start(options);
  expect((await run.result()).text).toContain("paid 5");
});

it("nobody is asked about arguments that do not fit, which the model is told", async () => {
  const run = await start({ model: modelOf("five"), approvals: { pay: "always" } });
  expect((await run.result()).text).toContain("tool_input_invalid");
});

it("a rule for a tool that the agent does not have is a mistake", () => {
  expect(() => agent({ name: "buyer", approvals: { sell: "always" } })).toThrow(/sell/);
});

it("a call whose id was there before is asked about anew: a word that is left over from the first is none on it", async () => {
  const again = (euros: number) => ({ toolCalls: [{ id: "c1", name: "pay", input: { euros } }] });
  const run = await start({ model: scripted([again(1), again(1_000), "bought"]) });
  await until(run, "signal.awaited");
  await run.signal("approval:c1", { approved: true });
  await run.signal("approval:c1", { approved: true }).catch(() => {});
  let signal: unknown = "approval:c1";
  for await (const { type, data } of run.events()) {
    if (type === "approval.asked") signal = (data as JsonObject)["signal"];
    if (signal !== "approval:c1") break;
  }
  expect(signal).toMatch(/^approval:c1\.\d+$/);
  expect(paid).toEqual([1]);
  await run.signal(String(signal), { approved: false });
  expect((await run.result()).text).toBe("bought");
  expect(paid).toEqual([1]);
});

it("the end of the agent's time ends the wait for a person", async () => {
  const clock = manualClock();
  await restart({ clock });
  const model = scripted([{ text: "I would pay.", ...pays(5) }, "late"]);
  const run = await start({ model, limits: { timeoutMs: 60_000 } }, clock);
  await until(run, "signal.awaited");
  await clock.advance(60_000);
  expect(await run.result()).toMatchObject({ text: "I would pay.", finishReason: "timeout" });
  expect(paid).toEqual([]);
});

it("nobody is asked about a call that may not be made", async () => {
  const tools = [tool({ name: "pay", permissions: ["money"], approval: true, input: z.object({}), run: () => 1 })];
  const run = await start({ tools, permissions: ["net"] });
  expect((await run.result()).text).toContain("tool_forbidden");
  expect((await events(run)).map(({ type }) => type)).not.toContain("approval.asked");
});
