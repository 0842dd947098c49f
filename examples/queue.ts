// Work that waits in a queue: priorities, tenants that share, runs that depend on others, retries, and dead letters that are redriven.
import { createAtlas, workflow } from "atlas-agents";
import { z } from "zod";

let printerWorks = false;

const draw = workflow({
  name: "draw",
  input: z.object({ page: z.number() }),
  run: async (context, { page }) => await context.step("ink", () => `page ${page} of ${context.tenant}`),
});
const bind = workflow({
  name: "bind",
  // An attempt that fails is made again, and does only the steps again that have no result yet.
  retry: { attempts: 2, minDelayMs: 10, maxDelayMs: 20 },
  run: async (context) =>
    await context.step("print", () => {
      if (!printerWorks) throw new Error("the printer is out of paper");
      return "a book";
    }),
});
const send = workflow({ name: "send", run: async () => "sent" });

await using atlas = await createAtlas({ workflows: [draw, bind, send] });
const { runs } = atlas;
await runs.queues.limit("books", { concurrency: 4, perTenant: 2, weights: { ada: 2 } });

// All of them are accepted in one commit, or none.
const order = { queue: "books", tenant: "ada" };
const planned = await runs.startMany([
  { ref: "1", workflow: draw, input: { page: 1 }, options: { ...order, priority: 5 } },
  { ref: "2", workflow: draw, input: { page: 2 }, options: order },
  { ref: "book", workflow: bind, input: null, needs: ["1", "2"], options: order },
  { workflow: send, input: null, needs: ["book"], options: { ...order, after: { runs: [], onFailure: "wait" } } },
]);
const [page, , book, parcel] = planned;
console.log(await page?.result());
await book?.result().catch((error: unknown) => console.log(`dead: ${error instanceof Error ? error.message : ""}`));

for (const { id } of await runs.deadLetters.list({ queue: "books" })) {
  const { attempts } = await runs.deadLetters.show(id);
  for (const { attempt, error } of attempts) console.log(`attempt ${attempt}: ${error?.message}`);
}
const { blocked, dead } = await runs.queues.show("books");
console.log(`blocked ${blocked}, dead ${dead}`);

printerWorks = true;
const [again = ""] = await runs.deadLetters.redrive({ queue: "books" });
console.log("redriven:", await (await runs.open(again)).result());
console.log("parcel:", await parcel?.result());
