import { describe, expect, it } from "vitest";
import { z } from "zod";
import { events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import { workflow } from "./index.ts";
import type { RunContext } from "./index.ts";

useEngine();

/** Makes a function whose steps tell what they did, and under which keys. */
function telling() {
  const done: string[] = [];
  const keys: string[] = [];
  let last = "fail";
  const flow = workflow({
    name: "telling",
    input: z.string(),
    run: async (context: RunContext, input) => {
      const drawn = context.random.next();
      const same = (await context.step("chance", () => drawn)) === drawn;
      for (const name of ["one", "two"]) {
        await context.step(name, ({ idempotencyKey }) => {
          done.push(`${input}:${name}`);
          keys.push(idempotencyKey);
        });
      }
      await context.sleep(1);
      if ((await context.waitFor("go")) === "fail") throw new Error("no luck");
      return [input, same, last];
    },
  });
  return { flow, done, keys, set: (text: string) => (last = text) };
}

describe("a fork", () => {
  it("goes on from a failed run with what it had recorded, waits anew, and leaves the run as it was", async () => {
    const { flow, done, keys, set } = telling();
    const run = await runs.start(flow, "book", { tags: { of: "test" } });
    await run.signal("go", "fail");
    await expect(run.result()).rejects.toThrow("no luck");
    const log = await events(run);
    const received = log.find(({ type }) => type === "signal.received");
    set("late");
    const fork = await run.fork({ at: (received?.seq ?? 0) - 1 });
    await until(fork, "run.forked");
    expect(await fork.record()).toMatchObject({ originId: run.id, tags: { of: "test" }, input: "book" });
    await fork.signal("go", "well");
    expect(await fork.result()).toEqual(["book", true, "late"]);
    expect(done).toEqual(["book:one", "book:two"]);
    expect(keys.every((key) => key.startsWith(`${run.id}:`))).toBe(true);
    const forked = await events(fork);
    expect(forked.map(({ seq }) => seq)).toEqual(forked.map((_, index) => index + 1));
    expect(forked.filter(({ type }) => type === "signal.awaited")).toHaveLength(2);
    expect(await events(run)).toEqual(log);
  });

  it("forks again, and from a point in the middle does what came after it under its own keys", async () => {
    const { flow, done, keys } = telling();
    const run = await runs.start(flow, "pen");
    const one = await until(run, "step.completed");
    await until(run, "signal.awaited");
    const first = await run.fork({ at: one.seq + 1 });
    await until(first, "signal.awaited");
    const second = await first.fork();
    await second.signal("go", 1);
    expect(await second.result()).toEqual(["pen", true, "fail"]);
    expect(done).toEqual(["pen:one", "pen:two", "pen:two"]);
    expect(keys.at(-1)).toBe(`${first.id}:two`);
    for (const each of [run, first]) await each.cancel();
    const third = await run.fork();
    await third.signal("go", 1);
    expect(await third.result()).toEqual(["pen", true, "fail"]);
    expect(done).toHaveLength(3);
  });

  it("with another input begins from the start, and refuses one that does not fit", async () => {
    const { flow, done } = telling();
    const run = await runs.start(flow, "cup");
    await until(run, "signal.awaited");
    const fork = await run.fork({ input: "mug", tags: { n: 1 } });
    await fork.signal("go", 1);
    expect(await fork.result()).toEqual(["mug", true, "fail"]);
    expect(done).toContain("mug:one");
    await expect(run.fork({ input: 5 })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it("refuses a place that the log does not have, and survives a restart", async () => {
    const { flow, done } = telling();
    const run = await runs.start(flow, "hat");
    await until(run, "signal.awaited");
    for (const at of [0, 99, 1.5])
      await expect(run.fork({ at })).rejects.toMatchObject({ code: "checkpoint_unknown", details: { at } });
    const fork = await run.fork();
    await until(fork, "run.resumed");
    await restart();
    runs.register(flow);
    await runs.recover();
    const again = await runs.open(fork.id);
    await again.signal("go", 1);
    expect(await again.result()).toEqual(["hat", true, "fail"]);
    expect(done).toEqual(["hat:one", "hat:two"]);
  });

  it("copies a long log in parts, and begins at its last checkpoint before the place", async () => {
    const seen: unknown[] = [];
    const long = workflow({
      name: "long",
      run: async (context) => {
        seen.push(context.restored);
        for (let n = Number(context.restored ?? 0); n < 3; n++) {
          for (let m = 0; m < 1_000; m++) context.emit({ type: "said", data: m });
          await context.step("count", () => n);
          await context.checkpoint(n + 1);
        }
        await context.waitFor("go");
        return seen.length;
      },
    });
    const run = await runs.start(long, null);
    await until(run, "signal.awaited");
    const log = await Array.fromAsync(run.events({ live: false }));
    const second = log.filter(({ type }) => type === "run.checkpointed")[1];
    const fork = await run.fork({ at: (second?.seq ?? 0) + 500 });
    await fork.signal("go");
    expect(await fork.result()).toBe(2);
    expect(seen).toEqual([undefined, 2]);
    expect((await events(fork)).filter(({ type }) => type === "said")).toHaveLength(3_000);
  });

  it("is in the attempt that the run was in where it begins", async () => {
    const seen: number[] = [];
    const flow = workflow({
      name: "tries",
      run: async (context) => {
        await context.step("first", () => 1);
        await context.step("second", () => {
          if (context.attempt === 1) throw new Error("not yet");
        });
        seen.push(context.attempt);
        return context.attempt;
      },
    });
    const run = await runs.start(flow, null, { queue: "q", retry: { attempts: 2, minDelayMs: 0 } });
    expect(await run.result()).toBe(2);
    const late = await run.fork();
    expect([await late.result(), (await late.record()).attempt]).toEqual([2, 2]);
    const first = (await events(run)).find(({ key }) => key === "first")?.seq ?? 0;
    const early = await run.fork({ at: first });
    await early.result().catch(() => {});
    expect((await early.record()).attempt).toBe(1);
  });
});
