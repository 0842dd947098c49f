import { spawn } from "node:child_process";
import { once } from "node:events";
import * as timers from "node:timers/promises";
import { beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";

// Node's own timer, so that 60 days pass at once where a test says so.
vi.mock("node:timers/promises", async (load) => {
  const real = await load<typeof timers>();
  return { ...real, setTimeout: vi.fn(real.setTimeout) };
});
const timer = vi.mocked(timers.setTimeout);

beforeEach(() => void timer.mockClear());

test("now is the time of day and monotonic never goes back", () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
  const first = systemClock.monotonic();
  expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
});

test.each([0, 1, -5])("a sleep of %d ms ends", async (ms) => {
  await systemClock.sleep(ms);
  expect(timer).toHaveBeenCalledTimes(1);
});

test("a sleep rejects at once with the reason of the signal", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const asleep = systemClock.sleep(3_600_000, { signal: controller.signal });
  controller.abort(reason);
  await expect(asleep).rejects.toBe(reason);
  await expect(systemClock.sleep(0, { signal: controller.signal })).rejects.toBe(reason);
});

test("a wait that is longer than a timer can hold is waited in parts", async () => {
  const parts: (number | undefined)[] = [];
  timer.mockImplementation(async (ms) => void parts.push(ms));
  const sixtyDays = 60 * 86_400_000;
  await systemClock.sleep(sixtyDays);
  expect(parts.length).toBe(3);
  expect(parts.reduce<number>((sum, part) => sum + (part ?? 0), 0)).toBe(sixtyDays);
  expect(Math.max(...parts.map((part) => part ?? 0))).toBe(2 ** 31 - 1);
});

test("a long wait can be aborted between two parts", async () => {
  const controller = new AbortController();
  timer.mockImplementation(async () => controller.abort(new Error("stop")));
  await expect(systemClock.sleep(2 ** 40, { signal: controller.signal })).rejects.toThrow("stop");
  expect(timer).toHaveBeenCalledTimes(1);
});

/** Starts a process whose only work is a sleep of ten minutes. */
function sleeper(keepAlive: boolean) {
  const code = `
    import { systemClock } from ${JSON.stringify(new URL("./clock.ts", import.meta.url).href)};
    void systemClock.sleep(600_000, { keepAlive: ${keepAlive} });
    setImmediate(() => console.log("asleep"));
  `;
  return spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
}

test("a sleep holds its process", async () => {
  const child = sleeper(true);
  const exit = once(child, "exit");
  await once(child.stdout, "data");
  child.kill();
  expect(await exit).toEqual([null, "SIGTERM"]);
});

test("a sleep with keepAlive false lets its process end", async () => {
  expect(await once(sleeper(false), "exit")).toEqual([0, null]);
});
