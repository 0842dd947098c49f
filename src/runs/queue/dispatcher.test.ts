import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { database, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import { workflow } from "../index.ts";
import type { AnyWorkflow, PlannedRun, RunContext } from "../index.ts";

useEngine();

/** Counts how many of each name are inside at once, and the most there ever were. */
function createCensus() {
  const inside = new Map<string, number>();
  const most = new Map<string, number>();
  const change = (names: readonly string[], by: 1 | -1): void => {
    for (const name of names) {
      const count = (inside.get(name) ?? 0) + by;
      inside.set(name, count);
      most.set(name, Math.max(count, most.get(name) ?? 0));
    }
  };
  return {
    async visit(names: readonly string[]): Promise<void> {
      change(names, 1);
      await setImmediate();
      change(names, -1);
    },
    most: (name: string) => most.get(name) ?? 0,
  };
}

function planned(flow: AnyWorkflow, input: unknown, options: PlannedRun["options"]): PlannedRun {
  return { workflow: flow, input, options: options ?? {} };
}

/** Gives a promise with its key, for bodies that wait until the test lets them go on. */
function createDoor() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

describe("a worker", () => {
  it("runs a thousand queued runs of three queues to their end, within all limits", { timeout: 60_000 }, async () => {
    const census = createCensus();
    const body = (name: string) => async (context: RunContext, input: { queue: string }) => {
      const names = [input.queue, `${input.queue}/${context.tenant ?? ""}`, name];
      await context.step("visit", () => census.visit(names));
      return input.queue;
    };
    const quick = workflow({ name: "quick", run: body("quick") });
    const slow = workflow({ name: "slow", concurrency: 3, run: body("slow") });
    await runs.queues.limit("a", { concurrency: 5 });
    await runs.queues.limit("b", { perTenant: 2, tenants: { ada: 1 } });
    const queues = ["a", "b", "c"];
    const handles = await runs.startMany(
      Array.from({ length: 1_000 }, (_, index) => {
        const queue = queues[index % 3] ?? "a";
        const tenant = ["ada", "bob", "eve"][index % 7] ?? "zoe";
        return planned(index % 2 === 0 ? quick : slow, { queue }, { queue, tenant, priority: index % 5 });
      }),
    );
    const results = await Promise.all(handles.map((handle) => handle.result()));
    expect(results.filter((result) => typeof result === "string")).toHaveLength(1_000);
    expect(census.most("a")).toBeLessThanOrEqual(5);
    expect(census.most("b/ada")).toBe(1);
    for (const tenant of ["bob", "eve", "zoe"]) expect(census.most(`b/${tenant}`)).toBeLessThanOrEqual(2);
    expect(census.most("slow")).toBeLessThanOrEqual(3);
    expect(census.most("c")).toBeGreaterThan(3);
    const left = await database.read({ sql: "SELECT id FROM run WHERE owner IS NOT NULL" });
    expect(left).toEqual([]);
  });

  it("takes higher priorities first, then those who came first", async () => {
    await restart({ worker: { maxRuns: 1 } });
    const order: number[] = [];
    const door = createDoor();
    const flow = workflow({
      name: "flow",
      run: async (_: RunContext, input: number) => {
        order.push(input);
        await door.opened;
        return null;
      },
    });
    const first = await runs.start(flow, 0, { queue: "work" });
    while (order.length === 0) await setImmediate();
    const rest = await runs.startMany([
      planned(flow, 3, { queue: "work", priority: 0 }),
      planned(flow, 1, { queue: "work", priority: 2 }),
      planned(flow, 4, { queue: "work", priority: 0 }),
      planned(flow, 2, { queue: "work", priority: 1 }),
    ]);
    door.open();
    await Promise.all([first, ...rest].map((handle) => handle.result()));
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it("gives the place of a run that waits to another", async () => {
    await restart({ worker: { maxRuns: 1 } });
    const waits = workflow({ name: "waits", run: async (context) => await context.waitFor("go") });
    const quick = workflow({ name: "quick", run: () => Promise.resolve("done") });
    const waiting = await runs.start(waits, null, { queue: "work" });
    const other = await runs.start(quick, null, { queue: "work" });
    expect(await other.result()).toBe("done");
    await waiting.signal("go", "went");
    expect(await waiting.result()).toBe("went");
    expect(await (await runs.start(quick, null, { queue: "work" })).result()).toBe("done");
  });

  it("frees the limit of a queue while a run of it waits", async () => {
    await runs.queues.limit("work", { concurrency: 1 });
    const waits = workflow({ name: "waits", run: async (context) => await context.waitFor("go") });
    const quick = workflow({ name: "quick", run: () => Promise.resolve("done") });
    const waiting = await runs.start(waits, null, { queue: "work" });
    expect(await (await runs.start(quick, null, { queue: "work" })).result()).toBe("done");
    await waiting.signal("go", "went");
    expect(await waiting.result()).toBe("went");
  });

  it("takes nothing from a queue that is paused, and goes on when it is resumed", async () => {
    const begun: string[] = [];
    const flow = workflow({ name: "flow", run: (_: RunContext, input: string) => Promise.resolve(begun.push(input)) });
    await runs.queues.pause("held");
    const held = await runs.start(flow, "held", { queue: "held" });
    await (await runs.start(flow, "free", { queue: "free" })).result();
    await (await runs.start(flow, "free again", { queue: "free" })).result();
    expect(begun).toEqual(["free", "free again"]);
    await runs.queues.resume("held");
    await held.result();
    expect(begun).toEqual(["free", "free again", "held"]);
  });

  it("takes only from the queues that it is for", async () => {
    await restart({ worker: { queues: ["mine"] } });
    const flow = workflow({ name: "flow", run: () => Promise.resolve("done") });
    const others = await runs.start(flow, null, { queue: "others" });
    expect(await (await runs.start(flow, null, { queue: "mine" })).result()).toBe("done");
    expect((await others.record()).status).toBe("queued");
    await restart();
    runs.register(flow);
    expect(await (await runs.open(others.id)).result()).toBe("done");
  });

  it("begins a run when its time has come", async () => {
    const flow = workflow({ name: "flow", run: () => Promise.resolve(Date.now()) });
    const at = Date.now() + 300;
    const run = await runs.start(flow, null, { queue: "work", startAt: at });
    expect((await run.record()).status).toBe("queued");
    expect(await run.result()).toBeGreaterThanOrEqual(at);
  });

  it("gives the result of a queued run as soon as it has ended", { timeout: 10_000 }, async () => {
    const flow = workflow({ name: "flow", run: (_: RunContext, input: number) => Promise.resolve(input) });
    for (let index = 0; index < 20; index++) {
      expect(await (await runs.start(flow, index, { queue: "work" })).result()).toBe(index);
    }
  });

  it("passes by runs of a version that its program does not accept, and leaves them to others", async () => {
    const run = (_: RunContext, input: number) => Promise.resolve(input);
    await restart({ worker: false });
    const old = workflow({ name: "flow", version: "1", run });
    const left = await runs.startMany(
      Array.from({ length: 100 }, (_, index) => planned(old, index, { queue: "work" })),
    );
    await restart();
    const young = workflow({ name: "flow", version: "2", run });
    expect(await (await runs.start(young, 7, { queue: "work" })).result()).toBe(7);
    expect(await Promise.all(left.map(async ({ id }) => (await (await runs.open(id)).record()).status))).toEqual(
      left.map(() => "queued"),
    );
    await restart();
    runs.register(old);
    for (const { id } of left) await (await runs.open(id)).result();
  });

  it("that is drained has begun nothing that it does not end", { timeout: 30_000 }, async () => {
    const flow = workflow({
      name: "flow",
      run: async (context) => {
        for (let step = 0; step < 3; step++) await context.step("step", () => setImmediate());
      },
    });
    for (let turns = 0; turns < 24; turns++) {
      await runs.startMany(Array.from({ length: 40 }, () => planned(flow, null, { queue: "q" })));
      // Each time at another moment of claiming and beginning.
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      await runs.workers.drain(10_000);
      const states = new Set((await runs.list({ limit: 1_000 })).map(({ status }) => status));
      expect(states.difference(new Set(["completed", "queued"]))).toEqual(new Set());
      await restart();
      runs.register(flow);
    }
  });

  it("leaves nothing claimed when it is closed", async () => {
    await restart({ worker: { maxRuns: 2 } });
    const flow = workflow({ name: "flow", run: async (context) => await context.waitFor("never") });
    const slow = workflow({
      name: "slow",
      run: async (context) => {
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve, { once: true }));
        context.signal.throwIfAborted();
        return null;
      },
    });
    await runs.startMany(
      Array.from({ length: 20 }, (_, index) => planned(index < 3 ? flow : slow, null, { queue: "work" })),
    );
    while ((await runs.queues.show("work")).running < 2) await setImmediate();
    await restart({ worker: false });
    const left = await database.read({ sql: "SELECT id FROM run WHERE owner IS NOT NULL" });
    expect(left).toEqual([]);
    expect(await runs.queues.purge("work")).toBeGreaterThan(0);
  });
});
