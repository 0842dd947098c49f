import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Clock, JsonObject } from "../base/index.ts";
import { systemClock } from "../base/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import { createKnowledge, passagesIn } from "../knowledge/index.ts";
import { offline } from "../providers/adapters/offline.ts";
import { openaiCompatible } from "../providers/adapters/openai-chat.ts";
import type { HttpReceiver, Message, Model, ModelRequest, Script } from "../providers/index.ts";
import { scripted } from "../providers/index.ts";
import type { RunEvent, RunHandle, Runs } from "../runs/index.ts";
import { createRuns } from "../runs/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { tool } from "../tools/index.ts";
import { agentWorkflow } from "./agent-workflow.ts";
import type { AgentInput, AgentOptions, AgentResult } from "./agent.ts";
import { agent } from "./agent.ts";
import { surroundingsOf } from "../../test/lib/surroundings.ts";

const base = mkdtempSync(join(tmpdir(), "atlas-agents-"));
let database: Database;
let knowledge: Knowledge;
let folder: string;
let runs: Runs;
let clock: Clock;
/** What `surroundings.model` finds. */
let found: Model;

beforeAll(async () => {
  database = await sqlite({ path: join(base, "atlas.db"), synchronous: "normal" });
  knowledge = await createKnowledge({ database });
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(base, { recursive: true });
});

beforeEach(async () => {
  folder = mkdtempSync(join(base, "test-"));
  await open(systemClock);
});

afterEach(() => runs[Symbol.asyncDispose]());

async function open(on: Clock): Promise<void> {
  clock = on;
  runs = await createRuns({ database, clock });
}

function workflowOf<Output = string>(options: Partial<AgentOptions<Output>>) {
  const surroundings = surroundingsOf(clock, knowledge, () => found);
  return agentWorkflow(agent<Output>({ name: "guide", ...options }), surroundings);
}

async function start<Output = string>(
  options: Partial<AgentOptions<Output>>,
  input: Partial<AgentInput> = {},
): Promise<RunHandle<AgentResult<unknown>>> {
  return await runs.start(workflowOf(options), { goal: "Do it.", ...input });
}

async function events(run: RunHandle<unknown>): Promise<RunEvent[]> {
  return await Array.fromAsync(run.events({ after: 0 }));
}

const typesOf = (log: readonly RunEvent[]): string[] => log.map(({ type }) => type);
const dataOf = (log: readonly RunEvent[], type: string): JsonObject[] =>
  log.filter((event) => event.type === type).map(({ data }) => data as JsonObject);
const toolResults = (request: ModelRequest) =>
  request.messages.flatMap((message: Message) => (message.role === "tool" ? message.content : []));
const call = (name: string, input: JsonObject = {}) => ({ toolCalls: [{ name, input }] });
const echo = tool({ name: "echo", input: z.object({ text: z.string() }), run: ({ text }) => ({ text }) });
const model = (script: Script) => scripted(script);

describe("an agent", () => {
  it("answers, and its log tells what happened in the documented order", async () => {
    const run = await start({
      instructions: "Be brief.",
      model: model([{ ...call("echo", { text: "a" }), text: "Let me see." }, "Done."]),
      tools: [echo],
    });
    expect(await run.result()).toEqual({
      output: "Done.",
      text: "Done.",
      citations: [],
      unverified: 0,
      usage: expect.objectContaining({ provenance: "reported" }) as unknown,
      costMicroUsd: 0,
      model: "scripted/script",
      steps: 2,
      finishReason: "stop",
      metadata: { scripted: true },
    });
    const log = await events(run);
    expect(typesOf(log).filter((type) => !type.startsWith("step."))).toEqual([
      "run.started",
      "agent.started",
      "model.started",
      "model.completed",
      "tool.started",
      "tool.completed",
      "model.started",
      "model.completed",
      "agent.performed",
      "run.completed",
    ]);
    expect(dataOf(log, "agent.started")).toEqual([{ agent: "guide", model: "scripted/script", goal: "Do it." }]);
    expect(dataOf(log, "model.started")).toEqual([{ step: 1 }, { step: 2 }]);
    expect(dataOf(log, "model.completed")).toMatchObject([
      { step: 1, text: "Let me see.", toolCalls: [{ id: "call_0_0", name: "echo" }], finishReason: "tool_calls" },
      { step: 2, text: "Done.", toolCalls: [], finishReason: "stop" },
    ]);
    expect(dataOf(log, "tool.started")).toEqual([{ id: "call_0_0", name: "echo", input: { text: "a" } }]);
    expect(dataOf(log, "tool.completed")).toMatchObject([
      { id: "call_0_0", name: "echo", durationMs: expect.any(Number) as unknown },
    ]);
  });

  it("shows its words and thoughts to a follower as they come, and keeps only the whole", async () => {
    const heard = new AbortController();
    const talking: Model = {
      ...model([]),
      async *stream() {
        // Thinks until it is heard: what was said before somebody listens is not said again.
        while (!heard.signal.aborted) {
          yield { type: "reasoning.delta", text: "Hm." };
          await systemClock.sleep(1);
        }
        yield { type: "text.delta", text: "Two and two " };
        yield { type: "text.delta", text: "is four." };
        yield {
          type: "response.finished",
          finishReason: "stop",
          usage: { inputTokens: 1, outputTokens: 1, provenance: "reported" },
          metadata: {},
        };
      },
    };
    const run = await start({ model: talking });
    const seen: RunEvent[] = [];
    for await (const event of run.events()) {
      if (event.type === "reasoning.delta") heard.abort();
      seen.push(event);
    }
    expect(dataOf(seen, "text.delta")).toEqual([{ text: "Two and two " }, { text: "is four." }]);
    const log = await events(run);
    expect(typesOf(log).filter((type) => type.endsWith(".delta"))).toEqual([]);
    expect(dataOf(log, "model.completed")).toMatchObject([{ text: "Two and two is four." }]);
  });

  it("runs the tool calls of one answer at once and gives their results in the order of the calls", async () => {
    const both = Promise.withResolvers<void>();
    let running = 0;
    const meet = tool({
      name: "meet",
      input: z.object({ n: z.number() }),
      async run({ n }) {
        if (++running === 2) both.resolve();
        await both.promise;
        return n;
      },
    });
    const run = await start({
      tools: [meet],
      model: model([
        { toolCalls: [1, 2].map((n) => ({ name: "meet", input: { n } })) },
        (request) => JSON.stringify(toolResults(request).map(({ output }) => output)),
      ]),
    });
    expect((await run.result()).output).toBe("[1,2]");
  });

  it("tells the model of a call that failed, was unknown or had wrong arguments, and goes on", async () => {
    const broken = tool({ name: "broken", input: z.object({}), run: () => Promise.reject(new Error("out of order")) });
    const calls = [
      { name: "broken", input: {} },
      { name: "nothing", input: {} },
      { name: "echo", input: { text: 5 } },
      { name: "echo", input: { text: "fine" } },
    ];
    let told: readonly unknown[] = [];
    const answer = (request: ModelRequest) => {
      told = toolResults(request).map(({ output, failed = false }) => [failed, output]);
      return "Done.";
    };
    const run = await start({ tools: [broken, echo], model: model([{ toolCalls: calls }, answer]) });
    expect((await run.result()).output).toBe("Done.");
    expect(told).toMatchObject([
      [true, { error: "tool_failed", message: "The tool broken failed: out of order" }],
      [true, { error: "tool_unknown", message: expect.stringContaining("the tools are: broken, echo") as unknown }],
      [true, { error: "tool_input_invalid" }],
      [false, { text: "fine" }],
    ]);
    const codes = dataOf(await events(run), "tool.failed").map(({ error }) => (error as JsonObject)["code"]);
    expect(new Set(codes)).toEqual(new Set(["tool_failed", "tool_input_invalid", "tool_unknown"]));
  });

  it("records what a tool reports on its way", async () => {
    const slow = tool({ name: "slow", input: z.object({}), run: (_, { progress }) => progress({ percent: 50 }) });
    const run = await start({ tools: [slow], model: model([call("slow"), "Done."]) });
    await run.result();
    expect(dataOf(await events(run), "tool.progressed")).toEqual([
      { id: "call_0_0", name: "slow", data: { percent: 50 } },
    ]);
  });

  it("finds the model by name, the input's before its own", async () => {
    found = scripted(["From the found one."], { provider: "house", name: "big" });
    expect(await (await start({})).result()).toMatchObject({ output: "From the found one.", model: "house/big" });
    const named = await start({ name: "other", model: model(["From its own."]) }, { model: "house/big" });
    expect(await named.result()).toMatchObject({ output: "From the found one." });
  });

  it("fails with the error of its model", async () => {
    const run = await start({ model: model([{ error: "provider_authentication" }]) });
    await expect(run.result()).rejects.toMatchObject({ code: "provider_authentication" });
    expect(typesOf(await events(run)).at(-1)).toBe("run.failed");
  });

  it("sums the usage of its calls, as sure as the least sure, and knows no price of a metered model", async () => {
    const metered = scripted(
      [
        { ...call("echo", { text: "a" }), usage: { inputTokens: 10, outputTokens: 5, provenance: "estimated" } },
        { text: "Done.", usage: { inputTokens: 20, outputTokens: 2, reasoningTokens: 1 } },
      ],
      { capabilities: { cost: "metered" } },
    );
    expect(await (await start({ model: metered, tools: [echo] })).result()).toMatchObject({
      usage: { inputTokens: 30, outputTokens: 7, reasoningTokens: 1, provenance: "estimated" },
      costMicroUsd: null,
    });
  });
});

describe("the limits of an agent", () => {
  const busy = (seen: ModelRequest[]) =>
    model((request, index) => {
      seen.push(request);
      return request.toolChoice === "none" ? "What I know so far." : call("echo", { text: String(index) });
    });

  it("make the last call one without tools, which gives an answer", async () => {
    const seen: ModelRequest[] = [];
    const run = await start({ model: busy(seen), tools: [echo], limits: { maxSteps: 3 } });
    expect(await run.result()).toMatchObject({ output: "What I know so far.", steps: 3, finishReason: "stop" });
    expect(seen.map(({ toolChoice }) => toolChoice)).toEqual(["auto", "auto", "none"]);
  });

  it("end the run also when the model calls tools all the same", async () => {
    const stubborn = model(() => ({ text: "Wait.", ...call("echo", { text: "a" }) }));
    const run = await start({ model: stubborn, tools: [echo], limits: { maxSteps: 2 } });
    expect(await run.result()).toMatchObject({ output: "Wait.", steps: 2, finishReason: "max_steps" });
  });

  it("end the run when its tokens are spent", async () => {
    const run = await start({
      model: model(() => ({
        text: "Wait.",
        ...call("echo", { text: "a" }),
        usage: { inputTokens: 40, outputTokens: 10 },
      })),
      tools: [echo],
      limits: { maxTokens: 100 },
    });
    expect(await run.result()).toMatchObject({
      steps: 2,
      finishReason: "max_tokens",
      usage: { inputTokens: 80, outputTokens: 20 },
    });
  });

  it("hold for corrections too", async () => {
    const output = z.object({ n: z.number() });
    const wrong = { text: "no JSON", usage: { inputTokens: 60, outputTokens: 0 } };
    for (const limits of [{ maxSteps: 1 }, { maxTokens: 50 }]) {
      const run = await start({ name: `a${Object.keys(limits).join()}`, model: model(() => wrong), output, limits });
      await expect(run.result()).rejects.toMatchObject({ code: "agent_output_invalid", details: { repairs: 0 } });
      expect(dataOf(await events(run), "model.started")).toHaveLength(1);
    }
  });

  it.each([
    ["the model is slow", "model.started", scripted([{ delayMs: 3_600_000, text: "late" }])],
    ["a tool does not listen", "tool.started", model([call("deaf"), "late"])],
  ])("end the run when its time is over while %s", async (_, reached, slow) => {
    const deaf = tool({ name: "deaf", input: z.object({}), run: () => new Promise(() => {}) });
    await runs[Symbol.asyncDispose]();
    const time = manualClock();
    await open(time);
    const run = await start({ model: slow, tools: [deaf], limits: { timeoutMs: 60_000 } });
    for await (const event of run.events()) if (event.type === reached) break;
    await time.advance(59_999);
    expect((await run.record()).status).toBe("running");
    await time.advance(1);
    await expect(run.result()).rejects.toMatchObject({ code: "agent_timed_out", details: { agent: "guide" } });
    expect(time.sleeping).toBeLessThanOrEqual(1);
  });

  it("allow a time that no timer can hold", async () => {
    const run = await start({
      model: scripted([{ delayMs: 3, text: "in time" }]),
      limits: { timeoutMs: 30 * 86_400_000 },
    });
    expect(await run.result()).toMatchObject({ output: "in time" });
  });
});

/** Answers every request over HTTP with the same events. */
function answering(events: readonly string[]) {
  const requests: string[] = [];
  return {
    requests,
    send({ path }: { readonly path: string }, receiver: HttpReceiver) {
      requests.push(path);
      queueMicrotask(() => {
        receiver.sent();
        receiver.head(200, () => "text/event-stream");
        for (const event of events) receiver.data(new TextEncoder().encode(event));
        receiver.end();
      });
      return { pause() {}, resume() {}, close() {}, drain() {} };
    },
    async [Symbol.asyncDispose]() {},
  };
}

describe("an agent with an output schema", () => {
  const output = z.object({ score: z.number() });

  it.each(["I cannot help with that.", { category: "cyber" }])(
    "does not ask a model that refuses again, which would cost and change nothing",
    async (refusal) => {
      let calls = 0;
      const refusing = model(() => {
        calls++;
        return { text: "I cannot help with that.", metadata: { refusal } };
      });
      const run = await start({ output, model: refusing });
      await expect(run.result()).rejects.toMatchObject({
        code: "agent_output_invalid",
        details: { repairs: 0, refused: true },
      });
      await expect(run.result()).rejects.toThrow(/refused/);
      expect(calls).toBe(1);
    },
  );

  it("calls a model of an OpenAI-compatible endpoint that refuses once", async () => {
    const http = answering(
      [
        { choices: [{ index: 0, delta: { refusal: "I cannot " }, finish_reason: null }] },
        { choices: [{ index: 0, delta: { refusal: "do that." }, finish_reason: "stop" }] },
        "[DONE]",
      ].map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`),
    );
    await using provider = openaiCompatible({ name: "house", baseUrl: "http://127.0.0.1:1/v1", http });
    const run = await start({ output, model: provider.model("m") });
    await expect(run.result()).rejects.toMatchObject({ code: "agent_output_invalid", details: { refused: true } });
    expect(http.requests).toHaveLength(1);
  });

  it("gives the value that follows the schema, which the model was given", async () => {
    const formats: unknown[] = [];
    const native = scripted([(request) => (formats.push(request.responseFormat?.schema["required"]), '{"score": 8}')], {
      capabilities: { structuredOutput: "native" },
    });
    const run = await start({ output, model: native });
    expect(await run.result()).toMatchObject({ output: { score: 8 }, text: '{"score": 8}', steps: 1 });
    expect(formats).toEqual([["score"]]);
  });

  it("tells the schema in words to a model that cannot be made to follow one", async () => {
    let system = "";
    const plain = scripted([(request) => ((system = JSON.stringify(request.messages[0])), '{"score": 8}')], {
      capabilities: { structuredOutput: "none" },
    });
    await (await start({ output, model: plain })).result();
    expect(system).toContain("JSON Schema");
    expect(system).toContain("score");
  });

  it("has a wrong answer corrected once the model is told what is wrong", async () => {
    const asked: string[] = [];
    const run = await start({
      output,
      model: model([
        '{"score": "high"}',
        (request) => (asked.push(JSON.stringify(request.messages.at(-1))), '{"score": 8}'),
      ]),
    });
    expect(await run.result()).toMatchObject({ output: { score: 8 }, steps: 2 });
    expect(asked[0]).toMatch(/score: .*Correct it/);
  });

  it("fails when the answer is never right", async () => {
    const run = await start({ output, model: model(() => "eight") });
    await expect(run.result()).rejects.toMatchObject({ code: "agent_output_invalid", details: { repairs: 2 } });
    expect(dataOf(await events(run), "model.started")).toHaveLength(3);
  });

  it("does not ask a model again that says it cannot", async () => {
    const run = await start(
      { output: z.object({ size: z.number(), colour: z.string() }), model: offline() },
      { goal: "Fill it." },
    );
    await expect(run.result()).rejects.toMatchObject({ code: "agent_output_invalid" });
    expect(dataOf(await events(run), "model.started")).toHaveLength(1);
  });
});

describe("an agent with documents", () => {
  const searching = (answer: string): Script => [
    call("search_documents", { query: "connections of the pool" }),
    (request) => {
      const [passage] = toolResults(request).flatMap(({ output }) => passagesIn(output));
      return answer.replaceAll("[id]", `[${passage?.id ?? "none"}]`);
    },
  ];

  function document(text = "# Pool\n\nThe pool keeps ten connections open.\n"): string {
    const path = join(folder, "docs");
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "pool.md"), text);
    return path;
  }

  it("searches them and cites what the files hold", async () => {
    const run = await start({
      model: model(searching("The pool keeps ten connections open. [id]")),
      knowledge: [document()],
    });
    const { citations } = await run.result();
    expect(citations).toEqual([
      {
        source: join(folder, "docs", "pool.md"),
        startLine: 3,
        endLine: 3,
        quote: "The pool keeps ten connections open.",
      },
    ]);
    expect(await Promise.all(citations.map((citation) => knowledge.verify(citation)))).toEqual([{ ok: true }]);
    expect(dataOf(await events(run), "knowledge.ingested")).toMatchObject([{ files: { added: 1 }, failures: [] }]);
  });

  it("takes the documents of the input beside its own", async () => {
    const other = join(folder, "other.md");
    writeFileSync(other, "# Other\n\nThe other pool keeps two connections open.\n");
    const run = await start(
      { model: model(searching("It keeps ten.")), knowledge: [document()] },
      { knowledge: [other] },
    );
    await run.result();
    expect(dataOf(await events(run), "knowledge.ingested")).toHaveLength(2);
  });

  it("refuses a citation that no document holds, and says so in the log", async () => {
    const run = await start({
      model: model(searching("Elephants dance at midnight on the moon. [id] They sing too. [p999]")),
      knowledge: [document()],
    });
    expect((await run.result()).citations).toEqual([]);
    const refused = (await events(run)).filter(({ type }) => type === "citations.refused");
    expect(refused.map(({ data }) => data)).toMatchObject([
      [{ reason: "unsupported" }, { id: "p999", reason: "unknown" }],
    ]);
  });

  it("answers offline from the documents alone", async () => {
    const run = await start(
      { model: offline(), knowledge: [document()] },
      { goal: "How many connections does the pool keep open?" },
    );
    const result = await run.result();
    expect(result).toMatchObject({ metadata: { extractive: true }, costMicroUsd: 0, finishReason: "stop" });
    expect(result.text).toContain("ten connections");
    expect(result.citations).toHaveLength(1);
  });

  it("fails with knowledge_source_missing when the path is not there", async () => {
    const run = await start({ model: model(["unheard"]), knowledge: [join(folder, "gone")] });
    await expect(run.result()).rejects.toMatchObject({ code: "knowledge_source_missing" });
  });

  it("refuses a tool of its own that has the name of the search", async () => {
    const own = tool({ name: "search_documents", input: z.object({}), run: () => 1 });
    const run = await start({ model: model(["unheard"]), tools: [own], knowledge: [document()] });
    await expect(run.result()).rejects.toMatchObject({ code: "tool_duplicate", details: { tool: "search_documents" } });
  });
});
