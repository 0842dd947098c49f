import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentResult } from "../../agents/index.ts";
import { agent } from "../../agents/index.ts";
import type { Atlas } from "../../app/index.ts";
import { createAtlas } from "../../app/index.ts";
import type { JsonObject } from "../../base/index.ts";
import type { Script } from "../../providers/index.ts";
import { scripted } from "../../providers/index.ts";
import type { RunEvent, RunHandle } from "../../runs/index.ts";
import { workflow } from "../../runs/index.ts";
import { manager } from "./index.ts";
import type { ManagerOptions, PlanDraft } from "./index.ts";

let folder: string;
let atlas: Atlas;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-manager-"));
  atlas = await createAtlas({ directory: folder, environment: {} });
});
afterEach(async () => {
  await atlas.close();
  rmSync(folder, { recursive: true });
});

const saying = (script: Script, name = "script") => scripted(script, { name });
const lastWords = (request: { readonly messages: readonly unknown[] }): string =>
  JSON.stringify(request.messages.at(-1));
const events = async (run: RunHandle<unknown>): Promise<RunEvent[]> =>
  await Array.fromAsync(run.events({ after: 0, live: false }));
const dataOf = (log: readonly RunEvent[], type: string): JsonObject[] =>
  log.filter((event) => event.type === type).map(({ data }) => data as JsonObject);
const task = (id: string, more: Partial<PlanDraft["tasks"][number]> = {}) => ({
  id,
  title: `Title ${id}`,
  goal: `Do ${id}.`,
  needs: [],
  agent: "worker",
  successCheck: [],
  ...more,
});
/** Gives one plan after the other, and the last one for ever. */
const plans = (...drafts: unknown[]) => {
  let asked = 0;
  return saying(() => JSON.stringify(drafts[asked++] ?? drafts.at(-1)), "planner");
};

async function go(
  options: Partial<ManagerOptions>,
  goal = "Reach it.",
): Promise<{ run: RunHandle<AgentResult>; result: AgentResult; log: RunEvent[] }> {
  const worker = agent({
    name: "worker",
    model: saying((request) => ({ text: `Done: ${lastWords(request).length > 0}` })),
  });
  const crew = manager({
    name: "crew",
    agents: [worker],
    model: plans({ tasks: [task("a")] }),
    aggregate: "joined",
    ...options,
  });
  const run = await atlas.start(crew, goal);
  const result = await run.result();
  return { run, result, log: await events(run) };
}

test("a plan of a model is made, carried out in the order of its needs, and every step of it is told", async () => {
  const seen: string[] = [];
  const worker = agent({
    name: "worker",
    model: saying((request) => {
      const words = lastWords(request);
      const id = /Do (\w)\./.exec(words)?.[1] ?? "?";
      seen.push(id);
      return { text: `Result ${id}` };
    }),
  });
  const model = plans({ tasks: [task("c", { needs: ["a", "b"] }), task("a"), task("b")] });
  const { result, log } = await go({ agents: [worker], model });
  expect(seen.at(-1)).toBe("c");
  expect(result.text).toContain("Title c\n\nResult c");
  expect(result.finishReason).toBe("stop");
  expect(dataOf(log, "plan.made")[0]).toMatchObject({ planner: "crew.planner" });
  expect(
    dataOf(log, "task.completed")
      .map(({ id }) => JSON.stringify(id))
      .toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(['"a"', '"b"', '"c"']);
  expect(dataOf(log, "plan.progressed").at(-1)).toMatchObject({ done: 3, running: 0, left: 0, etaMs: 0 });
  expect(dataOf(log, "plan.completed")[0]).toMatchObject({ done: ["c", "a", "b"], missing: [] });
});

test("without a model that can plan, the goal is split into questions that go to who is good at them", async () => {
  writeFileSync(
    join(folder, "bread.md"),
    "# Bread\n\nBread rises because yeast breathes. The oven is heated to 230 degrees.\n",
  );
  const baker = agent({ name: "baker", capabilities: ["bread"] });
  const cook = agent({ name: "cook", capabilities: ["soup"] });
  const crew = manager({ name: "kitchen", agents: [cook, baker] });
  const run = await atlas.start(crew, "Why does bread rise? What is the oven for bread heated to?", {
    knowledge: [join(folder, "bread.md")],
    model: "offline/extractive",
  });
  const result = await run.result();
  const log = await events(run);
  expect(dataOf(log, "task.started").map(({ agent: name }) => name)).toEqual(["baker", "baker"]);
  expect(result.text).toContain("yeast breathes");
  expect(result.text).toContain("230 degrees");
  expect(result.citations.map(({ startLine }) => startLine)).toEqual([3, 3]);
});

test("workflows are members too, and what needs name is given to the task that needs it", async () => {
  const given: string[] = [];
  const one = workflow({ name: "one", run: async () => "the answer is 42" });
  const two = workflow({ name: "two", run: async (_, text: string) => given.push(text) });
  const model = plans({ tasks: [task("a", { agent: "one" }), task("b", { agent: "two", needs: ["a"] })] });
  await go({ agents: [one, two], model });
  expect(given[0]).toContain("the answer is 42");
});

test("a plan with problems goes back to its planner, which is told all of them; the repair is certain or it is none", async () => {
  const model = plans(
    { tasks: [task("a", { agent: "nobody" }), task("b", { needs: ["zzz"] })] },
    { tasks: [task("a", { agent: "Worker", needs: ["a"], budgetShare: 3 })] },
  );
  const other = agent({ name: "other", model: saying(() => "x") });
  const worker = agent({ name: "worker", model: saying(() => "Fine.") });
  const { result, log } = await go({ agents: [worker, other], model });
  expect(result.text).toBe("Fine.");
  const [refused] = dataOf(log, "plan.refused");
  expect(JSON.stringify(refused)).toContain("nobody");
  expect(JSON.stringify(refused)).toContain("zzz");
  const repairs = dataOf(log, "plan.repaired")[0]?.["repairs"] as { what: string; why: string }[];
  expect(repairs.map(({ what }) => what)).toEqual([
    "needs itself no more",
    "is done by worker",
    "budget shares were multiplied by 0.333",
  ]);
});

test.each([
  ["a circle", { tasks: [task("a", { needs: ["b"] }), task("b", { needs: ["a"] })] }, /a needs b needs a/],
  ["an empty plan", { tasks: [] }, /no task/],
  [
    "ten thousand tasks",
    { tasks: Array.from({ length: 10_000 }, (_, i) => ({ id: `t${i}`, agent: "worker" })) },
    /10000 tasks; at most 50/,
  ],
  [
    "a check that could take for ever",
    { tasks: [task("a", { successCheck: [{ kind: "schema", schema: { type: "string", pattern: "^(a+)+$" } }] })] },
    /a: the schema of its success check cannot be read/,
  ],
])("%s is refused after two corrections, and the message names it", async (_, draft, words) => {
  const failed = go({ model: plans(draft) });
  await expect(failed).rejects.toThrow(words);
  await expect(failed).rejects.toMatchObject({ code: "plan_invalid" });
  const [run] = await atlas.runs.list({ workflow: "team:crew" });
  const asked = (await atlas.runs.list({ workflow: "agent:crew.planner" })).length;
  expect([run?.status, asked]).toEqual(["failed", 3]);
});

test("a planner that writes no JSON is corrected by its own run, and then refused", async () => {
  await expect(go({ model: saying(() => "I would rather not {") })).rejects.toMatchObject({ code: "plan_invalid" });
  expect((await atlas.runs.list({ workflow: "agent:crew.planner" })).length).toBe(1);
});

test("a task that fails is tried again, then the plan is changed with what is known, and what was done is kept", async () => {
  let broken = 0;
  let good = 0;
  const worker = agent({ name: "worker", model: saying(() => (good++, "Good.")) });
  const weak = agent({ name: "weak", model: saying(() => (broken++, "Hm.")) });
  const check = [{ kind: "contains" as const, texts: ["good"] }];
  const model = saying((request) => {
    const words = lastWords(request);
    if (!words.includes("under way and must be changed"))
      return {
        text: JSON.stringify({
          tasks: [task("a"), task("b", { agent: "weak", successCheck: check }), task("c", { needs: ["b"] })],
        }),
      };
    expect(words).toContain("it does not hold");
    return {
      text: JSON.stringify({ tasks: [task("a"), task("b", { successCheck: check }), task("c", { needs: ["b"] })] }),
    };
  });
  const { result, log } = await go({ agents: [worker, weak], model });
  expect([broken, good, result.finishReason]).toEqual([2, 3, "stop"]);
  expect(dataOf(log, "task.failed").map(({ final }) => final)).toEqual([false, true]);
  expect(dataOf(log, "plan.changed")[0]).toMatchObject({ failed: ["b"], added: ["b-2"] });
  expect(dataOf(log, "plan.completed")[0]).toMatchObject({ done: ["a", "c", "b-2"], missing: [] });
});

test("a planner that plans the same again for ever is ended by the limit, and the answer says what is missing", async () => {
  const weak = agent({ name: "worker", model: saying(() => "Hm.") });
  let planned = 0;
  const check = [{ kind: "length" as const, min: 100 }];
  const model = saying(() => (planned++, { text: JSON.stringify({ tasks: [task("a", { successCheck: check })] }) }));
  const { result, log } = await go({ agents: [weak], model, limits: { maxReplans: 2, retry: { attempts: 1 } } });
  expect(planned).toBe(3);
  expect(result.finishReason).toBe("other");
  expect(result.text).toContain("100 are needed");
  expect(result.text.match(/Hm\./g)).toHaveLength(1);
  expect(dataOf(log, "plan.kept")[0]).toMatchObject({ why: "it was changed 2 times already" });
});

test("a judge decides where a task has a question for it", async () => {
  const verdicts = [
    { accepted: false, reason: "too short" },
    { accepted: true, reason: "" },
  ];
  let answers = 0;
  const worker = agent({
    name: "worker",
    model: saying((request) => (answers++, lastWords(request).includes("too short") ? "A long one." : "Short.")),
  });
  const model = saying((request) => {
    if (lastWords(request).includes("Accept the answer only")) return { text: JSON.stringify(verdicts.shift()) };
    return {
      text: JSON.stringify({ tasks: [task("a", { successCheck: [{ kind: "judge", question: "Is it long?" }] })] }),
    };
  });
  const { result } = await go({ agents: [worker], model });
  expect([result.text, answers]).toEqual(["A long one.", 2]);
});

test("what is said to the run is put into the plan", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const slow = workflow({
    name: "worker",
    run: async (context) =>
      context.step("wait", async () => {
        begun.resolve();
        await gate.promise;
        return "one";
      }),
  });
  const model = saying((request) =>
    lastWords(request).includes("mind the cat")
      ? { text: JSON.stringify({ tasks: [task("cat", { needs: ["a"] })] }) }
      : { text: JSON.stringify({ tasks: [task("a")] }) },
  );
  const crew = manager({ name: "crew", agents: [slow], model, aggregate: "joined" });
  const run = await atlas.start(crew, "Reach it.");
  await begun.promise;
  await run.steer("mind the cat");
  gate.resolve();
  const result = await run.result();
  expect(result.text).toContain("Title cat");
  expect(dataOf(await events(run), "plan.changed")[0]).toMatchObject({ steer: ["mind the cat"], added: ["cat"] });
});

test("a task may spend its share and no more, and where nothing is left it is not asked for", async () => {
  const usage = { inputTokens: 900, outputTokens: 100, provenance: "reported" } as const;
  const worker = agent({ name: "worker", model: saying(() => ({ text: "Ok.", usage })) });
  const crew = manager({ name: "crew", agents: [worker], aggregate: "joined", limits: { maxReplans: 0 } });
  const tasks = [task("a", { budgetShare: 0.9 }), task("b", { budgetShare: 0.1, needs: ["a"] })];
  const run = await atlas.start(crew, JSON.stringify({ tasks }), { budget: { maxTokens: 1000 } });
  const result = await run.result();
  expect(dataOf(await events(run), "task.started").map(({ budget }) => budget)).toEqual([{ maxTokens: 900 }]);
  expect(result.text).toContain("Nothing is left of its budget share.");
});

test("a planner that has spent all there is ends the run as a budget does", async () => {
  const usage = { inputTokens: 900, outputTokens: 100, provenance: "reported" } as const;
  const broken = JSON.stringify({ tasks: [task("a", { needs: ["gone"] })] });
  const crew = manager({
    name: "crew",
    agents: [agent({ name: "worker", model: saying(["Ok."]) })],
    model: saying(() => ({ text: broken, usage })),
  });
  const run = await atlas.start(crew, "Reach it.", { budget: { maxTokens: 1000 } });
  await expect(run.result()).rejects.toMatchObject({ code: "budget_exceeded" });
});

test("a plan as JSON in place of a goal is checked and carried out without a planner", async () => {
  const { log, result } = await go({ model: saying([]) }, JSON.stringify({ goal: "Given.", tasks: [task("x")] }));
  expect(dataOf(log, "plan.made")[0]).toMatchObject({ planner: "given", goal: "Given." });
  expect(result.finishReason).toBe("stop");
});

test("cancelling ends the members too", async () => {
  const begun = Promise.withResolvers<void>();
  const slow = workflow({
    name: "worker",
    run: async (context) =>
      context.step("wait", async ({ signal }) => {
        begun.resolve();
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
        return 1;
      }),
  });
  const run = await atlas.start(manager({ name: "crew", agents: [slow], model: plans({ tasks: [task("a")] }) }), "Go.");
  await begun.promise;
  await run.cancel();
  await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
  expect((await atlas.runs.list({ workflow: "worker" }))[0]?.status).toBe("cancelled");
});

test("a manager that cannot work is refused", () => {
  const worker = agent({ name: "worker" });
  expect(() => manager({ name: "m", agents: [] })).toThrow(/no agents/);
  expect(() => manager({ name: "m", agents: [worker], limits: { maxTasks: 0 } })).toThrow(/maxTasks/);
});

test("a plan of which nothing is done fails, and says why", async () => {
  const bad = workflow({
    name: "worker",
    run: async () => {
      throw new Error("no oven");
    },
  });
  const failed = go({ agents: [bad], limits: { maxReplans: 0 } });
  await expect(failed).rejects.toThrow(/no oven/);
  await expect(failed).rejects.toMatchObject({ code: "plan_failed" });
});

test("its tasks go through a queue, and one place is enough for it and them", async () => {
  await atlas.close();
  atlas = await createAtlas({ directory: folder, environment: {}, worker: { maxRuns: 1, minRuns: 1 } });
  const worker = agent({ name: "worker", model: saying(() => ({ text: "Done." })) });
  const drafts = plans({ tasks: [task("a"), task("b"), task("c", { needs: ["a", "b"] })] });
  const crew = manager({ name: "crew", agents: [worker], model: drafts, aggregate: "joined", queue: "desk" });
  const run = await atlas.start(crew, "Reach it.", { queue: "desk" });
  expect((await run.result()).finishReason).toBe("stop");
  const children = (await atlas.runs.list({ queue: "desk", limit: 100 })).filter(({ id }) => id !== run.id);
  expect(children.map(({ workflow: name, status }) => [name, status])).toEqual(
    Array.from({ length: 3 }, () => ["agent:worker", "completed"]),
  );
});
