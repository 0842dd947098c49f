import { describe, expect, it } from "vitest";
import { systemClock } from "../base/index.ts";
import { until as untilEntry, restart, runs, useEngine } from "../../test/lib/engine.ts";
import { workflow } from "./index.ts";

useEngine();

const hourMs = 3_600_000;

/** Is the machine's clock, set forward or back while it goes; what passes is not changed by that, as on any machine. */
function movedClock() {
  let movedMs = 0;
  return { clock: { ...systemClock, now: () => Date.now() + movedMs }, set: (ms: number) => void (movedMs = ms) };
}

describe.each([
  { told: "forward", ms: hourMs },
  { told: "back", ms: -hourMs },
])("when the clock is set $told by an hour,", ({ ms }) => {
  it("a sleep takes as long as it was asked for", async () => {
    const { clock, set } = movedClock();
    await restart({ clock });
    const nap = workflow({ name: "nap", run: (context) => context.sleep(300).then(() => "awake") });
    const begin = performance.now();
    const run = await runs.start(nap, null);
    await untilEntry(run, "timer.started");
    set(ms);
    expect(await run.result()).toBe("awake");
    expect(performance.now() - begin).toBeGreaterThanOrEqual(299);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  it("a wait ends at its deadline, and a signal before it still comes in time", async () => {
    const { clock, set } = movedClock();
    await restart({ clock });
    const wait = workflow({
      name: "wait",
      run: async (context) => {
        const first = await context.waitFor<string>("first", { timeoutMs: 10_000 });
        const second = await context.waitFor<string>("second", { timeoutMs: 200 }).catch(() => "too late");
        return [first, second];
      },
    });
    const run = await runs.start(wait, null);
    await untilEntry(run, "signal.awaited");
    set(ms);
    await run.signal("other");
    await run.signal("first", "in time");
    expect(await run.result()).toEqual(["in time", "too late"]);
  });
});

it("a sleep that was begun before the clock was set back takes no longer than was asked for after a restart", async () => {
  const { clock, set } = movedClock();
  await restart({ clock });
  const nap = workflow({ name: "nap", run: (context) => context.sleep(400).then(() => "awake") });
  const run = await runs.start(nap, null);
  await untilEntry(run, "timer.started");
  set(-hourMs);
  await restart({ clock });
  runs.register(nap);
  expect(await (await runs.resume(run.id)).result()).toBe("awake");
});
