import { describe, expect, it } from "vitest";
import { z } from "zod";
import { database, inTime, restart, runs, useEngine } from "../../../test/lib/engine.ts";
import { manualClock } from "../../testing/index.ts";
import type { ManualClock } from "../../testing/index.ts";
import { croner } from "../adapters/croner.ts";
import type { Runs, RunsOptions } from "../index.ts";
import { createRuns, workflow } from "../index.ts";

useEngine();

const noon = Date.parse("2026-05-04T12:00:00Z");
const minute = 60_000;
const calendar = () => Promise.resolve(croner());
const report = workflow({ name: "report", input: z.object({ of: z.string() }), run: async (_, { of }) => of });
const daily = { name: "daily", workflow: "report", input: { of: "sales" }, cron: "0 * * * *" };

async function open(clock: ManualClock, options: Partial<RunsOptions> = {}): Promise<void> {
  await restart({ clock, calendar, ...options });
  runs.register(report);
}

/** Moves time on until so many runs were started. A commit for each second: time goes no faster than the engine's work. */
async function started(clock: ManualClock, count: number): Promise<readonly string[]> {
  for (;;) {
    const found = await keys();
    if (found.length >= count) return found;
    await pass(clock, 1);
  }
}

async function pass(clock: ManualClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1_000);
    await database.write([{ sql: "UPDATE run_schedule SET last_at = last_at" }]);
  }
}

async function keys(of: Runs = runs): Promise<readonly string[]> {
  const found = await of.list({ workflow: "report" });
  return found.map((run) => (run.key ?? "").replace("schedule:", "")).toReversed();
}

describe("a schedule", () => {
  it("starts a run each time, of which the key tells the time", async () => {
    const clock = manualClock(noon + minute);
    await open(clock);
    const set = await runs.schedules.set({ ...daily, queue: "reports", tenant: "acme", priority: 2 });
    expect(set).toMatchObject({ nextAt: noon + 60 * minute });
    await clock.advance(59 * minute);
    expect(await started(clock, 1)).toEqual(["daily:2026-05-04T13:00:00.000Z"]);
    const [run] = await runs.list();
    expect(run).toMatchObject({ queue: "reports", tenant: "acme", priority: 2, tags: { schedule: "daily" } });
    expect(await inTime(clock, (await runs.open(run?.id ?? "")).result())).toBe("sales");
    await clock.advance(59 * minute);
    expect(await started(clock, 2)).toEqual(["daily:2026-05-04T13:00:00.000Z", "daily:2026-05-04T14:00:00.000Z"]);
    expect(await runs.schedules.list()).toMatchObject([
      { name: "daily", lastAt: noon + 120 * minute, nextAt: noon + 180 * minute },
    ]);
  });

  it("is changed and removed", async () => {
    const clock = manualClock(noon);
    await open(clock);
    await runs.schedules.set(daily);
    await runs.schedules.set({ ...daily, cron: "30 * * * *" });
    expect(await runs.schedules.list()).toMatchObject([{ name: "daily", nextAt: noon + 30 * minute }]);
    expect(await runs.schedules.remove("daily")).toBe(true);
    expect(await runs.schedules.remove("daily")).toBe(false);
    expect(await runs.schedules.list()).toEqual([]);
  });

  it("starts one run however many engines there are", async () => {
    const clock = manualClock(noon);
    await open(clock);
    const others = await Promise.all([1, 2].map(() => createRuns({ database, clock, calendar })));
    for (const other of others) other.register(report);
    await runs.schedules.set({ ...daily, queue: "reports" });
    await clock.advance(60 * minute);
    await started(clock, 1);
    await pass(clock, 40);
    expect(await keys()).toEqual(["daily:2026-05-04T13:00:00.000Z"]);
    for (const other of others) await other[Symbol.asyncDispose]();
  });

  it("skips what was missed while nothing ran, or starts one run for all of it", async () => {
    await open(manualClock(noon));
    await runs.schedules.set(daily);
    await runs.schedules.set({ ...daily, name: "caught", missed: "once" });
    const clock = manualClock(noon + 10.5 * 60 * minute);
    await open(clock);
    expect(await started(clock, 1)).toEqual(["caught:2026-05-04T13:00:00.000Z"]);
    await pass(clock, 20);
    const next = noon + 11 * 60 * minute;
    expect(await runs.schedules.list()).toMatchObject([
      { name: "caught", nextAt: next, lastAt: noon + 60 * minute },
      { name: "daily", nextAt: next },
    ]);
    expect((await runs.schedules.list())[1]?.lastAt).toBeUndefined();
  });

  it("starts nothing twice when the clock of the machine is set back", async () => {
    await open(manualClock(noon + 59 * minute));
    await runs.schedules.set(daily);
    await restart();
    const clock = manualClock(noon + 60 * minute);
    await open(clock);
    await started(clock, 1);
    const before = manualClock(noon + 58 * minute);
    await open(before);
    await pass(before, 40);
    await before.advance(minute);
    await pass(before, 40);
    expect(await keys()).toEqual(["daily:2026-05-04T13:00:00.000Z"]);
  });

  it("starts nothing where no worker is, and nothing of workflows that are not here", async () => {
    const clock = manualClock(noon);
    await open(clock, { worker: false });
    await runs.schedules.set(daily);
    await clock.advance(60 * minute);
    await restart({ clock, calendar });
    await clock.advance(1_000);
    expect(await keys()).toEqual([]);
    runs.register(report);
    expect(await started(clock, 1)).toEqual(["daily:2026-05-04T13:00:00.000Z"]);
  });

  it("is previewed", async () => {
    const clock = manualClock(noon);
    await open(clock);
    const times = await runs.schedules.preview("0 6 * * *", { timezone: "Asia/Tokyo", count: 2 });
    expect(times.map((at) => new Date(at).toISOString())).toEqual([
      "2026-05-04T21:00:00.000Z",
      "2026-05-05T21:00:00.000Z",
    ]);
    await expect(runs.schedules.preview("x")).rejects.toMatchObject({ code: "schedule_invalid" });
    await expect(runs.schedules.preview("* * * * *", { count: 0 })).rejects.toMatchObject({ code: "invalid_input" });
  });

  it.each([
    [{ name: "a b" }, "invalid_input"],
    [{ workflow: "none" }, "workflow_unknown"],
    [{ input: { of: 5 } }, "invalid_input"],
    [{ cron: "no" }, "schedule_invalid"],
    [{ cron: "0 0 30 2 *" }, "schedule_invalid"],
    [{ timezone: "Mars/Base" }, "schedule_invalid"],
    [{ priority: 1 }, "invalid_input"],
    [{ queue: "" }, "invalid_input"],
  ])("is refused with %j", async (wrong, code) => {
    await open(manualClock(noon));
    await expect(runs.schedules.set({ ...daily, ...wrong })).rejects.toMatchObject({ code });
    expect(await runs.schedules.list()).toEqual([]);
  });

  it("is refused, and told why, where nothing reads cron expressions", async () => {
    runs.register(report);
    await expect(runs.schedules.set(daily)).rejects.toThrow("pass `calendar` to createRuns");
  });
});
