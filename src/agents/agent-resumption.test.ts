import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Clock, JsonObject } from "../base/index.ts";
import { systemClock } from "../base/index.ts";
import type { Knowledge } from "../knowledge/index.ts";
import { createKnowledge } from "../knowledge/index.ts";
import type { Script } from "../providers/index.ts";
import { scripted } from "../providers/index.ts";
import type { RunEvent, RunHandle, Runs } from "../runs/index.ts";
import { createRuns } from "../runs/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { AnyTool } from "../tools/index.ts";
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
  const surroundings = surroundingsOf(clock, knowledge, () => scripted([]));
  return agentWorkflow(agent<Output>({ name: "guide", ...options }), surroundings);
}

async function start<Output = string>(
  options: Partial<AgentOptions<Output>>,
  input: Partial<AgentInput> = {},
): Promise<RunHandle<AgentResult<unknown>>> {
  return await runs.start(workflowOf(options), { goal: "Do it.", ...input });
}

/** Closes the engine as a stop of the process does and takes the run up in another, with an agent defined anew. */
async function restart<Output = string>(
  run: RunHandle<unknown>,
  options: Partial<AgentOptions<Output>>,
): Promise<RunHandle<unknown>> {
  await runs[Symbol.asyncDispose]();
  await open(clock);
  runs.register(workflowOf(options));
  return await runs.resume(run.id);
}

async function events(run: RunHandle<unknown>): Promise<RunEvent[]> {
  return await Array.fromAsync(run.events({ after: 0 }));
}

const dataOf = (log: readonly RunEvent[], type: string): JsonObject[] =>
  log.filter((event) => event.type === type).map(({ data }) => data as JsonObject);
const call = (name: string, input: JsonObject = {}) => ({ toolCalls: [{ name, input }] });
const model = (script: Script) => scripted(script);

describe("a run that was interrupted", () => {
  /** A tool that counts its calls by key and waits at one of them, as long as it may not pass. */
  function counter(stopAt: number) {
    const keys: string[] = [];
    const reached = Promise.withResolvers<void>();
    let stopped = false;
    const count: AnyTool = tool({
      name: "count",
      input: z.object({ n: z.number() }),
      run: async ({ n }, { idempotencyKey, signal }) => {
        keys.push(`${n} ${idempotencyKey}`);
        if (n !== stopAt || stopped) return n;
        stopped = true;
        reached.resolve();
        return await new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
        );
      },
    });
    return { keys, count, reached: reached.promise };
  }

  it.each([2, 15, 16, 17, 20, 33, 40])(
    "at its step %i goes on, calls no finished tool again and keeps the keys",
    async (stopAt) => {
      const { keys, count, reached } = counter(stopAt);
      const total = stopAt + 3;
      const script = model((_, index) => (index < total ? call("count", { n: index }) : `Counted to ${index}.`));
      const options: Partial<AgentOptions<string>> = { model: script, tools: [count], limits: { maxSteps: 100 } };
      const run = await start(options);
      await reached;
      const again = await restart(run, options);
      expect(await again.result()).toMatchObject({ output: `Counted to ${total}.`, steps: total + 1 });
      const calls = Array.from({ length: total }, (_, n) => n);
      expect(keys.map((key) => Number.parseInt(key, 10))).toEqual(calls.flatMap((n) => (n === stopAt ? [n, n] : [n])));
      // One key for each call: the interrupted one has the same in both executions, no other shares it.
      expect(new Set(keys).size).toBe(total);
      expect(new Set(keys.map((key) => key.split(" ")[1])).size).toBe(total);
      const log = await events(again);
      expect(dataOf(log, "agent.started")).toHaveLength(1);
      expect(dataOf(log, "model.completed").map(({ step }) => step)).toEqual(
        Array.from({ length: total + 1 }, (_, index) => index + 1),
      );
    },
  );

  it("more than once, goes on each time", async () => {
    const first = counter(18);
    const options = {
      model: model((_, index) => (index < 40 ? call("count", { n: index }) : "Done.")),
      tools: [first.count],
      limits: { maxSteps: 100 },
    };
    const run = await start(options);
    await first.reached;
    const second = counter(36);
    const again = await restart(run, { ...options, tools: [second.count] });
    await second.reached;
    const third = counter(-1);
    expect(await (await restart(again, { ...options, tools: [third.count] })).result()).toMatchObject({
      output: "Done.",
      steps: 41,
    });
    const keys = [...first.keys, ...second.keys, ...third.keys];
    expect(keys).toHaveLength(42);
    expect(new Set(keys).size).toBe(40);
  });

  it("keeps its model, its time limit and its documents, also across a checkpoint", async () => {
    mkdirSync(join(folder, "docs"));
    writeFileSync(join(folder, "docs", "a.md"), "# A\n\nThe pool keeps ten connections open.\n");
    await runs[Symbol.asyncDispose]();
    const time = manualClock();
    await open(time);
    const { count, reached } = counter(18);
    const script: Script = (request, index) =>
      index < 20 ? call("count", { n: index }) : (request.tools ?? []).map(({ name }) => name).join();
    const asked: (string | undefined)[] = [];
    const surroundings = surroundingsOf(time, knowledge, (name) => {
      asked.push(name);
      return scripted(script, { provider: "house", name: "big" });
    });
    const make = () =>
      agentWorkflow(
        agent({
          name: "guide",
          tools: [count],
          knowledge: [join(folder, "docs")],
          limits: { maxSteps: 100, timeoutMs: 1_000 },
        }),
        surroundings,
      );
    const run = await runs.start(make(), { goal: "Count." });
    await reached;
    await runs[Symbol.asyncDispose]();
    await time.advance(999);
    await open(time);
    runs.register(make());
    const again = await runs.resume(run.id);
    expect(await again.result()).toMatchObject({ output: "count,search_documents", model: "house/big" });
    expect(asked).toEqual([undefined, "house/big"]);
    expect(dataOf(await events(again), "knowledge.ingested")).toHaveLength(1);
  });

  it("past its time ends as timed out", async () => {
    await runs[Symbol.asyncDispose]();
    const time = manualClock();
    await open(time);
    const { count, reached } = counter(18);
    const options = {
      model: model((_, index) => call("count", { n: index })),
      tools: [count],
      limits: { maxSteps: 100, timeoutMs: 1_000 },
    };
    const run = await start(options);
    await reached;
    await runs[Symbol.asyncDispose]();
    await time.advance(2_000);
    await open(time);
    runs.register(workflowOf(options));
    await expect(runs.resume(run.id).then((again) => again.result())).rejects.toMatchObject({
      code: "agent_timed_out",
    });
  });
});
