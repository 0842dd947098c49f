import { expect, it } from "vitest";
import { Activity } from "./activity.ts";
import { Gate } from "./gate.ts";

it("a run waits when nothing of it is under way but waits, and what goes on at once has not waited", async () => {
  const told: boolean[] = [];
  const activity = new Activity((isWaiting) => told.push(isWaiting));
  const { promise, resolve } = Promise.withResolvers<number>();
  activity.works(1);
  const waited = activity.wait(promise);
  await Promise.resolve();
  expect(told).toEqual([]);
  activity.works(-1);
  await Promise.resolve();
  expect(told).toEqual([true]);
  activity.works(1);
  activity.works(-1);
  await Promise.resolve();
  resolve(7);
  expect(await waited).toBe(7);
  await Promise.resolve();
  expect(told).toEqual([true, false]);
});

it("a run that ends while it waits waits no more", async () => {
  const told: boolean[] = [];
  const activity = new Activity((isWaiting) => told.push(isWaiting));
  void activity.wait(new Promise(() => {}));
  await Promise.resolve();
  activity.end();
  activity.waits(-1);
  await Promise.resolve();
  expect(told).toEqual([true, false]);
});

it("a gate holds whoever comes while it is closed, costs nothing while it is open, and gives way to an abort", async () => {
  const gate = new Gate(true);
  const { signal } = new AbortController();
  let passed = 0;
  const through = gate.passed(signal)?.then(() => passed++);
  gate.open();
  gate.close();
  await new Promise(setImmediate);
  expect(passed).toBe(0);
  const stop = new AbortController();
  const stopped = gate.passed(stop.signal);
  stop.abort(new Error("enough"));
  await expect(stopped).rejects.toThrow("enough");
  gate.open();
  await through;
  expect([passed, gate.isClosed, gate.passed(signal)]).toEqual([1, false, undefined]);
});
