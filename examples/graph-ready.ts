// Ready graphs: an answer from documents, and a controller with workers. They run offline.
//   node examples/graph-ready.ts
import { controllerWithWorkers, createAtlas, retrievalAnswer, tool, workflow } from "atlas-agents";
import { z } from "zod";

const shelf = ["Bread rises because yeast makes gas.", "Salt slows yeast."];
const search = tool({
  name: "search",
  input: z.object({ query: z.string() }),
  run: ({ query }) => ({
    passages: shelf.filter((text) => query.split(/\W+/).some((word) => word.length > 3 && text.includes(word))),
  }),
});
// Agents go where these workflows stand: they get the same, as their goal.
const answer = workflow({
  name: "answer",
  run: async (_, { passages }: { readonly passages: readonly string[] }) => passages.join(" "),
});
const split = workflow({ name: "split", run: async (_, goal: string) => ({ tasks: goal.split(", ") }) });
const work = workflow({ name: "work", run: async (_, task: string) => `${task}: done` });

await using atlas = await createAtlas();
const answered = await atlas.start(retrievalAnswer({ search, answer }), { question: "Why does yeast matter?" });
console.log((await answered.result()).answer);
const worked = await atlas.start(controllerWithWorkers({ controller: split, worker: work }), {
  goal: "flour, water, salt",
});
console.log((await worked.result()).output);
