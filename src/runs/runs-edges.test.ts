import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AtlasError } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { createRuns, workflow } from "./index.ts";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";

useEngine();

describe("at its edges, the engine", () => {
  it.each([-1, Number.NaN, 0.5])("lists no %s runs", async (limit) => {
    await expect(runs.list({ limit })).rejects.toMatchObject({ code: "invalid_input", details: { option: "limit" } });
  });

  it.each(["", "a\nb", "a\0b", "x".repeat(201)])("takes no workflow of a name that is none (%j)", (name) => {
    expect(() => workflow({ name, run: async () => 1 })).toThrow(/workflow name/);
  });

  it.each(["a#b", "a\0b", "x".repeat(301)])(
    "refuses a step, a wait and a signal of a name that is none",
    async (name) => {
      const refused = { code: "invalid_input" };
      const step = workflow({ name: "step", run: async (context) => await context.step(name, () => 1) });
      const wait = workflow({ name: "wait", run: async (context) => await context.waitFor(name) });
      await expect((await runs.start(step, null)).result()).rejects.toMatchObject(refused);
      await expect((await runs.start(wait, null)).result()).rejects.toMatchObject(refused);
      const held = await runs.start(
        workflow({ name: "held", run: async (context) => await context.waitFor("go") }),
        null,
      );
      await expect(held.signal(name)).rejects.toMatchObject(refused);
      await held.cancel();
    },
  );

  it("gives the body the input as its schema read it, also to children", async () => {
    const schema = z.object({ n: z.coerce.number().default(5) });
    const echo = workflow({ name: "echo", input: schema, run: async (_, input) => input });
    const outer = workflow({
      name: "outer",
      run: async (context) => await context.call(echo, { n: "7" } as unknown as { n: number }),
    });
    const run = await runs.start(echo, {} as { n: number });
    expect(await run.result()).toEqual({ n: 5 });
    expect(await (await runs.start(outer, null)).result()).toEqual({ n: 7 });
  });

  it("shows a run whose writes failed as interrupted, and takes it up again", async () => {
    let fail = true;
    const flaky: Database = {
      ...database,
      write: (statements) => {
        const isStep = statements.some(({ params = [] }) => params.includes("step.completed"));
        return isStep && fail ? Promise.reject(new Error("disk gone")) : database.write(statements);
      },
    };
    const engine = await createRuns({ database: flaky });
    const once = workflow({ name: "once", run: async (context) => await context.step("one", () => 1) });
    const run = await engine.start(once, null);
    await expect(run.result()).rejects.toThrow("disk gone");
    expect(await run.record()).toMatchObject({ status: "running", interrupted: true });
    fail = false;
    expect(await (await engine.resume(run.id)).result()).toBe(1);
    await engine[Symbol.asyncDispose]();
  });

  it("sees every run of a dead engine as interrupted at the first look", async () => {
    const stuck = workflow({ name: "stuck", run: async (context) => await context.waitFor("go") });
    const other = await createRuns({ database });
    for (let n = 0; n < 5; n++) await other.start(stuck, null);
    await database.write([{ sql: "UPDATE run SET owner = 'own_gone'" }]);
    expect((await runs.list()).map((run) => run.interrupted)).toEqual([true, true, true, true, true]);
    await other[Symbol.asyncDispose]();
  });

  it("lets two engines recover at once: each run is taken up by one of them", async () => {
    const stuck = workflow({ name: "stuck", run: async (context) => await context.waitFor("go") });
    for (let n = 0; n < 20; n++) await runs.start(stuck, null);
    await runs[Symbol.asyncDispose]();
    const engines = [await createRuns({ database }), await createRuns({ database })];
    for (const engine of engines) engine.register(stuck);
    const taken = (await Promise.all(engines.map((engine) => engine.recover()))).flat();
    expect(new Set(taken.map((run) => run.id)).size).toBe(taken.length);
    for (const run of taken) await (await engines[0]?.open(run.id))?.signal("go");
    await Promise.all(taken.map((run) => run.result()));
    expect((await engines[0]?.list({ status: "completed" }))?.length).toBe(20);
    for (const engine of engines) await engine[Symbol.asyncDispose]();
  });

  it("keeps work that was left running out of the log", async () => {
    const { promise: late, resolve: release } = Promise.withResolvers<undefined>();
    let outcome: Promise<unknown> = Promise.resolve();
    const leaving = workflow({
      name: "leaving",
      run: async (context) => {
        outcome = context.step("late", () => late).catch((error: unknown) => error);
        return "done";
      },
    });
    const run = await runs.start(leaving, null);
    expect(await run.result()).toBe("done");
    release(undefined);
    expect(await outcome).toMatchObject({ code: "run_finished" });
    expect((await events(run)).at(-1)?.type).toBe("run.completed");
  });

  it("hears a signal that aborts while the run is being accepted", async () => {
    const stuck = workflow({ name: "stuck", run: async (context) => await context.waitFor("go") });
    const stop = new AbortController();
    const starting = runs.start(stuck, null, { signal: stop.signal });
    await Promise.resolve();
    stop.abort();
    const run = await starting.catch(() => undefined);
    if (run) await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
  });

  it("refuses names that its own numbering could meet, and times that are no numbers", async () => {
    const odd = workflow({ name: "odd", run: async (context) => await context.step("a#2", () => 1) });
    await expect((await runs.start(odd, null)).result()).rejects.toMatchObject({ code: "invalid_input" });
    const endless = workflow({ name: "endless", run: async (context) => await context.sleep(Infinity) });
    await expect((await runs.start(endless, null)).result()).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("emits again after a restart although a recorded step is not asked for any more", async () => {
    let first = true;
    const changed = workflow({
      name: "changed",
      run: async (context) => {
        if (first) await context.step("gone", () => 1);
        await context.waitFor("go");
        context.emit({ type: "news.told" });
        return context.clock.now();
      },
    });
    const run = await runs.start(changed, null);
    await until(run, "signal.awaited");
    first = false;
    await restart();
    runs.register(changed);
    const again = await runs.resume(run.id);
    await run.signal("go");
    expect(await again.result()).toBeGreaterThan(Date.now() - 60_000);
    expect((await events(run)).map((event) => event.type)).toContain("news.told");
  });

  it("gives its starter the same result as a later reader", async () => {
    const dated = workflow({ name: "dated", run: async () => ({ at: new Date(0), nothing: undefined }) });
    const run = await runs.start(dated, null);
    expect(await run.result()).toEqual(await (await runs.open(run.id)).result());
  });

  it("leaves no gap and no run behind when runs with parallel branches are cancelled at any moment", async () => {
    const branches = workflow({
      name: "branches",
      run: async (context) => {
        const branch = async (name: string): Promise<void> => {
          for (let n = 0; n < 50; n++) await context.step(name, () => n);
        };
        await Promise.all(["a", "b", "c"].map(branch));
      },
    });
    for (let n = 0; n < 30; n++) {
      const run = await runs.start(branches, null);
      for await (const event of run.events()) if (event.seq > n * 3) break;
      const { status } = await run.cancel();
      const log = await events(run);
      expect(log.map((event) => event.seq)).toEqual(log.map((_, index) => index + 1));
      const ends = log
        .filter((event) => ["run.completed", "run.cancelled"].includes(event.type))
        .map(({ type }) => type);
      expect([ends, log.at(-1)?.type]).toEqual([[`run.${status}`], `run.${status}`]);
    }
  });

  it("gives two waits for one name a signal each", async () => {
    const twice = workflow({
      name: "twice",
      run: async (context) => await Promise.all([context.waitFor("go"), context.waitFor("go")]),
    });
    const run = await runs.start(twice, null);
    for (const payload of [1, 2]) await run.signal("go", payload);
    expect(new Set((await run.result()) as number[])).toEqual(new Set([1, 2]));
  });

  it("takes a signal once, also over a restart", async () => {
    const asking = workflow({
      name: "asking-twice",
      run: async (context) => {
        const first = await context.waitFor("go");
        await context.waitFor("pause");
        return [first, await context.waitFor("go", { timeoutMs: 1 }).catch((error: { code: string }) => error.code)];
      },
    });
    const run = await runs.start(asking, null);
    await run.signal("go", "once");
    for await (const event of run.events()) if (event.key === "signal:pause") break;
    await restart();
    runs.register(asking);
    const again = await runs.resume(run.id);
    await run.signal("pause");
    expect(await again.result()).toEqual(["once", "timed_out"]);
  });

  it("does not emit again at each restart what the log holds", async () => {
    const asking = workflow({
      name: "asking",
      run: async (context) => {
        await context.step("before", () => context.emit({ type: "inside.said" }));
        context.emit({ type: "please.approve" });
        await context.waitFor("go");
        context.emit({ type: "thanks.said" });
      },
    });
    const run = await runs.start(asking, null);
    await until(run, "signal.awaited");
    for (let n = 0; n < 3; n++) {
      await restart();
      runs.register(asking);
      await runs.recover();
    }
    await run.signal("go");
    const again = await runs.open(run.id);
    await again.result();
    const said = (await events(again)).map(({ type }) => type).filter((type) => !type.startsWith("run."));
    expect(said).toEqual([
      "inside.said",
      "step.completed",
      "please.approve",
      "signal.awaited",
      "signal.received",
      "thanks.said",
    ]);
  });

  it("takes up the children of a parent that has ended, and does not delete those that an unfinished parent needs", async () => {
    const child = workflow({ name: "child", run: async (context) => await context.waitFor("go") });
    const leaving = workflow({
      name: "leaving",
      run: async (context) => {
        void context.call(child, null).catch(() => {});
        await context.step(
          "pause",
          async () => await until(await runs.open(context.runId), "call.started").then(() => 1),
        );
        return "gone";
      },
    });
    await (await runs.start(leaving, null)).result();
    await restart();
    for (const each of [child, leaving]) runs.register(each);
    const recovered = await runs.recover();
    expect((await Promise.all(recovered.map((run) => run.record()))).map((run) => run.workflow)).toEqual(["child"]);
  });

  it("records a result that is too large as a failed step, so that it is not done again", async () => {
    let done = 0;
    const large = workflow({
      name: "large",
      run: async (context) => {
        const code = await context
          .step("make", () => {
            done++;
            return "x".repeat(17 * 1024 * 1024);
          })
          .catch((error: { code: string }) => error.code);
        await context.waitFor("go");
        return code;
      },
    });
    const run = await runs.start(large, null);
    await until(run, "signal.awaited");
    await restart();
    runs.register(large);
    const again = await runs.resume(run.id);
    await run.signal("go");
    expect([await again.result(), done]).toEqual(["step_not_json", 1]);
  });

  it("ends what calls itself without an end", async () => {
    let calls = 0;
    const endless = workflow({
      name: "endless",
      run: async (context): Promise<unknown> => {
        calls++;
        return await context.call(workflows.endless, null);
      },
    });
    const workflows: { readonly endless: typeof endless } = { endless };
    await expect((await runs.start(endless, null)).result()).rejects.toMatchObject({ code: "run_too_deep" });
    expect(calls).toBe(101);
  });

  it("refuses results that JSON would lose without a word", async () => {
    for (const [name, value] of Object.entries({
      map: new Map([[1, 2]]),
      nan: { n: Number.NaN },
      made: { call: () => 1 },
      bytes: Buffer.from("x"),
    })) {
      const lossy = workflow({
        name: `lossy-${name}`,
        run: async (context) => await context.step("make", () => value),
      });
      await expect((await runs.start(lossy, null)).result()).rejects.toMatchObject({ code: "step_not_json" });
    }
  });
});

it("who resumes a run that is just being taken up, or ends just then, has it go on or learns that it has ended", async () => {
  let isHeld = true;
  const flow = workflow({
    name: "flow",
    run: async (context) => {
      await context.step("first", () => 1);
      if (isHeld) await context.waitFor("go");
    },
  });
  for (let turns = 0; turns < 20; turns++) {
    isHeld = true;
    const run = await runs.start(flow, null);
    await until(run, "signal.awaited");
    await restart({ worker: false });
    isHeld = false;
    runs.register(flow);
    const again = await runs.open(run.id);
    const recovering = runs.recover();
    // Each time at another moment of the run that is taken up, and ends at once.
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    const told = await again.resume().then(
      () => "goes on",
      (error: unknown) => (error as AtlasError).code,
    );
    expect(["goes on", "run_finished"]).toContain(told);
    await recovering;
    await again.result();
  }
});
