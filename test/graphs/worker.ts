// Runs the graph of the kill test to its end, or until it is killed; says "ready" when it works, and prints its state. What really happens is told to a file.
//   node worker.ts FOLDER
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { append, createAtlas, each, edge, end, graph, node, start, when, workflow } from "../../src/index.ts";

const [folder = ""] = process.argv.slice(2);
const record = (what: string): void => appendFileSync(join(folder, "record.txt"), `${what}\n`);

const child = workflow({
  name: "child",
  run: async (context, item: string) =>
    await context.step("child-step", async () => {
      record(`child ${item}`);
      await delay(3);
      return `${item}!`;
    }),
});
const rounds = 8;
const killed = graph({
  name: "killed",
  state: z.object({
    round: z.number().default(0),
    items: z.array(z.string()).default([]),
    done: z.array(z.string()).default([]),
  }),
  reducers: { done: append },
  nodes: {
    plan: async ({ round }, context) => {
      record(`plan ${round}`);
      await delay(2);
      if (round === 0) context.addEdge(edge("meet", "extra"));
      return { items: ["a", "b", "c", "d"].map((name) => `${round}${name}`) };
    },
    // Branches end in another order than they began, and each asks for something of its own under the same name.
    work: {
      run: async (_, context) => {
        const item = context.params["item"] as string;
        const noted = await context.step("note", () => {
          record(`note ${item}`);
          return item.length;
        });
        await delay((item.charCodeAt(1) * 7) % 5);
        const said = await context.call(child, item);
        record(`work ${item}`);
        return { done: [`${said}${noted}`] };
      },
      retry: { attempts: 3 },
    },
    ask: node(child, { input: "items.0", output: (said: string) => ({ done: [said] }) }),
    meet: ({ round }) => ({ round: round + 1 }),
    extra: { run: ({ round }) => ({ done: [`extra ${round}`] }), onDemand: true },
  },
  edges: [
    start("plan"),
    each("plan", "work", "items"),
    edge("plan", "ask"),
    edge("work", "meet"),
    edge("ask", "meet"),
    when("meet", { path: "round", lt: rounds }, ["plan", end]),
    edge("extra", end),
  ],
});

await using atlas = await createAtlas({
  directory: folder,
  environment: {},
  graphs: [killed],
  workflows: [child],
  recover: false,
});
const [known] = await atlas.runs.list({ workflow: "graph:killed", limit: 1 });
const again = async (id: string, isOver: boolean) => await (isOver ? atlas.runs.open(id) : atlas.runs.resume(id));
// A kill may also come between the end of the run and that of the process.
const run = known === undefined ? await atlas.start(killed, {}) : await again(known.id, known.finishedAt !== undefined);
process.stdout.write("ready\n");
process.stdout.write(JSON.stringify(await run.result()));
