import { expect, it } from "vitest";
import { events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { workflow } from "./index.ts";

useEngine();

it("what a step does again it tells again, and what the function itself said before it does not", async () => {
  let execution = 0;
  const flow = workflow({
    name: "flow",
    run: async (context) => {
      context.emit({ type: "began" });
      await context.step("work", async ({ signal }) => {
        execution++;
        context.emit({ type: "tried", data: { execution } });
        if (execution === 1) {
          context.emit({ type: "failed_once" });
          context.emit({ type: "ready" });
          await new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
          );
        }
        context.emit({ type: "worked", data: { execution } });
      });
      context.emit({ type: "ended" });
    },
  });
  const run = await runs.start(flow, null);
  await until(run, "ready");
  await restart();
  runs.register(flow);
  const again = await runs.resume(run.id);
  await again.result();
  const log = await events(again);
  const told = log.filter(({ type }) => ["began", "tried", "failed_once", "worked", "ended"].includes(type));
  expect(told.map(({ type, data, key }) => [type, (data as { execution?: number } | null)?.execution, key])).toEqual([
    ["began", undefined, undefined],
    ["tried", 1, "work"],
    ["failed_once", undefined, "work"],
    ["tried", 2, "work"],
    ["worked", 2, "work"],
    ["ended", undefined, undefined],
  ]);
});

it("branches that go on in another order tell each thing once", async () => {
  let execution = 0;
  const flow = workflow({
    name: "branches",
    run: async (context) => {
      execution++;
      const { signal } = context;
      const branch = async (index: number): Promise<void> => {
        await context.step("work", () => index);
        // The last branch alone tells of its end before the process ends; the outcomes of all are recorded by then.
        if (execution === 1 && index < 2) {
          await new Promise((_, reject) =>
            signal.addEventListener("abort", () => reject(signal.reason), { once: true }),
          );
        }
        context.emit({ type: "branch.ended", data: { index } });
      };
      await Promise.all([0, 1, 2].map(branch));
    },
  });
  const run = await runs.start(flow, null);
  await until(run, "branch.ended");
  await restart();
  runs.register(flow);
  const resumed = await runs.resume(run.id);
  await resumed.result();
  const told = (await events(resumed)).filter(({ type }) => type === "branch.ended").map(({ data }) => data);
  expect(told).toEqual([{ index: 2 }, { index: 0 }, { index: 1 }]);
});

it.each(["step.completed", "timer.started", "run.completed", "step.started"])(
  "no function writes %s, which the engine would take for its own",
  async (type) => {
    const flow = workflow({
      name: "flow",
      run: (context) => context.step("work", () => context.emit({ type })),
    });
    const run = await runs.start(flow, null);
    await expect(run.result()).rejects.toMatchObject({ code: "event_reserved" });
  },
);
