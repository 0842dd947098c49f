// A durable function: stop the program at any point and start it again, and it goes on after the last recorded step.
import { createAtlas, workflow } from "atlas-agents";
import { z } from "zod";

const order = workflow({
  name: "order",
  input: z.object({ item: z.string() }),
  run: async (context, { item }) => {
    // Done once, whatever happens: after a crash the recorded result is used.
    const receipt = await context.step("charge", ({ idempotencyKey }) => ({ item, paidWith: idempotencyKey }));
    context.emit({ type: "order.paid", data: receipt });
    await context.sleep(50);
    const approval = await context.waitFor("approve", { schema: z.object({ by: z.string() }) });
    return { ...receipt, approvedBy: approval.by };
  },
});

await using atlas = await createAtlas({ workflows: [order] });
const run = await atlas.start(order, { item: "a book" });
for await (const event of run.events()) {
  console.log(event.seq, event.type);
  if (event.type === "signal.awaited") await run.signal("approve", { by: "Ada" });
}
console.log(await run.result());
