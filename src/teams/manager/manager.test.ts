import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentResult, Atlas, JsonObject, RunEvent, RunHandle, Script } from "../../index.ts";
import { agent, createAtlas, scripted, workflow } from "../../index.ts";
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
const plans = (...drafts: unknown[]) =>
  saying((request, index) => {
    const tries = request.messages.filter((message) => message.role === "user").length;
    return { text: JSON.stringify(drafts[Math.max(index, tries - 1)] ?? drafts.at(-1)) };
  }, "planner");

async function go(
  options: Partial<ManagerOptions>,
  goal = "Reach it.",
): Promise<{ run: RunHandle<AgentResult<string>>; result: AgentResult<string>; log: RunEvent[] }> {
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
  const run = await atlas.start<string>(crew, goal);
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
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(["a", "b", "c"]);
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
  const run = await atlas.start<string>(crew, "Why does bread rise? What is the oven for bread heated to?", {
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
