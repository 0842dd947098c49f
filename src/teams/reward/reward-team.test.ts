import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { agent } from "../../agents/index.ts";
import { createAtlas } from "../../app/index.ts";
import type { Atlas } from "../../app/index.ts";
import { scripted } from "../../providers/index.ts";
import type { RunHandle, Runnable } from "../../runs/index.ts";
import { workflow } from "../../runs/index.ts";
import { team } from "../team.ts";
import { armOf } from "./arm.ts";
import { debtReport } from "./debt.ts";
import type { DebtMeter } from "./debt.ts";
import { measuredAsk } from "./measured-ask.ts";
import { rewardTeam, withReward } from "./reward-team.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "atlas-reward-team-"))));
afterEach(() => rmSync(folder, { recursive: true }));
const open = (): Promise<Atlas> => createAtlas({ directory: folder, environment: {} });

/** Debt that members pay off by what they say. */
function account(total: number): { readonly meter: DebtMeter; left: number } {
  const state = {
    left: total,
    meter: {
      name: "account",
      measure: async () =>
        debtReport("account", [{ name: "owed", count: state.left, weight: 1, measured: true, note: "" }]),
    },
  };
  return state;
}

async function dataOf(run: RunHandle<unknown>, type: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const event of run.events()) if (event.type === type) found.push(event.data);
  return found;
}

test("what a member does is measured, recorded once, and told; its result is given as it is", async () => {
  const debt = account(10);
  const pay = workflow({
    name: "pay",
    run: async (context) => await context.step("pay", () => (debt.left -= 4)),
  });
  await using atlas = await open();
  const run = await atlas.start(withReward(pay, { meter: debt.meter, task: "code" }), "Pay.");
  expect((await run.result()).output).toBe(6);
  expect(await dataOf(run, "reward.recorded")).toMatchObject([
    { id: run.id, task: "code", agent: "pay", model: "", tools: [], offset: 4, tokens: 0, before: 10, after: 6 },
  ]);
  const ledger = await atlas.rewards();
  expect(await ledger.list()).toMatchObject([
    { agent: "pay", runs: { positive: 1 }, logReward: { mean: Math.log(4) } },
  ]);
});

test("the tokens are those of the member, and so is the model", async () => {
  const debt = account(3);
  const writer = agent({
    name: "writer",
    model: scripted([{ text: "Done.", usage: { inputTokens: 90, outputTokens: 10 } }]),
  });
  const crew = team({
    name: "crew",
    members: [writer],
    run: async (context, goal) => {
      const given = await measuredAsk(context, { arm: armOf(writer), goal, meter: debt.meter, part: "first" });
      return { output: given.output };
    },
  });
  await using atlas = await open();
  const run = await atlas.start(crew, "Write.");
  await run.result();
  expect(await dataOf(run, "reward.recorded")).toMatchObject([
    { id: `${run.id}/first`, tokens: 100, offset: 0, score: 0 },
  ]);
  expect((await (await atlas.rewards()).list())[0]?.model).toMatch(/script/);
});

test("a member that fails is recorded, and its failure goes on; a meter that fails loses no result", async () => {
  const debt = account(10);
  const spoil = workflow({
    name: "spoil",
    run: async (context) =>
      await context.step("spoil", () => {
        debt.left += 5;
        throw new Error("spoiled");
      }),
  });
  const fine = workflow({ name: "fine", run: async () => "fine" });
  const broken: DebtMeter = { name: "broken", measure: () => Promise.reject(new Error("no scales")) };
  await using atlas = await open();
  const failed = await atlas.start(withReward(spoil, { meter: debt.meter }), "Spoil.");
  await expect(failed.result()).rejects.toThrow(/spoiled/);
  expect(await dataOf(failed, "reward.recorded")).toMatchObject([{ offset: -5, tokens: 10_000 }]);
  const kept = await atlas.start(withReward(fine, { meter: broken }), "Work.");
  expect((await kept.result()).output).toBe("fine");
  expect(await dataOf(kept, "reward.unmeasured")).toEqual([{ agent: "fine", phase: "before", code: "internal_error" }]);
});

test("a team learns which of its members pays debt off, and benches the one that adds to it", async () => {
  const debt = account(100);
  const member = (name: string, change: number): Runnable =>
    workflow({ name, run: async (context) => await context.step("work", () => (debt.left += change)) });
  const mender = rewardTeam({
    name: "mender",
    arms: [armOf(member("pays", -5)), armOf(member("adds", 5))],
    meter: debt.meter,
  });
  await using atlas = await open();
  const reasons: string[] = [];
  const benched: unknown[] = [];
  for (let round = 0; round < 12; round++) {
    const run = await atlas.start(mender, "Mend.");
    await run.result();
    for (const data of await dataOf(run, "arm.chosen")) reasons.push((data as { reason: string }).reason);
    benched.push(...(await dataOf(run, "arm.benched")));
  }
  expect(reasons.slice(0, 2)).toEqual(["cold", "cold"]);
  const runs = (await (await atlas.rewards()).list()).map(({ agent: name, runs: { positive, negative } }) => [
    name,
    positive,
    negative,
  ]);
  expect(runs[1]?.[1], JSON.stringify(runs)).toBeGreaterThan(6);
  const adds = runs[0]?.[2];
  if (Number(adds) >= 3) expect(benched).toMatchObject([{ reason: "harmful", times: 1 }]);
});

test("a run that is taken up again between its measurements is counted once, from what was measured before", async () => {
  const debt = account(10);
  const wait = workflow({
    name: "wait",
    run: async (context) => {
      await context.step("pay", () => (debt.left -= 4));
      return await context.waitFor("go");
    },
  });
  const crew = withReward(wait, { meter: debt.meter });
  let id: string;
  {
    await using atlas = await open();
    const run = await atlas.start(crew, "Wait.");
    id = run.id;
    for await (const event of run.events()) if (event.type === "member.asked") break;
    const [child] = await atlas.runs.list({ parentId: id });
    if (child)
      for await (const event of (await atlas.runs.open(child.id)).events())
        if (event.type === "signal.awaited" || event.type.startsWith("wait")) break;
  }
  await using atlas = await createAtlas({ directory: folder, environment: {}, teams: [crew] });
  const [child] = await atlas.runs.list({ parentId: id });
  await (await atlas.runs.open(child?.id ?? "")).signal("go", "on");
  const run = await atlas.runs.open(id);
  await run.result();
  expect(await dataOf(run, "reward.recorded")).toMatchObject([{ id, before: 10, after: 6, offset: 4 }]);
  expect((await (await atlas.rewards()).list())[0]?.runs).toEqual({ positive: 1, zero: 0, negative: 0 });
});
