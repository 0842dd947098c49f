import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { agent } from "../../agents/index.ts";
import type { AgentResult } from "../../agents/index.ts";
import { createAtlas } from "../../app/index.ts";
import type { Atlas } from "../../app/index.ts";
import type { JsonObject } from "../../base/index.ts";
import type { Script } from "../../providers/index.ts";
import { scripted } from "../../providers/index.ts";
import { workflow } from "../../runs/index.ts";
import { tool } from "../../tools/index.ts";
import type { AnyTeam } from "../team.ts";
import { controller, detectKind, handOver, handoff, refuse, retrievalAnswer, taskAware } from "./index.ts";
import type { TaskKindOptions } from "./index.ts";

let folder: string;
let atlas: Atlas;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-patterns-"));
  mkdirSync(join(folder, "docs"));
  writeFileSync(join(folder, "docs", "holidays.md"), "# Holidays\n\nEverybody has 30 days of holidays each year.\n");
  writeFileSync(join(folder, "docs", "pool.md"), "# Pool\n\nThe pool keeps ten connections open at night.\n");
  atlas = await createAtlas({ directory: folder, environment: {} });
});
afterAll(async () => {
  await atlas[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let count = 0;
const named = (word: string): string => `${word}${++count}`;
const says = (name: string, script: Script | string, description = "") =>
  agent({ name, description, model: scripted(typeof script === "string" ? [{ text: script }] : script) });
const handsTo = (to: string, message: string) => ({ toolCalls: [{ name: "hand_over", input: { to, message } }] });

async function play(team: AnyTeam, goal: string) {
  const run = await atlas.start(team, goal);
  const result = (await run.result()) as AgentResult<JsonObject>;
  const log = await Array.fromAsync(run.events({ live: false }));
  const all = (type: string) => log.filter((event) => event.type === type).map(({ data }) => data);
  return { result, all };
}

describe("handing over", () => {
  it("goes from an agent to another, by its tool, and the other sees the message", async () => {
    const desk = says("desk", () => handsTo("bills", "The bill of May is wrong."));
    const bills = says("bills", (request) => (JSON.stringify(request).includes("bill of May") ? "Mended." : "What?"));
    const { result, all } = await play(handoff({ name: named("office"), members: [desk, bills] }), "Help.");
    expect(result).toMatchObject({ output: "Mended.", metadata: { by: "bills", handovers: 1 }, steps: 2 });
    expect(all("handover.made")).toEqual([
      { from: "desk", to: "bills", message: "The bill of May is wrong.", reason: "asked" },
    ]);
  });

  it("a model that names nobody is told, and goes on", async () => {
    const desk = says("front", [handsTo("nobody", "x"), { text: "I do it myself." }]);
    const { result } = await play(handoff({ name: named("office"), members: [desk, says("back", "x")] }), "Help.");
    expect(result).toMatchObject({ output: "I do it myself.", metadata: { by: "front", handovers: 0 } });
  });

  it("a circle and the limit end it: who has the work must answer", async () => {
    const pingPong =
      (to: string): Script =>
      (request) =>
        (request.tools ?? []).length > 0 ? handsTo(to, "You do it.") : "Then I answer.";
    const members = [says("ping", pingPong("pong")), says("pong", pingPong("ping"))];
    const circle = await play(handoff({ name: named("office"), members }), "Help.");
    expect(circle.result).toMatchObject({ output: "Then I answer.", metadata: { by: "ping", refused: "loop" } });
    expect(circle.all("handover.refused")).toMatchObject([{ from: "ping", to: "pong", reason: "loop" }]);
    const short = await play(handoff({ name: named("office"), members, maxHandovers: 1 }), "Help.");
    expect(short.result).toMatchObject({ finishReason: "max_steps", metadata: { by: "pong", refused: "limit" } });
  });

  it("goes on from workflows, and from models that find no answer to the member that fits best", async () => {
    const asks = workflow({ name: named("asks"), run: async () => handOver("holidays", "Days?", { year: 2030 }) });
    const other = agent({
      name: named("other"),
      description: "Knows the colours of cars.",
      model: "offline/extractive",
    });
    const holidays = agent({
      name: "holidays",
      description: "Knows how many days of holidays everybody has.",
      knowledge: [join(folder, "docs")],
      model: "offline/extractive",
    });
    const goal = "How many days of holidays does everybody have?";
    const first = await play(handoff({ name: named("office"), members: [asks, other, holidays] }), goal);
    expect(first.all("handover.made")).toMatchObject([{ to: "holidays", data: { year: 2030 } }]);
    const { result, all } = await play(handoff({ name: named("office"), members: [other, asks, holidays] }), goal);
    expect(all("handover.made")).toMatchObject([{ from: other.name, to: "holidays", reason: "unanswered" }]);
    expect(result.text).toContain("30 days");
    expect(result.citations).toHaveLength(1);
  });

  it("refuses a member that has a tool of that name, and a beginner that is none", () => {
    const own = tool({ name: "hand_over", input: z.object({}), run: () => 1 });
    const clash = agent({ name: "clash", tools: [own] });
    expect(() => handoff({ name: "t", members: [clash, says("b", "x")] })).toThrow(/hand_over/);
    expect(() => handoff({ name: "t", members: [says("a", "x"), says("b", "x")], start: "c" })).toThrow(/named c/);
  });
});

describe("a controller", () => {
  const tasks = () => ["Count the apples.", "Paint the door.", "Count the pears."];

  it("gives each task to the worker whose words fit, and does them at once", async () => {
    const counter = { member: says("counter", "Seven."), description: "count apples pears", replicas: 2 };
    const painter = says("painter", "Painted.", "Paints a door or a wall.");
    const { result, all } = await play(
      controller({ name: named("boss"), workers: [counter, painter], split: tasks }),
      "Work.",
    );
    expect(result.output["results"]).toEqual([
      { task: "Count the apples.", worker: "counter", output: "Seven." },
      { task: "Paint the door.", worker: "painter", output: "Painted." },
      { task: "Count the pears.", worker: "counter", output: "Seven." },
    ]);
    expect(all("worker.chosen")).toMatchObject([{ reason: "fit" }, { reason: "fit" }, { reason: "fit" }]);
    const messages = result.output["messages"] as JsonObject[];
    expect(messages.map(({ type }) => type)).toEqual([1, 2, 3].flatMap(() => ["request", "result", "progress"]));
  });

  it("replaces a worker that fails or refuses, by the tool or as a workflow does", async () => {
    const lazy = says(
      "lazy",
      () => ({ toolCalls: [{ name: "refuse_task", input: { reason: "not today" } }] }),
      "count paint",
    );
    const sick = workflow({ name: named("sick"), run: async () => refuse("I am ill") });
    const bad = agent({ name: "bad", model: scripted([{ error: "provider_invalid_request" }]), description: "door" });
    const good = says("good", "Done.");
    const { result, all } = await play(
      controller({ name: named("boss"), workers: [lazy, sick, bad, good], split: tasks }),
      "Work.",
    );
    expect(result).toMatchObject({ finishReason: "stop", metadata: { done: 3, undone: 0 } });
    expect(all("worker.refused").length).toBeGreaterThan(2);
    expect(all("worker.replaced").map((each) => (each as JsonObject)["reason"])).toContain("not today");
  });

  it("asks whom a member decides for, gathers by a member, and says what nobody did", async () => {
    const decide = says("decide", "The painter should do it.");
    const painter = workflow({
      name: "painter",
      run: async (_, task: string) => (task.includes("pears") ? refuse("no pears") : `${task} Done.`),
    });
    const gather = says("gather", "Two of three.");
    const team = controller({ name: named("boss"), workers: [painter], decide, gather, split: tasks });
    const { result, all } = await play(team, "Work.");
    expect(result).toMatchObject({ text: "Two of three.", finishReason: "other", metadata: { done: 2, undone: 1 } });
    expect(result.output["undone"]).toEqual([{ task: "Count the pears.", reason: "no pears" }]);
    expect(all("worker.chosen")).toMatchObject([{ reason: "chosen" }, { reason: "chosen" }, { reason: "chosen" }]);
    expect(all("task.abandoned")).toHaveLength(1);
  });

  it("has no more tasks done than are allowed, whatever splits the goal", async () => {
    let asked = 0;
    const worker = workflow({ name: named("worker"), run: async () => ++asked });
    const split = says("splitter", "- one\n- two\n- three");
    const team = controller({ name: named("boss"), workers: [worker], split, maxTasks: 2 });
    await expect(play(team, "Work.")).rejects.toThrow(/3 tasks; 2 are allowed. Raise maxTasks/);
    expect(asked).toBe(0);
  });
});

describe("a task-aware agent", () => {
  const kinds: Readonly<Record<string, TaskKindOptions>> = {
    tax: { words: ["tax", "income", "deduct"], instructions: "Quote the law." },
    code: { instructions: "Write tests too.", model: scripted([{ text: "coded" }], { name: "coder" }) },
  };
  const base = agent({
    name: "clerk",
    instructions: "Be brief.",
    model: scripted((request) => JSON.stringify(request.messages[0]?.content)),
  });

  it("does a task with the instructions and the model of its kind, and says why", async () => {
    const team = taskAware(base, { kinds });
    const tax = await play(team, "Can I deduct this from my income?");
    expect(tax.result.text).toContain("Be brief.\\n\\nQuote the law.");
    expect(tax.all("task.detected")).toMatchObject([{ kind: "tax", confidence: 0.67 }]);
    const coded = await play(team, "[kind: code] Can I deduct this from my income?");
    expect(coded.result).toMatchObject({ output: "coded", metadata: { taskKind: "code", kindConfidence: 1 } });
    expect((await play(team, "Mmm.")).result.metadata).toMatchObject({ taskKind: "general", kindConfidence: 0 });
  });

  it("detects kinds: declared, by rule, by the words of the program before those that are built in", () => {
    expect(detectKind("kind: tax\nWrite a function.", kinds).kind).toBe("tax");
    expect(detectKind("Summarize the income tax.", kinds)).toMatchObject({ kind: "tax" });
    expect(detectKind("Summarize the report.", kinds)).toMatchObject({ kind: "summary", confidence: 0.5 });
    expect(detectKind("```\nx\n```", {})).toMatchObject({ kind: "code", confidence: 1 });
    expect(detectKind("[kind: nonsense] Mmm", kinds, "other").kind).toBe("other");
  });
});

describe("an answer from documents", () => {
  const knowledge = () => [join(folder, "docs")];

  it("is cited and verified, without any model but the offline one", async () => {
    const team = retrievalAnswer({ name: named("ask"), knowledge: knowledge() });
    const { result, all } = await play(team, "How many days of holidays does everybody have?");
    expect(result.text).toContain("30 days");
    expect(result.citations).toMatchObject([{ source: join(folder, "docs", "holidays.md") }]);
    expect(result.metadata).toMatchObject({ grade: "supported" });
    expect(all("passages.graded")).toMatchObject([{ kept: 1 }]);
  });

  it("is asked again with another query where it is not supported, and the best is given", async () => {
    const lying = agent({ name: named("liar"), model: scripted([{ text: "It is 40 days [p999]." }]) });
    const team = retrievalAnswer({ name: named("ask"), knowledge: knowledge(), answerer: lying, maxQueries: 2 });
    const { result, all } = await play(team, "How many days of holidays does everybody have?");
    expect(result.metadata).toMatchObject({ grade: "unsupported" });
    expect(all("query.rewritten")).toHaveLength(1);
    expect(all("answer.graded")).toHaveLength(2);
  });

  it("asks nobody where nothing is found", async () => {
    const team = retrievalAnswer({ name: named("ask"), knowledge: knowledge(), nothing: "Nothing." });
    const { result, all } = await play(team, "Zebra quagga okapi giraffe?");
    expect(result).toMatchObject({ output: "Nothing.", metadata: { grade: "unfound" }, steps: 0 });
    expect(all("member.asked")).toEqual([]);
  });
});
