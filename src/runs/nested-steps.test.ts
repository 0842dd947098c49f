import { describe, expect, it } from "vitest";
import { events, restart, runs, until, useEngine } from "../../test/lib/engine.ts";
import type { RunContext } from "./index.ts";
import { workflow } from "./index.ts";

useEngine();

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

describe("what a step's body asks of its run", () => {
  it("is given out again after a restart, also when branches come to it in another order", async () => {
    const done: string[] = [];
    let isFirst = true;
    const child = workflow({ name: "child", run: (context, input: string) => context.step("c", () => `${input}!`) });
    const branch = async (context: RunContext, name: string, late: boolean): Promise<unknown> => {
      if (late) for (let turn = 0; turn < 50; turn++) await Promise.resolve();
      const note = await context.step("note", ({ idempotencyKey }) => {
        done.push(`${name} ${idempotencyKey.slice(27)}`);
        return name;
      });
      await context.sleep(1);
      return [note, await context.call(child, name), await context.waitFor("go")];
    };
    const flow = workflow({
      name: "flow",
      run: async (context) => {
        const order = isFirst;
        isFirst = false;
        const both = await Promise.all([
          context.step("left", () => branch(context, "left", order)),
          context.step("right", () => branch(context, "right", !order)),
        ]);
        return [both, await context.step("note", () => "outside")];
      },
    });
    const run = await runs.start(flow, null);
    let waits = 0;
    for await (const { type } of run.events()) if (type === "signal.awaited" && ++waits === 2) break;
    expect((await run.record()).status).toBe("waiting");
    await restart({ worker: false });
    for (const each of [flow, child]) runs.register(each);
    const again = await runs.resume(run.id);
    await again.signal("go", 1, { expected: true });
    await again.signal("go", 1, { expected: true });
    expect(await again.result()).toEqual([
      [
        ["left", "left!", 1],
        ["right", "right!", 1],
      ],
      "outside",
    ]);
    expect(done.toSorted()).toEqual(["left note#in:left", "right note#in:right"]);
  });

  it("is not taken for what the function asks for by the same name after it", async () => {
    const flow = workflow({
      name: "flow",
      run: async (context) => {
        const within = await context.step("outer", () => context.step("same", () => "within"));
        const after = await context.step("same", () => "after");
        await context.waitFor("go");
        return [within, after];
      },
    });
    const run = await runs.start(flow, null);
    await until(run, "signal.awaited");
    await restart({ worker: false });
    runs.register(flow);
    const again = await runs.resume(run.id);
    await again.signal("go");
    expect(await again.result()).toEqual(["within", "after"]);
  });

  it("is not done again when the step is tried again, but what failed is, also after a restart in between", async () => {
    const done: string[] = [];
    let works = false;
    const flow = workflow({
      name: "flow",
      run: (context) =>
        context.step(
          "outer",
          async () => {
            const caught = await context.step("refused", () => Promise.reject(new Error("no"))).catch(String);
            const [slow] = await Promise.all([
              context.step("slow", async ({ idempotencyKey }) => {
                await context.step("deep", () => void done.push("deep"));
                done.push(idempotencyKey.slice(27));
                return "slow";
              }),
              context.step("flaky", () => {
                done.push("flaky");
                if (!works) throw new Error("not yet");
              }),
            ]);
            await context.step("last", () => void done.push("last"));
            return [caught, slow];
          },
          { retry: { attempts: 10_000, minDelayMs: 20, maxDelayMs: 20 } },
        ),
    });
    const run = await runs.start(flow, null);
    let tries = 0;
    for await (const { type } of run.events()) if (type === "step.retried" && ++tries === 2) break;
    await restart({ worker: false });
    runs.register(flow);
    works = true;
    const again = await runs.resume(run.id);
    expect(await again.result()).toEqual(["AtlasError: no", "slow"]);
    const flaky = done.filter((each) => each === "flaky").length;
    expect(flaky).toBeGreaterThan(2);
    expect(done.filter((each) => each !== "flaky")).toEqual(["deep", "slow#in:outer", "last"]);
    const failures = (await events(again)).filter(({ type }) => type === "step.failed").map(({ key }) => key);
    expect(new Set(failures)).toEqual(new Set(["refused#in:outer", "flaky#in:outer"]));
  });

  it("is begun anew by a retry of the run where it failed, and only there", async () => {
    const done: string[] = [];
    const flow = workflow({
      name: "flow",
      run: (context) =>
        context.step("outer", async () => {
          await context.step("good", () => void done.push("good"));
          return await context.step("bad", () => {
            done.push("bad");
            if (context.attempt === 1) throw new Error("not yet");
            return "done";
          });
        }),
    });
    const run = await runs.start(flow, null, { queue: "q", retry: { attempts: 2, minDelayMs: 0 } });
    expect(await run.result()).toBe("done");
    expect(done).toEqual(["good", "bad", "bad"]);
  });

  it("is held by a pause, ended by a cancel, and shown as waiting when nothing else is under way", async () => {
    const cut: string[] = [];
    const flow = workflow({
      name: "flow",
      run: async (context) => {
        await Promise.all([
          context.step("left", async () => {
            await context.waitFor("one");
            await context.step("next", () => 1);
            await context.waitFor("never");
          }),
          context.step("right", async () => {
            await context.waitFor("two");
            await context.step("hangs", ({ signal }) => never(signal).finally(() => cut.push("hangs")));
          }),
        ]);
      },
    });
    const run = await runs.start(flow, null, { queue: "q" });
    const shown = async (status: string): Promise<void> => {
      while ((await run.record()).status !== status) await new Promise((resolve) => void setImmediate(resolve));
    };
    const logged = async (key: string): Promise<void> => {
      for await (const event of run.events()) if (event.key === key) return;
    };
    await logged("signal:two#in:right");
    await shown("waiting");
    await run.pause();
    await run.signal("one");
    expect((await run.record()).status).toBe("waiting");
    await run.resume();
    await logged("signal:never#in:left");
    await shown("waiting");
    await run.signal("two");
    await logged("signal:two#in:right");
    await shown("running");
    expect((await run.cancel("enough")).status).toBe("cancelled");
    expect(cut).toEqual(["hangs"]);
  });

  it("must come before the body's end, and no checkpoint may be among it", async () => {
    const left = Promise.withResolvers<void>();
    const flow = workflow({
      name: "flow",
      run: async (context) => {
        let late: Promise<unknown> = Promise.resolve();
        await context.step("outer", () => {
          late = left.promise.then(() => context.step("late", () => 1));
        });
        left.resolve();
        const told = await late.catch((error: unknown) => error);
        const refused = await context.step("keep", () => context.checkpoint(1)).catch((error: unknown) => error);
        return [told, refused].map(String);
      },
    });
    expect(await (await runs.start(flow, null)).result()).toEqual([
      expect.stringContaining("The step outer has ended"),
      expect.stringContaining("checkpoint outside of steps"),
    ]);
  });
});
