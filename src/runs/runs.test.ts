import { describe, expect, it } from "vitest";
import { z } from "zod";
import { baseErrors } from "../base/index.ts";
import { createRuns, workflow } from "./index.ts";
import { database, events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";

useEngine();

describe("a run", () => {
  it("records its steps in one log without gaps and gives its result", async () => {
    const add = workflow({
      name: "add",
      input: z.object({ a: z.number(), b: z.number() }),
      run: async (context, { a, b }) => {
        const sum = await context.step("sum", () => a + b);
        context.emit({ type: "sum.made", data: { sum } });
        return await context.step("double", () => sum * 2);
      },
    });
    const run = await runs.start(add, { a: 2, b: 3 }, { tags: { of: "test" } });
    expect(await run.result()).toBe(10);
    const log = await events(run);
    expect(log.map((event) => event.type)).toEqual([
      "run.started",
      "step.completed",
      "sum.made",
      "step.completed",
      "run.completed",
    ]);
    expect(log.map((event) => event.seq)).toEqual([1, 2, 3, 4, 5]);
    expect(await run.record()).toMatchObject({
      status: "completed",
      output: 10,
      interrupted: false,
      tags: { of: "test" },
    });
  });

  it("refuses an input that does not fit the schema before it accepts the run", async () => {
    const strict = workflow({ name: "strict", input: z.string(), run: async () => null });
    await expect(runs.start(strict, 5 as unknown as string)).rejects.toMatchObject({ code: "invalid_input" });
    expect(await runs.list()).toEqual([]);
  });

  it("gives steps the same value at once and after a restart", async () => {
    const seen: unknown[] = [];
    const dated = workflow({
      name: "dated",
      run: async (context) => {
        seen.push(await context.step("date", () => ({ at: new Date(0), gone: undefined })));
        seen.push(await context.step("nothing", () => undefined));
        await context.waitFor("go");
        return null;
      },
    });
    const run = await runs.start(dated, null);
    await until(run, "signal.awaited");
    await restart();
    runs.register(dated);
    const again = await runs.resume(run.id);
    await run.signal("go");
    await again.result();
    expect(seen).toEqual([
      { at: "1970-01-01T00:00:00.000Z" },
      undefined,
      { at: "1970-01-01T00:00:00.000Z" },
      undefined,
    ]);
  });

  it("fails with the error of its function and keeps its code", async () => {
    const failing = workflow({
      name: "failing",
      run: async (context) =>
        await context.step("fail", () => Promise.reject(baseErrors.create("timed_out", "Too slow."))),
    });
    const run = await runs.start(failing, null);
    await expect(run.result()).rejects.toMatchObject({ code: "timed_out", message: "Too slow." });
    expect((await run.record()).error?.code).toBe("timed_out");
    const opened = await runs.open(run.id);
    await expect(opened.result()).rejects.toMatchObject({ code: "timed_out" });
  });

  it("refuses a step whose result is no plain data", async () => {
    const wrong = workflow({ name: "wrong", run: async (context) => await context.step("big", () => 1n) });
    const run = await runs.start(wrong, null);
    await expect(run.result()).rejects.toMatchObject({ code: "step_not_json" });
  });

  it("tells parallel steps of one name apart by the order in which they are asked for", async () => {
    const parallel = workflow({
      name: "parallel",
      run: async (context) => await Promise.all([1, 2, 3].map((n) => context.step("n", async () => n * 10))),
    });
    const run = await runs.start(parallel, null);
    expect(await run.result()).toEqual([10, 20, 30]);
    const keys = (await events(run)).flatMap((event) => event.key ?? []);
    expect(keys.toSorted()).toEqual(["n", "n#2", "n#3"]);
  });
});

describe("after a restart", () => {
  it("goes on where it was and does no recorded step again", async () => {
    const done: string[] = [];
    const long = workflow({
      name: "long",
      run: async (context) => {
        for (const name of ["one", "two"]) await context.step(name, () => void done.push(name));
        await context.waitFor("go");
        await context.step("three", () => void done.push("three"));
        return { random: context.random.next() };
      },
    });
    const run = await runs.start(long, null);
    await until(run, "signal.awaited");
    await restart();
    expect(await (await runs.open(run.id)).record()).toMatchObject({ status: "waiting", interrupted: true });
    expect((await runs.list({ status: "interrupted" })).map((each) => each.id)).toEqual([run.id]);
    runs.register(long);
    const [recovered] = await runs.recover();
    expect(recovered?.id).toBe(run.id);
    await run.signal("go", { from: "test" });
    await recovered?.result();
    expect(done).toEqual(["one", "two", "three"]);
    const types = (await events(run)).map((event) => event.type);
    expect(types.filter((type) => type === "run.resumed")).toHaveLength(1);
    expect(types.at(-1)).toBe("run.completed");
  });

  it("starts from the last checkpoint and forgets the steps before it", async () => {
    const loaded: unknown[] = [];
    const counting = workflow({
      name: "counting",
      run: async (context) => {
        loaded.push(context.restored);
        let count = Number(context.restored ?? 0);
        for (; count < 3; count++) {
          await context.step("count", () => count);
          await context.checkpoint(count + 1);
        }
        await context.waitFor("go");
        return count;
      },
    });
    const run = await runs.start(counting, null);
    await until(run, "signal.awaited");
    await restart();
    runs.register(counting);
    const again = await runs.resume(run.id);
    await run.signal("go");
    expect(await again.result()).toBe(3);
    expect(loaded).toEqual([undefined, 3]);
  });

  it("waits for the rest of a sleep, not for the whole of it again", async () => {
    const sleeper = workflow({
      name: "sleeper",
      run: async (context) => {
        await context.sleep(60_000);
        return "awake";
      },
    });
    const run = await runs.start(sleeper, null);
    await until(run, "timer.started");
    const later = Date.now() + 60_000;
    const clock = {
      now: () => later,
      monotonic: () => performance.now(),
      sleep: async (ms: number) => expect(ms).toBeLessThan(1_000),
    };
    await restart({ clock });
    runs.register(sleeper);
    expect(await (await runs.resume(run.id)).result()).toBe("awake");
  });

  it("gives the unfinished run of a key instead of a second one, and takes it up", async () => {
    const keyed = workflow({
      name: "keyed",
      run: async (context, input: number) => {
        await context.waitFor("go");
        return input;
      },
    });
    const first = await runs.start(keyed, 1, { key: "k" });
    const second = await runs.start(keyed, 2, { key: "k" });
    expect([second.id, first.isNew, second.isNew]).toEqual([first.id, true, false]);
    await restart();
    const third = await runs.start(keyed, 3, { key: "k" });
    expect(third.id).toBe(first.id);
    await third.signal("go");
    expect(await third.result()).toBe(1);
    expect((await runs.start(keyed, 4, { key: "k" })).isNew).toBe(true);
  });

  it("says which workflow it does not know", async () => {
    const gone = workflow({ name: "gone", run: async (context) => await context.waitFor("go") });
    const run = await runs.start(gone, null);
    await until(run, "signal.awaited");
    await restart();
    await expect(runs.resume(run.id)).rejects.toMatchObject({
      code: "workflow_unknown",
      details: { workflow: "gone" },
    });
    expect(await runs.recover()).toEqual([]);
  });
});

describe("a cancel", () => {
  const waiting = workflow({
    name: "waiting",
    run: async (context) =>
      await context.step(
        "wait",
        ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      ),
  });

  it("reaches the step that runs and ends the run once", async () => {
    const run = await runs.start(waiting, null);
    expect(await run.cancel("enough")).toMatchObject({
      status: "cancelled",
      error: { code: "run_cancelled", details: { reason: "enough" } },
    });
    await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
    expect((await events(run)).map((event) => event.type)).toEqual([
      "run.started",
      "run.cancel_asked",
      "run.cancelled",
    ]);
    expect(await run.cancel("again")).toMatchObject({ status: "cancelled", error: { details: { reason: "enough" } } });
  });

  it("follows the signal of the one who started the run", async () => {
    const controller = new AbortController();
    const run = await runs.start(waiting, null, { signal: controller.signal });
    controller.abort();
    await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
  });

  it("flows down to child runs", async () => {
    const parent = workflow({ name: "parent", run: async (context) => await context.call(waiting, null) });
    const run = await runs.start(parent, null);
    await until(run, "call.started");
    await run.cancel();
    const records = await runs.list();
    expect(new Map(records.map(({ workflow: name, status }) => [name, status]))).toEqual(
      new Map([
        ["parent", "cancelled"],
        ["waiting", "cancelled"],
      ]),
    );
  });

  it("ends a run that nobody executes", async () => {
    const run = await runs.start(waiting, null);
    await restart();
    expect(await (await runs.open(run.id)).cancel()).toMatchObject({ status: "cancelled" });
    expect((await runs.list({ status: "cancelled" })).length).toBe(1);
  });

  it("keeps the result of a step that ended while the cancel was on its way", async () => {
    const slow = workflow({
      name: "slow",
      run: async (context) => {
        await context.step("effect", async () => {
          await database.write([
            { sql: "UPDATE run SET control = 'late' WHERE id = ?", params: [context.runId] },
            {
              sql: "INSERT INTO run_event SELECT id, 2, 'run.cancel_asked', NULL, 0, '{}' FROM run WHERE id = ?",
              params: [context.runId],
            },
          ]);
          return "done";
        });
      },
    });
    const run = await runs.start(slow, null);
    await expect(run.result()).rejects.toMatchObject({ code: "run_cancelled" });
    const log = await events(run);
    expect(log.map(({ seq, type }) => [seq, type])).toEqual([
      [1, "run.started"],
      [2, "run.cancel_asked"],
      [3, "step.completed"],
      [4, "run.cancelled"],
    ]);
  });
});

describe("child runs", () => {
  const child = workflow({
    name: "child",
    run: async (context, input: number) => {
      await context.waitFor("go");
      return await context.step("twice", () => input * 2);
    },
  });
  const parent = workflow({
    name: "parent",
    run: async (context, input: number) => (await context.call(child, input)) + 1,
  });

  it("are taken up with their parent and started once", async () => {
    const run = await runs.start(parent, 20);
    const started = await until(run, "call.started");
    const childId = (started.data as { runId: string }).runId;
    await restart();
    runs.register(parent);
    runs.register(child);
    const recovered = await runs.recover();
    expect(recovered.map((each) => each.id)).toEqual([run.id]);
    await (await runs.open(childId)).signal("go");
    expect(await recovered[0]?.result()).toBe(41);
    expect((await runs.list({ workflow: "child" })).map((each) => [each.id, each.parentId])).toEqual([
      [childId, run.id],
    ]);
  });

  it("hand their failure to their parent", async () => {
    const broken = workflow({ name: "broken", run: async (): Promise<null> => Promise.reject(new Error("no luck")) });
    const careful = workflow({
      name: "careful",
      run: async (context) => await context.call(broken, null).catch((error: Error) => error.message),
    });
    expect(await (await runs.start(careful, null)).result()).toBe("no luck");
  });
});

describe("signals", () => {
  it("wait for the run that waits for them, in their order", async () => {
    const taking = workflow({
      name: "taking",
      run: async (context) => {
        await context.waitFor("begin");
        return [await context.waitFor("letter"), await context.waitFor("letter")];
      },
    });
    const run = await runs.start(taking, null);
    await run.signal("letter", "a");
    await run.signal("letter", "b");
    await run.signal("begin");
    expect(await run.result()).toEqual(["a", "b"]);
    await expect(run.signal("letter")).rejects.toMatchObject({ code: "run_finished" });
    await expect(runs.open("run_none")).rejects.toMatchObject({ code: "run_not_found" });
  });

  it("are checked against the schema, and missed ones time out", async () => {
    const checked = workflow({
      name: "checked",
      run: async (context) => await context.waitFor("n", { schema: z.number() }),
    });
    const run = await runs.start(checked, null);
    await run.signal("n", "text");
    await run.signal("n", 7);
    expect(await run.result()).toBe(7);
    expect((await until(run, "signal.refused")).data).toMatchObject({ name: "n", issues: [{ path: "" }] });
    const late = workflow({ name: "late", run: async (context) => await context.waitFor("never", { timeoutMs: 5 }) });
    await expect((await runs.start(late, null)).result()).rejects.toMatchObject({ code: "timed_out" });
  });
});

describe("following", () => {
  it("gives every event once from any offset, live, to many followers", async () => {
    const chatty = workflow({
      name: "chatty",
      run: async (context) => {
        for (let n = 0; n < 700; n++) {
          context.emit({ type: "word.said", data: n });
          if (n % 100 === 0) await context.step("pause", () => n);
        }
      },
    });
    const run = await runs.start(chatty, null);
    const logs = await Promise.all([0, 0, 350, 701].map((after) => events(run, after)));
    for (const [index, after] of [0, 0, 350, 701].entries()) {
      expect(logs[index]?.map((event) => event.seq)).toEqual(
        Array.from({ length: 709 - after }, (_, n) => after + n + 1),
      );
    }
  });

  it("shows transient events to live followers and keeps them out of the log", async () => {
    const typing = workflow({
      name: "typing",
      run: async (context) => {
        await context.waitFor("go");
        context.emit({ type: "text.delta", data: { text: "hel" }, transient: true });
        context.emit({ type: "text.delta", data: { text: "lo" }, transient: true });
        await context.step("say", () => "hello");
      },
    });
    const run = await runs.start(typing, null);
    const live = events(run);
    await until(run, "signal.awaited");
    await run.signal("go");
    const texts = (await live).filter((event) => event.transient).map((event) => (event.data as { text: string }).text);
    expect(texts.join("")).toBe("hello");
    expect((await events(run)).some((event) => event.transient)).toBe(false);
  });

  it("ends at once when asked for what there is", async () => {
    const idle = workflow({ name: "idle", run: async (context) => await context.waitFor("go") });
    const run = await runs.start(idle, null);
    await until(run, "signal.awaited");
    const log = await Array.fromAsync(run.events({ live: false }));
    expect(log.map((event) => event.type)).toEqual(["run.started", "signal.awaited"]);
  });
});

describe("the engine", () => {
  it("refuses two workflows of one name, an unknown run, and work after its end", async () => {
    const one = workflow({ name: "same", run: async () => 1 });
    runs.register(one);
    expect(() => runs.register(workflow({ name: "same", run: async () => 2 }))).toThrow(
      expect.objectContaining({ code: "workflow_duplicate" }),
    );
    await expect(runs.open("run_none")).rejects.toMatchObject({ code: "run_not_found" });
    const run = await runs.start(one, null);
    await run.result();
    await expect(runs.resume(run.id)).rejects.toMatchObject({ code: "run_finished" });
    await runs[Symbol.asyncDispose]();
    await expect(runs.start(one, null)).rejects.toMatchObject({ code: "run_interrupted" });
  });

  it("keeps two engines on one database apart", async () => {
    const other = await createRuns({ database });
    const waiting = workflow({ name: "waiting", run: async (context) => await context.waitFor("go") });
    const run = await runs.start(waiting, null);
    other.register(waiting);
    await expect(other.resume(run.id)).rejects.toMatchObject({ code: "run_owned" });
    expect(await other.recover()).toEqual([]);
    await other[Symbol.asyncDispose]();
    await run.signal("go", 7);
    expect(await run.result()).toBe(7);
  });

  it("deletes finished runs beyond the retention and keeps unfinished ones", async () => {
    const quick = workflow({ name: "quick", run: async (_, n: number) => n });
    const stuck = workflow({ name: "stuck", run: async (context) => await context.waitFor("go") });
    await runs.start(stuck, null);
    for (let n = 0; n < 5; n++) await (await runs.start(quick, n)).result();
    await restart({ retention: { maxRuns: 2 } });
    expect(await runs.prune()).toBe(3);
    expect((await runs.list()).map((run) => run.workflow).toSorted()).toEqual(["quick", "quick", "stuck"]);
    expect((await runs.list({ limit: 1 })).length).toBe(1);
    const [newest] = await runs.list();
    expect((await runs.list({ before: newest?.id ?? "" })).length).toBe(2);
  });
});

it("says that a run was interrupted when its result is asked for after the end of the engine", async () => {
  const stuck = workflow({ name: "stuck", run: async (context) => await context.waitFor("go") });
  const run = await runs.start(stuck, null);
  const before = run.result();
  before.catch(() => {});
  await runs[Symbol.asyncDispose]();
  await expect(before).rejects.toMatchObject({ code: "run_interrupted" });
  await expect(run.result()).rejects.toMatchObject({ code: "run_interrupted" });
});
