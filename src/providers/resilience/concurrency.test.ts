import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { createConcurrencyLimiter } from "./concurrency.ts";
import { createGate } from "./create-gate.ts";
import type { CallOutcome, GatePass } from "./gate.ts";

const need = { inputTokens: 1, maxOutputTokens: 1 };
const patient = { maxWaitMs: Number.POSITIVE_INFINITY };
const cancelled: CallOutcome = { kind: "ignored", usage: undefined };

function gateFor(concurrency: number) {
  const clock = manualClock();
  return { clock, gate: createGate({ provider: "p", model: "m", keyId: "k", limits: { concurrency }, clock }) };
}

test("a lease is held until the call has ended, and is given back once however often it is ended (acceptance 26)", async () => {
  const { gate } = gateFor(2);
  const first = await gate.enter(need, patient);
  const second = await gate.enter(need, patient);
  expect(gate.inFlight).toBe(2);
  expect(first.id).not.toBe(second.id);
  expect(gate.check(need)).toEqual({ available: false, reason: "concurrency" });
  first.end(cancelled);
  first.end(cancelled);
  first.end(cancelled);
  expect(gate.inFlight).toBe(1);
  await gate.enter(need, patient);
  expect(gate.check(need)).toMatchObject({ available: false });
});

test("places go to those who wait in the order in which they came (acceptance 26)", async () => {
  const { clock, gate } = gateFor(1);
  let held = await gate.enter(need, patient);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (index) => {
    const pass = await gate.enter(need, patient);
    order.push(index);
    held = pass;
  });
  for (let index = 0; index < 3; index++) {
    held.end(cancelled);
    await clock.advance(0);
  }
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
});

test("one that gives up waiting leaves no lease, no listener and no timer, and the next takes its turn (acceptance 26)", async () => {
  const { clock, gate } = gateFor(1);
  const held = await gate.enter(need, patient);
  const stop = new AbortController();
  const given = gate.enter(need, { maxWaitMs: 5_000, signal: stop.signal });
  const next = gate.enter(need, patient);
  stop.abort(new Error("no more"));
  await expect(given).rejects.toThrow("no more");
  expect(gate.snapshot().waiting).toBe(1);
  held.end(cancelled);
  (await next).end(cancelled);
  expect(gate.inFlight).toBe(0);
  expect(clock.sleeping).toBe(0);
});

test("one whose time is over is told what it waited for (acceptance 26)", async () => {
  const { clock, gate } = gateFor(1);
  await gate.enter(need, patient);
  const late = gate.enter(need, { maxWaitMs: 5_000 });
  const error = expect(late).rejects.toMatchObject({
    code: "gate_closed",
    details: { provider: "p", model: "m", keyId: "k", reason: "concurrency" },
  });
  await clock.advance(5_000);
  await error;
  await expect(gate.enter(need, { maxWaitMs: 0 })).rejects.toMatchObject({ code: "gate_closed" });
  expect(clock.sleeping).toBe(0);
});

test("a signal that has aborted already takes nothing", async () => {
  const { gate } = gateFor(1);
  await expect(gate.enter(need, { ...patient, signal: AbortSignal.abort("stop") })).rejects.toBe("stop");
  expect(gate.inFlight).toBe(0);
});

test("a signal that aborts in the instant of its turn takes nothing", async () => {
  const { gate } = gateFor(1);
  const stop = new AbortController();
  const entering = gate.enter(need, { ...patient, signal: stop.signal });
  stop.abort("stop");
  await expect(entering).rejects.toBe("stop");
  expect(gate.inFlight).toBe(0);
});

test("10,000 calls on one long-lived signal leave nothing behind (acceptance 26)", async () => {
  const { clock, gate } = gateFor(50);
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
  const calls = Array.from({ length: 10_000 }, async () => {
    const pass = await gate.enter(need, { ...patient, signal });
    await Promise.resolve();
    pass.end(cancelled);
  });
  await Promise.all(calls);
  expect([listeners, gate.inFlight, gate.snapshot().waiting, clock.sleeping]).toEqual([0, 0, 0, 0]);
});

test("a limit below 1 is refused", () => {
  expect(() => createConcurrencyLimiter({ clock: manualClock(), limit: 0 })).toThrow(/concurrency is 0/);
});

test("whatever enters, ends twice or is cancelled, the count is that of the open calls (acceptance 26)", async () => {
  const action = fc.record({ kind: fc.constantFrom("enter", "end", "cancel"), pick: fc.nat(50) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(action, { maxLength: 60 }), async (limit, actions) => {
      const { clock, gate } = gateFor(limit);
      const open: GatePass[] = [];
      const ended: GatePass[] = [];
      const stops: AbortController[] = [];
      let entered = 0;
      let settled = 0;
      for (const { kind, pick } of actions) {
        if (kind === "enter") {
          const stop = new AbortController();
          stops.push(stop);
          entered++;
          void gate
            .enter(need, { ...patient, signal: stop.signal })
            .then(
              (pass) => void open.push(pass),
              () => {},
            )
            .finally(() => settled++);
        } else if (kind === "cancel") stops[pick % Math.max(1, stops.length)]?.abort();
        else {
          const [pass] = open.splice(pick % Math.max(1, open.length), 1);
          pass?.end(cancelled);
          ended[pick % Math.max(1, ended.length)]?.end(cancelled);
          if (pass !== undefined) ended.push(pass);
        }
        await clock.advance(0);
        expect(gate.inFlight).toBe(open.length);
        expect(gate.inFlight).toBeLessThanOrEqual(limit);
        expect(gate.snapshot().waiting).toBe(entered - settled);
      }
    }),
    { numRuns: 60, endOnFailure: true },
  );
});
