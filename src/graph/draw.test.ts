import { expect, test } from "vitest";
import { z } from "zod";
import { runs, useEngine } from "../../test/lib/engine.ts";
import {
  each,
  edge,
  end,
  graph,
  graphHistory,
  graphWorkflow,
  node,
  oneOf,
  start,
  toDot,
  toMermaid,
  toSvg,
  when,
} from "./index.ts";
import { workflow } from "../runs/index.ts";

useEngine();

const shout = workflow({ name: "shout", run: async (_, text: string) => text.toUpperCase() });
const drawn = graph({
  name: "drawn",
  state: z.object({
    score: z.number().default(0),
    words: z.array(z.string()).default([]),
    draft: z.string().default(""),
  }),
  nodes: {
    write: node(shout, { input: "draft", output: "draft" }),
    judge: () => ({ score: 9 }),
    word: () => undefined,
  },
  edges: [
    start("write"),
    each("write", "word", "words"),
    edge("word", "judge"),
    edge("judge", "word", {
      if: {
        all: [
          { path: "score", lt: 3 },
          { path: "draft", not: "" },
        ],
      },
    }),
    when("judge", { path: "score", lt: 8 }, ["write", end]),
    oneOf("write", { judge: 3, end: 1 }),
  ],
});

test("a graph is drawn as Mermaid and DOT, with what a run has seen", async () => {
  expect(toMermaid(drawn)).toMatchInlineSnapshot(`
    "flowchart TD
      n0(("start"))
      n1(["write (shout)"])
      n2["judge"]
      n3["word"]
      n4(("end"))
      n0 --> n1
      n1 -->|"each of words"| n3
      n3 --> n2
      n2 -.->|"score #60; 3 and draft ≠ #34;#34;"| n3
      n2 -.->|"score #60; 8"| n1
      n2 -.->|"else"| n4
      n1 -.->|"75 %"| n2
      n1 -.->|"25 %"| n4
    "
  `);
  expect(toDot(drawn)).toMatchInlineSnapshot(`
    "digraph {
      rankdir=TB;
      "start" [label="start" shape=circle];
      "write" [label="write (shout)" shape=ellipse];
      "judge" [label="judge" shape=box];
      "word" [label="word" shape=box];
      "end" [label="end" shape=circle];
      "start" -> "write";
      "write" -> "word" [label="each of words"];
      "word" -> "judge";
      "judge" -> "word" [label="score < 3 and draft ≠ \\"\\"" style=dashed];
      "judge" -> "write" [label="score < 8" style=dashed];
      "judge" -> "end" [label="else" style=dashed];
      "write" -> "judge" [label="75 %" style=dashed];
      "write" -> "end" [label="25 %" style=dashed];
    }
    "
  `);
});

test("a drawing shows where a run was and is", async () => {
  const made = graph({
    name: "where",
    state: z.object({}),
    nodes: { a: () => undefined, b: async (_, context) => void (await context.waitFor("go")) },
    edges: { start: "a", a: "b", b: end },
  });
  const run = await runs.start(
    graphWorkflow(made, () => {
      throw new Error("nothing to resolve");
    }),
    {},
  );
  for await (const { type } of run.events()) if (type === "signal.awaited") break;
  const history = await graphHistory(run, made);
  expect(toMermaid(made, { history })).toContain("class n1 visited;");
  expect(toMermaid(made, { history })).toContain("class n2 active;");
  expect(toDot(made, { history })).toContain('"b" [label="b" shape=box style=filled fillcolor="#ffe9b8" penwidth=3];');
});

test("names from JSON are text in every drawing, whatever they say", async () => {
  const hostile = ['a"b\nc', "`x`", "#quot;", "<script>x()</script>", "\u0000\ud83d", "\u2028"];
  const nodes = Object.fromEntries(hostile.map((name) => [name, { kind: "agent", target: name }]));
  const edges = hostile.map((name) => ({ kind: "edge", from: name, to: end, if: { path: name, is: name } }) as const);
  const structure = { name: "g", version: "1", nodes, edges, reducers: {}, limits: {} };
  const mermaid = toMermaid(structure).split("\n");
  expect(mermaid.slice(2, 8)).toEqual([
    '  n1(["a#34;b<br>c"])',
    '  n2(["#96;x#96;"])',
    '  n3(["#35;quot#59;"])',
    '  n4(["#60;script#62;x()#60;#47;script#62;"])',
    '  n5(["#65533;#65533;"])',
    '  n6(["<br>"])',
  ]);
  const svg = await toSvg(structure);
  expect(svg).toContain("&lt;script&gt;");
  expect(svg + toDot(structure)).not.toMatch(/[^\n\P{Cc}]|\u2028|\p{Cs}/u);
});
