import { expect, it } from "vitest";
import { events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { workflow } from "./workflow.ts";

useEngine();

it("a deferred step stands in the log before what came after it, and is done once where it was durable", async () => {
  let done = 0;
  const flow = () =>
    workflow({
      name: "deferring",
      run: async (context) => {
        const first = await context.step("first", () => ++done, { deferred: true });
        await context.log.durable();
        context.emit({ type: "reached.end" });
        const second = done === 1 ? await context.waitFor<number>("go") : 0;
        return first + second;
      },
    });
  const run = await runs.start(flow(), null);
  await until(run, "signal.awaited");
  await restart();
  runs.register(flow());
  const again = await runs.resume(run.id);
  await again.signal("go", 10);
  expect(await again.result()).toBe(11);
  expect(done).toBe(1);
  const types = (await events(again)).map(({ type }) => type);
  expect(types.indexOf("step.completed")).toBeLessThan(types.indexOf("reached.end"));
});
