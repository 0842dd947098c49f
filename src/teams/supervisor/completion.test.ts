import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { useAtlas } from "../../../test/lib/atlas.ts";
import { crew, eventsOf, go, role, teamOf } from "../../../test/supervisor/scripted-crew.ts";
import { agent } from "../../agents/index.ts";
import { workflow } from "../../runs/index.ts";
import { team } from "../team.ts";
import { supervisor } from "./supervisor.ts";

const atlas = useAtlas();
const table = "| Cause | Effect |\n| --- | --- |\n| yeast | gas |";

test("where the goal needs another form, a completion agent is made for it at run time", async () => {
  const models = crew({ completion: role("Yeast makes gas.", table) });
  const run = await atlas().start(teamOf(models), "Why does bread rise? Answer as a table.");
  const result = await run.result();
  const told = await eventsOf(run);
  expect(result.output).toBe(table);
  expect(told("completion.made")).toMatchObject([{ agent: "crew.completion.table", form: "table", source: "goal" }]);
  expect(told("message.refused")).toMatchObject([{ problem: "The result has no table with a head and a row." }]);
  expect(models.completion.said()[0]).toContain("Write one Markdown table");
  const children = await atlas().runs.list({ parentId: run.id });
  expect(children.map((child) => child.workflow)).toContain("agent:crew.completion.table");
});

test("the form that reasoning names is taken where the goal names none, and rules write it where the role does not", async () => {
  const models = crew({
    reasoning: role({ questions: [{ id: "q1", text: "Why?" }], form: "list" }),
    completion: role("never a list"),
  });
  const { result, told } = await go(atlas(), models);
  expect(told("completion.made")).toMatchObject([{ form: "list", source: "reasoning" }]);
  expect(told("role.replaced")).toMatchObject([{ role: "completion" }]);
  expect(result.text).toBe("- **Why?** Yeast breathes.");
});

test("a schema of the output binds the completion, whatever the goal asks for", async () => {
  const output = z.object({ gas: z.string() });
  const models = crew({ completion: role({ air: 1 }, { gas: "carbon dioxide" }) });
  const { result, told } = await go(atlas(), models, { output });
  expect(result.output).toEqual({ gas: "carbon dioxide" });
  expect(told("completion.made")).toMatchObject([{ form: "json", source: "options" }]);
});

test("a completion of one's own is asked in the place of the one that is made", async () => {
  const poet = agent({ name: "poet", model: role("- roses\n- yeast").model });
  const models = crew({ reasoning: role({ questions: [{ id: "q1", text: "Why?" }], form: "list" }) });
  const { result } = await go(atlas(), models, { completion: () => poet });
  expect(result.text).toBe("- roses\n- yeast");
});

test("a completion that is made anew each time is made once for a form, so that a second run has it too", async () => {
  const models = crew();
  const desk = teamOf(models, { completion: () => agent({ name: "bard", model: role(table).model }) });
  for (const goal of ["Why? Answer as a table.", "How? Answer as a table."])
    expect(await (await atlas().start(desk, goal)).result()).toMatchObject({ text: table });
});

test("a role may be a workflow or a team, and a supervisor a member of a team", async () => {
  const look = workflow({
    name: "look",
    run: async (_, goal: string) => `Seen: ${goal.includes("Find why") ? "yeast" : "?"}.`,
  });
  const check = team({
    name: "check",
    members: [],
    run: async () => ({ output: { message: { kind: "accepted", closed: [], score: 1 } } }),
  });
  const models = crew();
  const inner = teamOf(models, { roles: { action: look, feedback: check } });
  const outer = team({
    name: "outer",
    members: [inner],
    run: async (context, goal) => ({ output: (await context.ask(inner, goal)).output }),
  });
  const run = await atlas().start(outer, "Why does bread rise?");
  expect((await run.result()).output).toBe("Bread rises because yeast breathes.");
  expect(models.completion.said()[0]).toContain("Seen: yeast.");
});

test("a model that can only quote does what can be computed, also beside one that reasons, and fills a schema", async () => {
  const folder = mkdtempSync(join(tmpdir(), "atlas-supervisor-"));
  writeFileSync(join(folder, "leave.md"), "# Leave\n\nEvery employee has 30 days of holidays per year.\n");
  const reasoning = {
    model: role({ questions: [{ id: "q1", text: "How many days of holidays has an employee?" }], form: "text" }).model,
  };
  const mixed = supervisor({
    name: "mixed",
    model: "offline/extractive",
    roles: { reasoning },
    output: z.object({ holidays: z.number() }),
  });
  const run = await atlas().start(mixed, "How many days of holidays has an employee?", { knowledge: [folder] });
  const result = await run.result();
  expect(result.output).toEqual({ holidays: 30 });
  expect(result.citations).toMatchObject([{ startLine: 3 }]);
  const told = await eventsOf(run);
  expect(told("message.refused")).toEqual([]);
  const children = await atlas().runs.list({ parentId: run.id });
  expect(children.map((child) => child.workflow).toSorted()[0]).toBe("agent:mixed.action");
  rmSync(folder, { recursive: true });
});

test("with nothing left to spend the result says what was not found", async () => {
  const run = await atlas().start(teamOf(crew()), "Why does bread rise?", { budget: { maxTokens: 1 } });
  const result = await run.result();
  expect(result).toMatchObject({ finishReason: "max_tokens", text: "(no answer was found)" });
});
