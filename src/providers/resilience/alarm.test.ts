import { expect, test } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { createAlarm } from "./alarm.ts";

function setUp() {
  const clock = manualClock();
  const rung: number[] = [];
  return { clock, rung, alarm: createAlarm(clock, () => rung.push(clock.monotonic())) };
}

test("it rings once, at its moment, and holds no timer before it is set or after", async () => {
  const { clock, rung, alarm } = setUp();
  expect(clock.sleeping).toBe(0);
  alarm.set(500);
  expect(clock.sleeping).toBe(1);
  await clock.advance(5_000);
  expect(rung).toEqual([500]);
  expect([clock.sleeping, alarm.atMs]).toEqual([0, Number.POSITIVE_INFINITY]);
});

test("its moment can be moved to earlier, to later and away", async () => {
  const { clock, rung, alarm } = setUp();
  alarm.set(500);
  alarm.set(200);
  await clock.advance(300);
  alarm.set(600);
  alarm.set(900);
  expect(clock.sleeping).toBe(1);
  await clock.advance(1_000);
  alarm.set(2_000);
  alarm.set(Number.POSITIVE_INFINITY);
  expect(clock.sleeping).toBe(0);
  await clock.advance(5_000);
  expect(rung).toEqual([200, 900]);
});

test("it may be set again while it rings, also to a moment that has passed", async () => {
  const clock = manualClock();
  const rung: number[] = [];
  const alarm = createAlarm(clock, () => {
    rung.push(clock.monotonic());
    if (rung.length < 3) alarm.set(rung.length === 1 ? 150 : 0);
  });
  alarm.set(100);
  await clock.advance(1_000);
  expect(rung).toEqual([100, 150, 150]);
});
