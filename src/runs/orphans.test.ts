import { expect, test } from "vitest";
import { runs, until, useEngine } from "../../test/lib/engine.ts";
import { workflow } from "./index.ts";
import type { RunHandle } from "./index.ts";

useEngine();

const calledBy = async (run: RunHandle<unknown>): Promise<RunHandle<unknown>> => {
  const { data } = await until(run, "call.started");
  const { runId } = data as { readonly runId: string };
  return await runs.open(runId);
};

test("a run that fails cancels what it had called and no longer waits for", async () => {
  const waits = workflow({ name: "waits", run: async (context) => await context.waitFor("never") });
  const asks = workflow({ name: "asks", run: async (context) => await context.call(waits, null) });
  const fails = workflow({
    name: "fails",
    run: async (context) => await Promise.all([context.call(asks, null), context.waitFor("go").then(() => fail())]),
  });
  const fail = (): never => {
    throw new Error("no");
  };
  const run = await runs.start(fails, null);
  const child = await calledBy(run);
  const grandchild = await calledBy(child);
  await until(grandchild, "signal.awaited");
  await run.signal("go");
  await expect(run.result()).rejects.toThrow("no");
  for (const each of [child, grandchild])
    await expect(each.result()).rejects.toMatchObject({
      code: "run_cancelled",
      details: { reason: "its caller has failed" },
    });
});
