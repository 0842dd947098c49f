import { expect, test } from "vitest";
import { z } from "zod";
import { useAtlas } from "../../test/lib/atlas.ts";
import { agent } from "../agents/index.ts";
import { scripted } from "../providers/index.ts";
import { workflow } from "../runs/index.ts";
import { tool } from "../tools/index.ts";
import { append, edge, end, graph, node, start, when } from "./index.ts";

const atlas = useAtlas();

test("a graph's nodes are agents, tools, workflows, graphs and functions", async () => {
  const writer = agent({ name: "writer", model: scripted([{ text: "A draft." }]) });
  const count = tool({
    name: "count",
    input: z.object({ draft: z.string() }),
    run: ({ draft }) => ({ length: draft.length }),
  });
  const shout = workflow({ name: "shout", run: async (_, text: string) => text.toUpperCase() });
  const inner = graph({
    name: "inner",
    state: z.object({ draft: z.string(), notes: z.array(z.string()).default([]) }),
    reducers: { notes: append },
    nodes: { note: (state) => ({ notes: [`seen ${state.draft}`] }) },
    edges: { start: "note", note: end },
  });
  const outer = graph({
    name: "outer",
    state: z.object({
      topic: z.string(),
      draft: z.string().default(""),
      length: z.number().default(0),
      notes: z.array(z.string()).default([]),
    }),
    nodes: {
      write: node(writer, { input: "topic", output: "draft" }),
      count,
      shout: node(shout, { input: "draft", output: (text) => ({ draft: text }) }),
      check: node(inner, { output: (state) => ({ notes: (state as { notes: string[] }).notes }) }),
    },
    edges: [
      start("write"),
      edge("write", "count"),
      when("count", { path: "length", gt: 3 }, ["shout", end]),
      edge("shout", "check"),
      edge("check", end),
    ],
  });
  const run = await atlas().start(outer, { topic: "bread" });
  const state = await run.result();
  expect(state).toEqual({ topic: "bread", draft: "A DRAFT.", length: 8, notes: ["seen A DRAFT."] });
  const children = await atlas().runs.list({ parentId: run.id });
  expect(children.map((child) => child.workflow).toSorted()).toEqual(["agent:writer", "graph:inner", "shout"]);
});

test("a second graph of one name is refused where its start is awaited", async () => {
  const make = () =>
    graph({ name: "twice", state: z.object({}), nodes: { one: () => undefined }, edges: { start: "one", one: end } });
  await (await atlas().start(make(), {})).result();
  const refused = atlas().start(make(), {});
  await expect(refused).rejects.toMatchObject({ code: "workflow_duplicate" });
});
