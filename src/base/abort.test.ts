import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { manualClock } from "../testing/manual-clock.ts";
import { createDeadline, raceAbort } from "./abort.ts";

const never = new Promise<never>(() => {});

test("a promise that settles first gives its own outcome", async () => {
  const { signal } = new AbortController();
  const failure = new Error("no");
  expect(await raceAbort(Promise.resolve(1), signal)).toBe(1);
  await expect(raceAbort(Promise.reject(failure), signal)).rejects.toBe(failure);
  expect(await raceAbort(Promise.resolve(2), undefined)).toBe(2);
});

test("an abort ends the wait with its reason, before or while waiting", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  const wait = raceAbort(never, controller.signal);
  controller.abort(reason);
  await expect(wait).rejects.toBe(reason);
  await expect(raceAbort(never, controller.signal)).rejects.toBe(reason);
  // What fails after nobody waits for it any more must not end the process as an unhandled rejection.
  await expect(raceAbort(Promise.reject(new Error("late")), controller.signal)).rejects.toBe(reason);
});

test("a signal that outlives many waits keeps none of their listeners", async () => {
  const { signal } = new AbortController();
  await Promise.allSettled([raceAbort(Promise.resolve(1), signal), raceAbort(Promise.reject(new Error("no")), signal)]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a deadline aborts with its reason when its time is over, and not before", async () => {
  const clock = manualClock();
  const reason = new Error("late");
  using deadline = createDeadline(50, { clock, reason: () => reason });
  await clock.advance(49);
  expect(deadline.signal.aborted).toBe(false);
  await clock.advance(1);
  expect([deadline.signal.reason, deadline.expired]).toEqual([reason, true]);
});

test.each([0, -5])("a deadline of %d ms is over at once", (ms) => {
  using deadline = createDeadline(ms, { clock: manualClock(), reason: () => "late" });
  expect([deadline.signal.reason, deadline.expired]).toEqual(["late", true]);
});

test("a deadline aborts with an outer signal too, and tells which it was", () => {
  const outer = new AbortController();
  using deadline = createDeadline(50, { clock: manualClock(), reason: () => "late", signal: outer.signal });
  outer.abort("stop");
  expect([deadline.signal.reason, deadline.expired]).toEqual(["stop", false]);
});

test("a deadline that is disposed of sleeps no longer", async () => {
  const clock = manualClock();
  const deadline = createDeadline(50, { clock, reason: () => "late" });
  expect(clock.sleeping).toBe(1);
  deadline[Symbol.dispose]();
  expect(clock.sleeping).toBe(0);
  await clock.advance(100);
  expect(deadline.signal.aborted).toBe(false);
});
