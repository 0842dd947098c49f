// A graph asks a person; then its past is looked at, and a fork goes on from there with another state. It runs offline.
//   node examples/graph-interrupt.ts
import { createAtlas, edge, end, forkGraph, graph, graphHistory, start, toMermaid, when } from "atlas-agents";
import { z } from "zod";

const order = graph({
  name: "order",
  state: z.object({
    item: z.string(),
    price: z.number().default(0),
    approved: z.boolean().default(false),
    sent: z.boolean().default(false),
  }),
  nodes: {
    price: (state) => ({ price: state.item.length * 100 }),
    approve: async (state, context) => ({
      approved: await context.interrupt(`Send ${state.item} for ${state.price}?`, { schema: z.boolean() }),
    }),
    send: () => ({ sent: true }),
  },
  edges: [
    start("price"),
    edge("price", "approve", { if: { path: "price", gt: 300 } }),
    edge("price", "send", { if: { path: "price", lte: 300 } }),
    when("approve", { path: "approved", is: true }, ["send", end]),
    edge("send", end),
  ],
});

await using atlas = await createAtlas({ graphs: [order] });
const run = await atlas.start(order, { item: "flour" });
for await (const event of run.events()) {
  if (event.type !== "signal.awaited") continue;
  // Here a person is asked; the answer may come days later and from another process: atlas runs signal ID approve --data false
  console.log(toMermaid(order, { history: await graphHistory(run, order) }));
  await run.signal("approve", false);
}
console.log(await run.result());

const history = await graphHistory(run, order);
for (const { seq, step, nodes, next } of history)
  console.log(`${step} (entry ${seq}): ${nodes.join()} → ${next.join()}`);

// What if it had been cheaper? The price is looked at again; what was done before is not done again.
const priced = history.find(({ nodes }) => nodes.includes("price"));
const fork = await forkGraph(run, order, { at: (priced?.seq ?? 1) - 1, state: { item: "oil" } });
console.log(await fork.result());
