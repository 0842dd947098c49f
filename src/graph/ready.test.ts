import { expect, test } from "vitest";
import { z } from "zod";
import { useAtlas } from "../../test/lib/atlas.ts";
import type { JsonValue } from "../base/index.ts";
import { workflow } from "../runs/index.ts";
import { tool } from "../tools/index.ts";
import { controllerWithWorkers, retrievalAnswer } from "./index.ts";

const atlas = useAtlas();

const search = tool({
  name: "search",
  input: z.object({ query: z.string() }),
  run: ({ query }) => ({ passages: query.includes("bread") ? [{ id: "a", text: "Bread rises." }] : [] }),
});
const answer = workflow({
  name: "answer",
  run: async (_, { passages }: { readonly passages: readonly { readonly text: string }[] }) => passages[0]?.text ?? "",
});

test("an answer from documents says so where nothing is found", async () => {
  const graph = retrievalAnswer({ search, answer });
  const found = await (await atlas().start(graph, { question: "Why does bread rise?" })).result();
  expect(found).toMatchObject({ answer: "Bread rises.", passages: [{ id: "a" }] });
  const missing = await (await atlas().start(graph, { question: "And wine?" })).result();
  expect(missing).toMatchObject({ answer: "Nothing was found that answers this.", passages: [] });
});

test("a controller's tasks are done by workers, and their results gathered in the order of the tasks", async () => {
  const controller = workflow({ name: "controller", run: async (_, goal: string) => ({ tasks: goal.split(" ") }) });
  const worker = workflow({ name: "worker", run: async (_, task: string) => task.toUpperCase() });
  const gather = workflow({
    name: "gather",
    run: async (_, { results }: { readonly results: readonly { readonly result: string }[] }) =>
      results.map(({ result }) => result).join("-"),
  });
  const graph = controllerWithWorkers({ controller, worker, gather, maxParallel: 2 });
  expect(await (await atlas().start(graph, { goal: "a b c" })).result()).toEqual({
    goal: "a b c",
    tasks: ["a", "b", "c"],
    results: ["a", "b", "c"].map((task) => ({ task, result: task.toUpperCase() })),
    output: "A-B-C",
  });
  const plain = controllerWithWorkers({ name: "plain", controller, worker });
  expect((await (await atlas().start(plain, { goal: "x" })).result()).output).toEqual([{ task: "x", result: "X" }]);
});

test("what a controller or a search gives that is no list is told, and too many tasks are refused", async () => {
  const worker = workflow({ name: "worker", run: async () => "done" });
  const ended = async (tasks: JsonValue) => {
    const name = typeof tasks === "string" ? "text" : "list";
    const controller = workflow({ name, run: async () => tasks });
    const graph = controllerWithWorkers({ name, controller, worker, maxTasks: 2 });
    return await (await atlas().start(graph, { goal: "x" })).result();
  };
  await expect(ended("1. Look. 2. Ask.")).rejects.toMatchObject({ code: "graph_state_invalid" });
  await expect(ended(["a", "b", "c"])).rejects.toThrow(/3 tasks, and 2 are allowed. Raise maxTasks/);
  const nothing = tool({ name: "nothing", input: z.object({ query: z.string() }), run: () => null });
  const graph = retrievalAnswer({ name: "silent", search: nothing, answer });
  expect(await (await atlas().start(graph, { question: "Why?" })).result()).toMatchObject({ passages: [] });
});
