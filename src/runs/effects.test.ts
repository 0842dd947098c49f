import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { effectFlow } from "../../test/lib/effect-flow.ts";
import { until } from "../../test/lib/engine.ts";
import { createRuns, workflow } from "./index.ts";
import type { EffectDecision, RunHandle, Runs, UnknownOutcome } from "./index.ts";

const program = new URL("../../test/lib/effect-flow.ts", import.meta.url).pathname;
let folder: string;
let database: Database;
let runs: Runs;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "atlas-effects-"))));
afterEach(async () => {
  await runs[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const file = (): string => join(folder, "paid");
const paid = (): string[] => readFileSync(file(), { encoding: "utf8", flag: "a+" }).split("\n").filter(Boolean);

async function open(): Promise<void> {
  database = await sqlite({ path: join(folder, "atlas.db") });
  runs = await createRuns({ database, worker: false });
}

/** Lets a process begin the effect and be killed, then gives its run, not yet taken up. */
async function cutOff(policy: UnknownOutcome, kill: "before" | "after"): Promise<RunHandle> {
  const args = [program, join(folder, "atlas.db"), file(), policy, kill];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({ signal: "SIGKILL" });
  await open();
  const [found] = await runs.list();
  const run = await runs.open(found?.id ?? "");
  expect(await run.effects()).toMatchObject([{ key: "pay", name: "pay", state: "unknown", attempt: 1 }]);
  runs.register(effectFlow({ policy, file: file() }));
  return run;
}

describe.each(["before", "after"] as const)("an effect that a kill -9 cut off %s it happened", (kill) => {
  const happened = kill === "after" ? 1 : 0;

  it("is done again with the same key when its policy is retry", async () => {
    const run = await cutOff("retry", kill);
    expect(await (await runs.resume(run.id)).result()).toBe("paid");
    expect(paid()).toHaveLength(happened + 1);
    expect(new Set(paid())).toEqual(new Set([`${run.id}:pay`]));
    expect(await run.effects()).toMatchObject([{ state: "completed" }]);
  });

  it("fails when its policy is fail, and is not done again", async () => {
    const run = await cutOff("fail", kill);
    await expect((await runs.resume(run.id)).result()).rejects.toMatchObject({
      code: "effect_unknown",
      details: { key: "pay" },
    });
    expect(paid()).toHaveLength(happened);
    expect(await run.effects()).toMatchObject([{ state: "failed", error: { code: "effect_unknown" } }]);
  });

  it.each<[EffectDecision, string | undefined, number]>([
    [{ outcome: "done", output: "by hand" }, "by hand", 0],
    [{ outcome: "retry" }, "paid", 1],
    [{ outcome: "fail", reason: "the bank says no" }, undefined, 0],
  ])("waits for a decision when its policy is park: %o", async (decision, output, again) => {
    const run = await cutOff("park", kill);
    const taken = await runs.resume(run.id);
    await until(taken, "effect.parked");
    expect(await run.record()).toMatchObject({ status: "waiting" });
    expect(await run.effects()).toMatchObject([{ state: "parked" }]);
    await runs[Symbol.asyncDispose]();
    runs = await createRuns({ database, worker: false });
    runs.register(effectFlow({ policy: "park", file: file() }));
    const later = await runs.resume(run.id);
    await expect(run.decide("other", decision)).rejects.toMatchObject({ code: "effect_not_parked" });
    const decided = await Promise.allSettled([1, 2].map(() => run.decide("pay", decision)));
    expect(decided.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    if (output === undefined) await expect(later.result()).rejects.toThrow("the bank says no");
    else expect(await later.result()).toBe(output);
    expect(paid()).toHaveLength(happened + again);
    await expect(run.decide("pay", decision)).rejects.toMatchObject({ code: "run_finished" });
  });
});

it("a step without a policy is no effect, and one that ends leaves nothing open", async () => {
  await open();
  const flow = workflow({
    name: "plain",
    run: async (context) => {
      await context.step("plain", () => 1);
      return await context.step("sent", () => 2, { onUnknown: "fail" });
    },
  });
  const run = await runs.start(flow, null);
  await run.result();
  expect(await run.effects()).toMatchObject([{ key: "sent", state: "completed", attempt: 1 }]);
  await expect(run.decide("sent", { outcome: "retry" })).rejects.toMatchObject({ code: "run_finished" });
});
