// A graph: a writer and a judge in a loop, until the judge is content; then an agent. It runs offline.
//   node examples/graph.ts
//   npx atlas graph draw examples/graph.ts
import { agent, append, createAtlas, edge, end, graph, node, scripted, start, when } from "atlas-agents";
import { z } from "zod";

// A scripted model stands for a real one: leave `model` out, and the configured or detected one writes.
const editor = agent({
  name: "editor",
  instructions: "Give the sentence a headline.",
  model: scripted([{ text: "What bread is made of" }]),
});
const words = "Bread needs flour, water, salt and time.".split(" ");

export const review = graph({
  name: "review",
  state: z.object({
    draft: z.string().default(""),
    headline: z.string().default(""),
    score: z.number().default(0),
    notes: z.array(z.string()).default([]),
  }),
  reducers: { notes: append },
  nodes: {
    write: (_, { visit }) => ({ draft: words.slice(0, visit * 3).join(" ") }),
    judge: (state, { visit }) => ({
      score: state.draft.split(" ").length,
      notes: [`Draft ${visit} has ${state.draft.length} characters.`],
    }),
    publish: node(editor, { input: "draft", output: "headline" }),
  },
  edges: [
    start("write"),
    edge("write", "judge"),
    when("judge", { path: "score", lt: 7 }, ["write", "publish"]),
    edge("publish", end),
  ],
  limits: { maxSteps: 20 },
});

if (import.meta.main) {
  await using atlas = await createAtlas({ graphs: [review] });
  const run = await atlas.start(review, {});
  const { headline, draft, notes } = await run.result();
  console.log(`${headline}: ${draft}`);
  for (const note of notes) console.log(note);
}
