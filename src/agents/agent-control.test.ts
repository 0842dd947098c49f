import { expect, it } from "vitest";
import { z } from "zod";
import { systemClock } from "../base/index.ts";
import type { JsonObject } from "../base/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import { scripted } from "../providers/index.ts";
import type { Model, ModelRequest } from "../providers/index.ts";
import type { RunHandle } from "../runs/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { tool } from "../tools/index.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { agent } from "./agent.ts";
import type { AgentOptions, AgentResult } from "./agent.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";
import { agentWorkflow } from "./agent-workflow.ts";
import { textMatches, toolCalled } from "./agent-view.ts";

useEngine();

const call = (name: string, input: JsonObject = {}) => ({ toolCalls: [{ name, input }] });
const echo = tool({ name: "echo", input: z.object({ text: z.string() }), run: ({ text }) => ({ text }) });
const systemOf = ({ messages }: ModelRequest): string =>
  messages.flatMap(({ role, content }) => (role === "system" ? [JSON.stringify(content)] : [])).join("");

async function workflowOf(options: Partial<AgentOptions<unknown>>, more: Partial<AgentSurroundings> = {}) {
  const knowledge = await createKnowledge({ database });
  const around = surroundingsOf(systemClock, knowledge, () => scripted(["From the default."]));
  return agentWorkflow(agent<unknown>({ name: "guide", ...options }), { ...around, ...more });
}

async function start(
  options: Partial<AgentOptions<unknown>>,
  more: Partial<AgentSurroundings> = {},
): Promise<RunHandle<AgentResult<unknown>>> {
  return await runs.start(await workflowOf(options, more), { goal: "Do it." });
}

async function dataOf(run: RunHandle<unknown>, type: string): Promise<JsonObject[]> {
  return (await events(run)).filter((event) => event.type === type).map(({ data }) => data as JsonObject);
}

it("instructions that a function writes are written for each call, and once also over a restart", async () => {
  const written: number[] = [];
  const seen: string[] = [];
  const stop = tool({ name: "stop", input: z.object({}), run: () => new Promise<number>(() => {}), timeoutMs: 1e6 });
  const model = scripted((request, at) => (seen.push(systemOf(request)), at === 0 ? call("stop") : "Done."));
  const instructions = ({ step, input }: { step: number; input: { goal: string } }): string => {
    written.push(step);
    return `Step ${step} of: ${input.goal}`;
  };
  const run = await start({ instructions, model, tools: [stop] });
  await until(run, "tool.started");
  await restart();
  const now = tool({ name: "stop", input: z.object({}), run: () => 1 });
  runs.register(await workflowOf({ instructions, model, tools: [now] }));
  const again = await runs.resume(run.id);
  expect(await again.result()).toMatchObject({ text: "Done." });
  expect(written).toEqual([1, 2]);
  expect(seen.at(-1)).toContain("Step 2 of: Do it.");
});

it("options of the model go with every call", async () => {
  const seen: ModelRequest[] = [];
  const model = scripted((request, at) => (seen.push(request), at === 0 ? call("echo", { text: "a" }) : "Done."));
  const options = { temperature: 0.2, seed: 7, providerOptions: { scripted: { style: "dry" } } };
  await (await start({ model, options, tools: [echo] })).result();
  expect(seen).toHaveLength(2);
  for (const request of seen) expect(request).toMatchObject(options);
});

it("a function chooses the model of each call", async () => {
  const small = scripted([call("echo", { text: "a" })], { name: "small" });
  const large = scripted(["", "From the large one."], { name: "large" });
  const run = await start({ model: ({ step }) => (step === 1 ? small : large), tools: [echo] });
  expect(await run.result()).toMatchObject({ text: "From the large one.", model: "scripted/large", steps: 2 });
});

it("a person switches the model of a run that is under way, and a name that is none changes nothing", async () => {
  const go = Promise.withResolvers<void>();
  const slow = tool({ name: "slow", input: z.object({}), run: () => go.promise.then(() => 1) });
  const others: Record<string, Model> = {
    "house/big": scripted(["", "From the big one."], { provider: "house", name: "big" }),
  };
  const find = async (name = ""): Promise<Model> => {
    const found = others[name];
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const run = await start({ model: scripted([call("slow"), "From the first."]), tools: [slow] }, { model: find });
  await until(run, "tool.started");
  await run.steer({ model: "house/none" });
  await run.steer({ model: "house/big", text: "Be brief." });
  go.resolve();
  expect(await run.result()).toMatchObject({ text: "From the big one.", model: "house/big" });
  expect(await dataOf(run, "model.switch_refused")).toMatchObject([{ model: "house/none" }]);
  expect(await dataOf(run, "model.switched")).toEqual([{ step: 2, model: "house/big", by: "steer" }]);
  expect(await dataOf(run, "agent.steered")).toEqual([{ step: 2, text: "Be brief." }]);
});

it.each([
  ["a tool was called", toolCalled("echo"), "toolCalled(echo)"],
  ["a text matches", textMatches(/wait/gi), "textMatches(/wait/i)"],
  ["its own function says so", { name: "mine", holds: ({ step }: { step: number }) => step === 1 }, "mine"],
])("a run ends with the best so far when %s", async (_, stopWhen, condition) => {
  const model = scripted([{ text: "Wait.", ...call("echo", { text: "a" }) }, "never said"]);
  const run = await start({ model, tools: [echo], stopWhen });
  expect(await run.result()).toMatchObject({ text: "Wait.", steps: 1, finishReason: "stop_condition" });
  expect(await dataOf(run, "agent.stopped")).toEqual([{ step: 1, condition }]);
});

it("a call that failed is none that a condition waits for", async () => {
  const model = scripted([call("echo", { text: 5 }), call("echo", { text: "fine" }), "never said"]);
  const run = await start({ model, tools: [echo], stopWhen: toolCalled("echo") });
  expect(await run.result()).toMatchObject({ steps: 2, finishReason: "stop_condition" });
});

it.each([
  ["calls a tool that there is not", call("nothing"), 3],
  ["gives arguments of the wrong type", call("echo", { text: 5 }), 3],
  ["gives arguments that are no JSON", { toolCalls: [{ name: "echo", input: '{"text": ' }] }, 3],
  ["asks what it knows", call("echo", { text: "a" }), 10],
])("a model that %s again and again is asked for an answer, and the log says why", async (_, turn, times) => {
  const model = scripted(({ toolChoice }) => (toolChoice === "none" ? "I could not." : turn));
  const run = await start({ model, tools: [echo] });
  expect(await run.result()).toMatchObject({ text: "I could not.", finishReason: "stuck", steps: times + 1 });
  const [stuck] = await dataOf(run, "agent.stuck");
  expect(stuck).toMatchObject({ step: times, name: turn.toolCalls[0]?.name, times });
});

it("a model that loops for ever, each time in another way, is bounded by its steps", async () => {
  const model = scripted((_, at) => ({ text: `Try ${at}.`, ...call("echo", { text: String(at) }) }));
  const run = await start({ model, tools: [echo], limits: { maxSteps: 6 } });
  expect(await run.result()).toMatchObject({ text: "Try 5.", steps: 6, finishReason: "max_steps" });
});

it("when the time ends while a tool works, the best so far is the answer", async () => {
  const clock = manualClock();
  const deaf = tool({ name: "deaf", input: z.object({}), run: () => new Promise(() => {}), timeoutMs: 1e6 });
  const model = scripted([{ text: "So far: Lisbon.", ...call("deaf") }]);
  await restart({ clock });
  const run = await start({ model, tools: [deaf], limits: { timeoutMs: 60_000 } }, { clock });
  await until(run, "tool.started");
  await clock.advance(60_000);
  expect(await run.result()).toMatchObject({ text: "So far: Lisbon.", finishReason: "timeout" });
});

it("a pause of the run holds the stream of the model, and a resume goes on with it", async () => {
  let given = 0;
  const counting = scripted([]);
  const model: Model = {
    ...counting,
    async *stream() {
      for (; given < 1_000; given++) {
        yield { type: "text.delta", text: `${given} ` };
        await systemClock.sleep(1);
      }
      const usage = { inputTokens: 1, outputTokens: 1, provenance: "reported" } as const;
      yield { type: "response.finished", finishReason: "stop", usage, metadata: {} };
    },
  };
  const run = await start({ model });
  await until(run, "text.delta");
  await run.pause();
  const before = given;
  await systemClock.sleep(50);
  expect(given).toBeLessThanOrEqual(before + 2);
  expect(given).toBeLessThan(1_000);
  await run.resume();
  const { text } = await run.result();
  expect(text.split(" ")).toHaveLength(1_001);
  expect(await dataOf(run, "model.started")).toHaveLength(1);
});
