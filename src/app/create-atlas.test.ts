import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { agent } from "../agents/index.ts";
import type { ModelRequest, Provider } from "../providers/index.ts";
import { scripted } from "../providers/index.ts";
import type { RunHandle } from "../runs/index.ts";
import { workflow } from "../runs/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import { createLogger, silentLogger } from "../telemetry/index.ts";
import { tool } from "../tools/index.ts";
import type { Atlas, AtlasOptions } from "./atlas.ts";
import { createAtlas } from "./create-atlas.ts";

let folder: string;
let open: Atlas[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atlas-app-"));
  open = [];
});

afterEach(async () => {
  for (const each of open) await each.close();
  rmSync(folder, { recursive: true });
});

/** Opens an Atlas that sees neither the machine's environment nor an Ollama that may run on it. */
async function atlasWith(options: AtlasOptions = {}): Promise<Atlas> {
  const made = await createAtlas({
    directory: folder,
    environment: { OLLAMA_HOST: "http://127.0.0.1:1" },
    logger: silentLogger,
    ...options,
  });
  open.push(made);
  return made;
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function until(run: RunHandle<unknown>, type: string): Promise<void> {
  for await (const event of run.events()) if (event.type === type) return;
  expect.fail(`${run.id} ended without ${type}`);
}

const offline = { settings: { model: "offline/extractive" } } satisfies AtlasOptions;

describe("an Atlas without any setting", () => {
  it.each(["manager", "supervisor"])("has a %s that answers from documents", async (name) => {
    write("docs/pool.md", "# Pool\n\nThe pool keeps ten connections open.\n");
    const atlas = await atlasWith();
    const run = await atlas.start(name, "How many connections does the pool keep open?", {
      knowledge: ["docs"],
      model: "offline/extractive",
    });
    const { text, citations } = await run.result();
    expect([text.includes("ten connections"), citations.length > 0]).toEqual([true, true]);
  });

  it("answers from documents, cites them, and keeps its run in the folder", async () => {
    write("docs/pool.md", "# Pool\n\nThe pool keeps ten connections open.\n");
    const atlas = await atlasWith();
    const run = await atlas.start("assistant", "How many connections does the pool keep open?", {
      knowledge: ["docs"],
    });
    const result = await run.result();
    expect(result).toMatchObject({ model: "offline/extractive", metadata: { extractive: true } });
    expect(result.citations).toMatchObject([{ source: join(folder, "docs", "pool.md"), startLine: 3, endLine: 3 }]);
    expect(existsSync(join(folder, ".atlas", "atlas.db"))).toBe(true);
    await atlas.close();
    const again = await atlasWith();
    expect((await again.runs.list()).map(({ id, status }) => [id, status])).toEqual([[run.id, "completed"]]);
  });
});

describe("a document that is left out", () => {
  it("stands in the report, and is no warning beside it", async () => {
    const path = write("docs/long.md", "# Long\n");
    const lines: string[] = [];
    const atlas = await atlasWith({ logger: createLogger({ level: "info", write: (line) => void lines.push(line) }) });
    const report = await atlas.knowledge.ingest({ collection: "docs", paths: [path], maxFileBytes: 1 });
    expect(report.failures).toMatchObject([{ path }]);
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(["info"]);
  });
});

describe("what is started", () => {
  it("can be an agent of the settings with tools of a module", async () => {
    const requests: ModelRequest[] = [];
    const house = {
      name: "house",
      model: (name: string) => scripted([(request) => (requests.push(request), "Done.")], { provider: "house", name }),
      listModels: async () => [],
      async [Symbol.asyncDispose]() {},
    };
    write(
      "tools.mjs",
      `export const hello = { kind: "tool", name: "hello", description: "Says hello.", purpose: "action", timeoutMs: 1000, run: () => "hello",
         input: { "~standard": { version: 1, vendor: "own", validate: (value) => ({ value }), jsonSchema: { input: () => ({ type: "object" }) } } } };`,
    );
    write(
      "atlas.toml",
      `modules = ["tools.mjs"]\n\n[agents.guide]\ninstructions = "Guide."\ntools = ["hello"]\nmodel = "house/big"\n`,
    );
    const atlas = await atlasWith({ providers: [house] });
    expect(await (await atlas.start("guide", "Go.")).result()).toMatchObject({ output: "Done.", model: "house/big" });
    expect(requests[0]?.tools).toMatchObject([{ name: "hello", description: "Says hello." }]);
  });

  it("can be an agent by value, whether Atlas was told of it before or not, as often as one likes", async () => {
    const told = agent({ name: "told", model: scripted(["One."]) });
    const untold = agent({ name: "untold", model: scripted(["Two."]) });
    const atlas = await atlasWith({ agents: [told] });
    for (const [each, output] of [
      [told, "One."],
      [untold, "Two."],
    ] as const) {
      expect((await (await atlas.start(each, "Go.")).result()).output).toBe(output);
      expect((await (await atlas.start(each, "Go.")).result()).output).toBe(output);
    }
    expect((await (await atlas.start("told", "Go.")).result()).output).toBe("One.");
  });

  it("has the limits of the settings where it leaves them open, also by value", async () => {
    const again = tool({ name: "again", input: z.object({}), run: () => "again" });
    const busy = agent({
      name: "busy",
      tools: [again],
      model: scripted(() => ({ text: "Wait.", toolCalls: [{ name: "again", input: {} }] })),
    });
    const atlas = await atlasWith({ settings: { limits: { maxSteps: 2 } } });
    expect(await (await atlas.start(busy, "Go.")).result()).toMatchObject({ steps: 2, finishReason: "max_steps" });
  });

  it("can be a workflow", async () => {
    const double = workflow({ name: "double", run: async (_, input: number) => input * 2 });
    expect(await (await (await atlasWith()).start(double, 21)).result()).toBe(42);
  });

  it("cannot be two agents of one name", async () => {
    const atlas = await atlasWith({ agents: [agent({ name: "guide", model: scripted(["One."]) })] });
    await expect(atlas.start(agent({ name: "guide" }), "Go.")).rejects.toMatchObject({
      code: "agent_duplicate",
      message: expect.stringContaining("define an agent once") as unknown,
    });
  });
});

describe("what cannot be started is refused before there is a run", () => {
  it.each([
    ["asistant", "Go.", { code: "agent_unknown", message: 'There is no agent "asistant"; did you mean assistant?' }],
    [
      "xyz",
      "Go.",
      {
        code: "agent_unknown",
        message: 'There is no agent "xyz"; known: assistant, lost, manager, manager.planning, supervisor.',
      },
    ],
    ["assistant", " \n", { code: "goal_empty" }],
    ["lost", "Go.", { code: "provider_unknown" }],
  ])("the agent %s with the goal %j", async (name, goal, error) => {
    const atlas = await atlasWith({ agents: [agent({ name: "lost", model: "nowhere/x" })] });
    await expect(atlas.start(name, goal)).rejects.toMatchObject(error);
    expect(await atlas.runs.list()).toEqual([]);
  });

  it.each([
    [undefined, "undefined"],
    [{ goal: "Go." }, "object"],
    [null, "null"],
    [["Go."], "a list"],
  ])("a goal that is no text: %j", async (goal, got) => {
    const atlas = await atlasWith();
    await expect(atlas.start("assistant", goal as never)).rejects.toMatchObject({
      code: "invalid_input",
      message: `The goal of an agent or a team is a text; got ${got}.`,
    });
  });

  it("a provider that is not there", async () => {
    const atlas = await atlasWith();
    await expect(atlas.start("assistant", "Go.", { model: "nowhere/x" })).rejects.toMatchObject({
      code: "provider_unknown",
    });
    expect(await atlas.runs.list()).toEqual([]);
  });

  it("the model of the settings of a provider that is not there", async () => {
    const atlas = await atlasWith({ settings: { model: "nowhere/x" } });
    await expect(atlas.start("assistant", "Go.")).rejects.toMatchObject({ code: "provider_unknown" });
    expect(await atlas.runs.list()).toEqual([]);
  });

  it("anything, once Atlas is closed", async () => {
    const atlas = await atlasWith(offline);
    await atlas.close();
    await expect(atlas.start("assistant", "Go.")).rejects.toMatchObject({ code: "run_interrupted" });
  });
});

describe("an Atlas that cannot open", () => {
  it.each([
    ["throws", `throw new Error("no luck");`],
    ["exports nothing", `export {};`],
    ["is missing", undefined],
  ])("names the module that %s, and leaves no database open", async (_, text) => {
    if (text !== undefined) write("m.mjs", text);
    await expect(atlasWith({ settings: { modules: ["m.mjs"] } })).rejects.toMatchObject({
      code: "module_failed",
      details: { path: join(folder, "m.mjs") },
    });
    expect(existsSync(join(folder, ".atlas"))).toBe(false);
  });

  it("says which tool an agent of the settings misses", async () => {
    await expect(
      atlasWith({ settings: { agents: { guide: { instructions: "x", tools: ["gone"] } } } }),
    ).rejects.toMatchObject({ code: "tool_not_found" });
  });
});

describe("two Atlases in one process", () => {
  const answer = (text: string) => agent({ name: "guide", model: scripted([text]) });

  it("in two folders know nothing of each other", async () => {
    const [one, two] = [
      await atlasWith({ directory: join(folder, "one") }),
      await atlasWith({ directory: join(folder, "two") }),
    ];
    const runs = await Promise.all([one.start(answer("One."), "Go."), two.start(answer("Two."), "Go.")]);
    expect(await Promise.all(runs.map(async (run) => (await run.result()).output))).toEqual(["One.", "Two."]);
    expect((await one.runs.list()).map(({ id }) => id)).toEqual([runs[0].id]);
    await expect(two.runs.open(runs[0].id)).rejects.toMatchObject({ code: "run_not_found" });
  });

  it("in one folder share the runs, and neither takes up what the other does", async () => {
    const gate = workflow({ name: "gate", run: async (context) => await context.waitFor("go") });
    const one = await atlasWith({ workflows: [gate] });
    const run = await one.start(gate, null);
    await until(run, "signal.awaited");
    const two = await atlasWith({ workflows: [gate] });
    const seen = await two.runs.open(run.id);
    expect(await seen.record()).toMatchObject({ status: "waiting", interrupted: false });
    await expect(two.runs.resume(run.id)).rejects.toMatchObject({ code: expect.stringMatching(/^run_/) as unknown });
    await run.signal("go", "from the other");
    expect(await run.result()).toBe("from the other");
    expect(await seen.result()).toBe("from the other");
  });
});

describe("closing and opening again", () => {
  /** An agent whose tool waits as long as it is told to. */
  function waiting(calls: string[], wait: boolean) {
    const slow = tool({
      name: "slow",
      input: z.object({}),
      run: (_, { signal, idempotencyKey }) => {
        calls.push(idempotencyKey);
        return wait
          ? new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }))
          : "at last";
      },
    });
    const model = scripted([{ toolCalls: [{ name: "slow", input: {} }] }, "Done."]);
    return agent({ name: "patient", tools: [slow], model });
  }

  it("interrupts what runs, keeps it, and takes it up", async () => {
    const calls: string[] = [];
    const first = await atlasWith({ agents: [waiting(calls, true)] });
    const run = await first.start("patient", "Wait.");
    await until(run, "tool.started");
    const stopped = expect(run.result()).rejects.toMatchObject({ code: "run_interrupted" });
    await first.close();
    await stopped;
    const second = await atlasWith({ agents: [waiting(calls, false)] });
    expect(await (await second.runs.open(run.id)).result()).toMatchObject({ output: "Done." });
    expect(new Set(calls).size).toBe(1);
    expect(calls).toHaveLength(2);
  });

  it("leaves it alone when told so", async () => {
    const first = await atlasWith({ agents: [waiting([], true)] });
    const run = await first.start("patient", "Wait.");
    await until(run, "tool.started");
    await first.close();
    const second = await atlasWith({ agents: [waiting([], false)], recover: false });
    expect((await second.runs.list({ status: "interrupted" })).map(({ id }) => id)).toEqual([run.id]);
  });

  it("can be done twice, and leaves a database that was handed in open", async () => {
    const database = await sqlite({ path: join(folder, "own.db") });
    const atlas = await atlasWith({ database });
    await Promise.all([atlas.close(), atlas.close()]);
    await atlas[Symbol.asyncDispose]();
    expect(await database.read({ sql: "SELECT 1 AS one" })).toEqual([{ one: 1 }]);
    await database[Symbol.asyncDispose]();
  });

  it("is done for everybody at once: a second close does not resolve before the first", async () => {
    const gate = Promise.withResolvers<void>();
    const slow: Provider = {
      name: "slow",
      model: (name) => scripted(["own"], { provider: "slow", name }),
      listModels: async () => [],
      [Symbol.asyncDispose]: () => gate.promise,
    };
    const atlas = await atlasWith({ ...offline, providers: [slow] });
    await atlas.models.get("slow/x");
    const order: string[] = [];
    const both = [atlas.close(), atlas.close()].map((closed, index) => closed.then(() => order.push(`close ${index}`)));
    const opened = await createAtlas({
      directory: join(folder, "other"),
      environment: {},
      logger: silentLogger,
      ...offline,
    });
    await opened.close();
    order.push("gate");
    gate.resolve();
    await Promise.all(both);
    expect(order).toEqual(["gate", "close 0", "close 1"]);
  });
});
