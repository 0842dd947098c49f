import { describe, expect, it } from "vitest";
import { z } from "zod";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { createRuns, workflow } from "./index.ts";
import type { RunContext, RunHandle } from "./index.ts";
import type { Database } from "../storage/index.ts";

useEngine();

const asking = workflow({
  name: "asking",
  run: async (context: RunContext) => {
    const schema = z.object({ ok: z.boolean(), by: z.string().default("nobody") });
    return await context.waitFor("approve", { schema, question: "May it go out?", timeoutMs: 60_000 });
  },
});

const ofType = async (run: RunHandle<unknown>, type: string): Promise<unknown[]> =>
  (await Array.fromAsync(run.events({ live: false }))).filter((event) => event.type === type).map(({ data }) => data);

describe("a question", () => {
  it("stands in the log with the form of its answer, and refuses what does not fit without ending", async () => {
    const run = await runs.start(asking, null);
    expect((await until(run, "signal.awaited")).data).toMatchObject({
      name: "approve",
      question: "May it go out?",
      schema: { type: "object", properties: { ok: { type: "boolean" } } },
    });
    await run.signal("approve", { ok: "yes" });
    await run.signal("approve", "yes");
    await run.signal("approve", { ok: true });
    expect(await run.result()).toEqual({ ok: true, by: "nobody" });
    expect(await ofType(run, "signal.refused")).toMatchObject([
      { name: "approve", issues: [{ path: "ok" }] },
      { name: "approve", issues: [{ path: "" }] },
    ]);
  });

  it("gives the same answer after a restart, and does not refuse again what it refused", async () => {
    const twice = workflow({
      name: "twice",
      run: async (context) => {
        const first = await context.waitFor("n", { schema: z.number() });
        await context.waitFor("go");
        return first;
      },
    });
    const run = await runs.start(twice, null);
    await run.signal("n", "seven");
    await run.signal("n", 7);
    await until(run, "signal.received");
    await restart();
    runs.register(twice);
    await runs.recover();
    await run.signal("go");
    const again = await runs.open(run.id);
    expect(await again.result()).toBe(7);
    expect(await ofType(again, "signal.refused")).toHaveLength(1);
  });
});

describe("a signal that must be expected", () => {
  it("is refused unless the run waits for it now, and not twice for one wait", async () => {
    const flow = workflow({
      name: "expecting",
      run: async (context) => {
        const first = await context.waitFor("a");
        await context.waitFor("b%_");
        return [first, await context.waitFor("a")];
      },
    });
    const run = await runs.start(flow, null);
    await until(run, "signal.awaited");
    const expected = { expected: true };
    for (const name of ["b%_", "aa", "bxx", "never"])
      await expect(run.signal(name, 1, expected)).rejects.toMatchObject({ code: "signal_unexpected" });
    await run.signal("a", 1, expected);
    await until(run, "signal.received");
    for await (const { type, key } of run.events()) if (type === "signal.awaited" && key === "signal:b%_") break;
    await expect(run.signal("a", 2, expected)).rejects.toMatchObject({ code: "signal_unexpected" });
    await run.pause();
    const sent = await Promise.allSettled([1, 2, 3].map((n) => run.signal("b%_", n, expected)));
    expect(sent.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await run.resume();
    for await (const { type, key } of run.events()) if (type === "signal.awaited" && key === "signal:a#2") break;
    await run.signal("a", 2, expected);
    expect(await run.result()).toEqual([1, 2]);
    await expect(run.signal("a", 3, expected)).rejects.toMatchObject({ code: "run_finished" });
  });

  it("has no name of the engine's own", async () => {
    const run = await runs.start(asking, null);
    for (const name of ["#steer", "#decide:pay"])
      await expect(run.signal(name, {})).rejects.toMatchObject({ code: "invalid_input" });
    await run.cancel();
  });
});

describe("steering", () => {
  const steps = Promise.withResolvers<void>();
  const steered = workflow({
    name: "steered",
    run: async (context: RunContext) => {
      const taken = [await context.steered()];
      await context.step("one", () => steps.promise);
      taken.push(await context.steered(), await context.steered());
      await context.waitFor("go");
      taken.push(await context.steered());
      return taken;
    },
  });

  it("is taken without waiting, once, in order, also by a run of another engine and over a restart", async () => {
    const other = await createRuns({ database });
    const run = await other.start(steered, null);
    await until(run, "run.started");
    const seen = await runs.open(run.id);
    for (const input of ["a", { n: 1 }]) await seen.steer(input);
    steps.resolve();
    await until(run, "signal.awaited");
    await other[Symbol.asyncDispose]();
    runs.register(steered);
    const again = await runs.resume(run.id);
    await again.steer("late");
    await again.signal("go");
    const taken = (await again.result()) as unknown[][];
    expect(taken.flat()).toEqual(["a", { n: 1 }, "late"]);
    expect(taken.at(-1)).toEqual(["late"]);
    expect((await events(again)).filter(({ type }) => type === "run.steered")).toHaveLength(2);
    await expect(again.steer("too late")).rejects.toMatchObject({ code: "run_finished" });
  });

  it("is looked for in the store only where something was sent since the last look", async () => {
    let looks = 0;
    const counted: Database = {
      ...database,
      read: (statement, options) => {
        if (statement.params?.includes("#steer") === true) looks++;
        return database.read(statement, options);
      },
    };
    await using engine = await createRuns({ database: counted });
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const listens = workflow({
      name: "listens",
      run: async (context: RunContext) => {
        const taken = [];
        for (const [at, gate] of gates.entries()) {
          taken.push(await context.steered(), await context.steered());
          await context.step(`gate-${at}`, () => gate.promise);
        }
        return [...taken, await context.steered(), await context.steered()];
      },
    });
    const run = await engine.start(listens, null);
    gates[0]?.resolve();
    await until(run, "step.completed");
    expect(looks).toBe(0);
    await run.steer("left");
    gates[1]?.resolve();
    expect(await run.result()).toEqual([[], [], [], [], ["left"], []]);
    expect(looks).toBe(2);
  });
});
