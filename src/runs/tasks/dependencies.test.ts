import { describe, expect, it } from "vitest";
import { database, events, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import type { PlannedRun, RunHandle } from "../index.ts";
import { workflow } from "../index.ts";

useEngine();

const done = workflow({ name: "done", run: async () => "done" });
const fails = workflow({ name: "fails", run: () => Promise.reject(new Error("no")) });
const waits = workflow({ name: "waits", run: async (context) => await context.waitFor("go") });
const q = { queue: "q" };

async function plan(planned: readonly PlannedRun[]): Promise<RunHandle[]> {
  return [...(await runs.startMany(planned))];
}

async function statusOf(run: RunHandle | undefined): Promise<string> {
  await run?.result().catch(() => {});
  return (await run?.record())?.status ?? "none";
}

describe("a run that depends on others", () => {
  it("is blocked until all of them are completed", async () => {
    const first = await runs.start(waits, null);
    const second = await runs.start(waits, null, q);
    const run = await runs.start(done, null, { ...q, after: { runs: [first.id, second.id] } });
    expect(await run.record()).toMatchObject({ status: "blocked", interrupted: false });
    expect((await runs.list({ status: "blocked" })).map(({ id }) => id)).toEqual([run.id]);
    await first.signal("go");
    await first.result();
    expect(await run.record()).toMatchObject({ status: "blocked" });
    await second.signal("go");
    expect(await run.result()).toBe("done");
  });

  it("begins at once when they are completed before", async () => {
    const first = await runs.start(done, null);
    await first.result();
    const run = await runs.start(done, null, { ...q, after: { runs: [first.id] } });
    expect(await run.result()).toBe("done");
  });

  it("fails, is skipped or waits when one of them failed, by its policy, and so do those behind it", async () => {
    const [, failed, behind, skipped, further, waiting] = await plan([
      { ref: "bad", workflow: fails, input: null, options: q },
      { ref: "failed", workflow: done, input: null, needs: ["bad"], options: q },
      { workflow: done, input: null, needs: ["failed"], options: q },
      {
        ref: "skipped",
        workflow: done,
        input: null,
        needs: ["bad"],
        options: { ...q, after: { runs: [], onFailure: "skip" } },
      },
      { workflow: done, input: null, needs: ["skipped"], options: q },
      { workflow: done, input: null, needs: ["bad"], options: { ...q, after: { runs: [], onFailure: "wait" } } },
    ]);
    expect(await statusOf(failed)).toBe("failed");
    expect(await failed?.record()).toMatchObject({ dead: true, error: { code: "dependency_failed" } });
    expect(await statusOf(behind)).toBe("failed");
    expect(await statusOf(skipped)).toBe("skipped");
    expect(await skipped?.record()).toMatchObject({ dead: false });
    expect((await events(skipped ?? (await runs.open("")))).at(-1)).toMatchObject({ type: "run.skipped" });
    expect(await statusOf(further)).toBe("failed");
    expect(await waiting?.record()).toMatchObject({ status: "blocked" });
  });

  it("takes the end of one that had failed before as it takes any other", async () => {
    const bad = await runs.start(fails, null, q);
    await statusOf(bad);
    const run = await runs.start(done, null, { ...q, after: { runs: [bad.id], onFailure: "skip" } });
    expect(await statusOf(run)).toBe("skipped");
  });

  it("does not begin when one of them is cancelled, and can be cancelled itself", async () => {
    const [first, second, third] = await plan([
      { ref: "a", workflow: waits, input: null, options: q },
      { ref: "b", workflow: done, input: null, needs: ["a"], options: q },
      { workflow: done, input: null, needs: ["b"], options: { ...q, after: { runs: [], onFailure: "skip" } } },
    ]);
    await second?.cancel();
    expect(await statusOf(third)).toBe("skipped");
    await first?.cancel();
    expect(await statusOf(second)).toBe("cancelled");
  });

  it("goes on when the one that failed is redriven and completes, if it waits for that", async () => {
    let works = false;
    const mended = workflow({
      name: "mended",
      run: async () => await (works ? "ok" : Promise.reject(new Error("not yet"))),
    });
    const [bad, run] = await plan([
      { ref: "a", workflow: mended, input: null, options: q },
      { workflow: done, input: null, needs: ["a"], options: { ...q, after: { runs: [], onFailure: "wait" } } },
    ]);
    expect(await statusOf(bad)).toBe("failed");
    works = true;
    const [again = ""] = await runs.deadLetters.redrive({ ids: [bad?.id ?? ""] });
    expect(await (await runs.open(again)).result()).toBe("ok");
    expect(await run?.result()).toBe("done");
  });

  it("is found after a crash that left it behind", async () => {
    const first = await runs.start(waits, null, q);
    const run = await runs.start(done, null, { ...q, after: { runs: [first.id] } });
    await restart({ worker: false });
    // What a process that dies between the end of a run and its dependents leaves.
    await database.write([
      {
        sql: "UPDATE run SET status = 'completed', output = '1', finished_at = 1, owner = NULL WHERE id = ?",
        params: [first.id],
      },
    ]);
    await restart();
    runs.register(done);
    expect(await (await runs.open(run.id)).result()).toBe("done");
    expect(await database.read({ sql: "SELECT * FROM run_dependency" })).toEqual([]);
  });
});
