import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { createGate } from "./create-gate.ts";
import type { GateNeed, GatePass } from "./gate.ts";
import { createRateLimiter } from "./rate-limiter.ts";

const base = { provider: "p", model: "m", keyId: "k", random: { next: () => 0.5 } };
const patient = { maxWaitMs: Number.POSITIVE_INFINITY };
const small: GateNeed = { inputTokens: 1, maxOutputTokens: 0 };

function finish(pass: GatePass, tokens: number) {
  pass.end({ kind: "success", usage: { inputTokens: tokens, outputTokens: 0, provenance: "reported" } });
}

/** Finds the most that any window of 60 s held. */
function peak(log: readonly { readonly atMs: number; readonly amount: number }[]): number {
  let most = 0;
  let sum = 0;
  let from = 0;
  for (const { atMs, amount } of log) {
    sum += amount;
    for (let first = log[from]; first !== undefined && first.atMs < atMs - 60_000; first = log[++from])
      sum -= first.amount;
    most = Math.max(most, sum);
  }
  return most;
}

test("200 callers at once never pass the requests of a minute, in any 60 s, and use at least 95 % (acceptance 25)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...base, clock, limits: { requestsPerMinute: 600 } });
  const log: { atMs: number; amount: number }[] = [];
  const stop = new AbortController();
  const callers = Array.from({ length: 200 }, async (_, index) => {
    for (;;) {
      const pass = await gate.enter(small, { ...patient, signal: stop.signal });
      log.push({ atMs: clock.monotonic(), amount: 1 });
      await clock.sleep(200 + index * 7, { signal: stop.signal });
      finish(pass, 1);
    }
  });
  const settled = Promise.allSettled(callers);
  await clock.advance(0);
  await clock.advance(600_000);
  stop.abort();
  await settled;
  expect(peak(log)).toBeLessThanOrEqual(600);
  expect(log.length / 6_000).toBeGreaterThanOrEqual(0.95);
  expect(clock.sleeping).toBe(0);
});

test("200 callers at once never pass the tokens of a minute although each reserves more than it uses (acceptance 25)", async () => {
  const clock = manualClock();
  const limit = 1_000_000;
  const gate = createGate({ ...base, clock, limits: { tokensPerMinute: limit } });
  const log: { atMs: number; amount: number }[] = [];
  const stop = new AbortController();
  const callers = Array.from({ length: 200 }, async (_, index) => {
    for (;;) {
      const pass = await gate.enter(
        { inputTokens: 1_000, maxOutputTokens: 1_000 },
        { ...patient, signal: stop.signal },
      );
      const amount = 1_300 + 13 * (index % 50);
      log.push({ atMs: clock.monotonic(), amount });
      await clock.sleep(500 + index * 17, { signal: stop.signal });
      finish(pass, amount);
    }
  });
  const settled = Promise.allSettled(callers);
  await clock.advance(0);
  await clock.advance(600_000);
  stop.abort();
  await settled;
  expect(peak(log)).toBeLessThanOrEqual(limit);
  expect(log.reduce((sum, { amount }) => sum + amount, 0) / (10 * limit)).toBeGreaterThanOrEqual(0.95);
});

test("a large request is not overtaken for ever by small ones (acceptance 25)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...base, clock, limits: { tokensPerMinute: 100 } });
  const order: string[] = [];
  const enter = async (name: string, inputTokens: number) => {
    const pass = await gate.enter({ inputTokens, maxOutputTokens: 0 }, patient);
    order.push(name);
    finish(pass, inputTokens);
  };
  const all = [enter("first", 30)];
  all.push(enter("large", 90));
  for (let index = 0; index < 20; index++) all.push(enter("small", 5));
  await clock.advance(60_500);
  expect(order.slice(0, 2)).toEqual(["first", "large"]);
  await clock.advance(180_000);
  await Promise.all(all);
  expect(order).toHaveLength(22);
});

test("waiters wake at the very instant at which there is room, by one timer (acceptance 25)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...base, clock, limits: { requestsPerMinute: 1 } });
  finish(await gate.enter(small, patient), 1);
  const times: number[] = [];
  const waiting = [1, 2, 3].map(async () => {
    await gate.enter(small, patient);
    times.push(clock.monotonic());
  });
  expect(clock.sleeping).toBe(1);
  await clock.advance(200_000);
  await Promise.all(waiting);
  expect(times).toEqual([60_500, 121_000, 181_500]);
  expect(clock.sleeping).toBe(0);
});

test("a request larger than the limit fails at once and takes nothing (acceptance 25)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...base, clock, limits: { tokensPerMinute: 100 } });
  const need = { inputTokens: 60, maxOutputTokens: 41 };
  expect(gate.check(need)).toEqual({ available: false, reason: "too_large" });
  await expect(gate.enter(need, patient)).rejects.toMatchObject({
    code: "rate_limit_too_small",
    details: { tokensPerMinute: 100, inputTokens: 60, maxOutputTokens: 41 },
  });
  expect(gate.check({ inputTokens: 100, maxOutputTokens: 0 })).toEqual({ available: true });
});

test("a provider that says less is left is believed until its reset; one that says more changes nothing (acceptance 25)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...base, clock, limits: { requestsPerMinute: 10, tokensPerMinute: 1_000 } });
  const first = await gate.enter(small, patient);
  first.report({ requestsRemaining: 0, requestsResetMs: 12_000, tokensRemaining: 999_999 });
  expect(gate.check(small)).toEqual({ available: false, reason: "rate_limited", retryAtMs: clock.now() + 12_000 });
  const times: number[] = [];
  const second = gate.enter(small, patient).then((pass) => {
    times.push(clock.monotonic());
    return pass;
  });
  await clock.advance(12_000);
  (await second).report({ requestsRemaining: 1_000_000, tokensRemaining: 40, tokensResetMs: 5_000 });
  expect(times).toEqual([12_000]);
  expect(gate.check({ inputTokens: 40, maxOutputTokens: 0 })).toEqual({ available: true });
  expect(gate.check({ inputTokens: 41, maxOutputTokens: 0 })).toMatchObject({ reason: "rate_limited" });
  for (let index = 0; index < 8; index++) await gate.enter(small, patient);
  expect(gate.check(small)).toMatchObject({ available: false, retryAtMs: clock.now() + 48_500 });
});

test("a wait that is surely too long is not begun (acceptance 25)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...base, clock, limits: { requestsPerMinute: 1 } });
  finish(await gate.enter(small, patient), 1);
  await expect(gate.enter(small, { maxWaitMs: 60_000 })).rejects.toMatchObject({
    code: "gate_closed",
    details: { reason: "rate_limited", retryAtMs: clock.now() + 60_500 },
  });
  expect(clock.sleeping).toBe(0);
});

test("a limit that is no number above 0 is refused", () => {
  const clock = manualClock();
  for (const requestsPerMinute of [0, -1, Number.NaN]) {
    expect(() => createRateLimiter({ clock, name: "p", requestsPerMinute })).toThrow(/requestsPerMinute of p is/);
  }
});

test("random arrivals, sizes, cancels and reports: no window over its limit, no waiter forgotten, none out of turn (acceptance 25)", async () => {
  const arrival = fc.record({
    afterMs: fc.nat(8_000),
    tokens: fc.integer({ min: 1, max: 60 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    runsMs: fc.nat(20_000),
    cancelMs: fc.option(fc.nat(90_000)),
    remaining: fc.option(fc.nat(200)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 40 }), async (arrivals) => {
      const clock = manualClock();
      const gate = createGate({
        ...base,
        clock,
        limits: { requestsPerMinute: 6, tokensPerMinute: 100, concurrency: 4 },
      });
      const requests: { atMs: number; amount: number }[] = [];
      const tokens: { atMs: number; amount: number }[] = [];
      const order: number[] = [];
      let most = 0;
      const one = async (
        index: number,
        { tokens: need, share, runsMs, cancelMs, remaining }: (typeof arrivals)[number],
      ) => {
        const stop = new AbortController();
        if (cancelMs !== null) void clock.sleep(cancelMs).then(() => stop.abort());
        const pass = await gate.enter({ inputTokens: 0, maxOutputTokens: need }, { ...patient, signal: stop.signal });
        order.push(index);
        most = Math.max(most, gate.inFlight);
        const used = Math.floor(need * share);
        requests.push({ atMs: clock.monotonic(), amount: 1 });
        tokens.push({ atMs: clock.monotonic(), amount: used });
        if (remaining !== null) pass.report({ tokensRemaining: remaining, tokensResetMs: runsMs });
        await clock.sleep(runsMs);
        finish(pass, used);
        finish(pass, used);
      };
      const calls: Promise<void>[] = [];
      for (const [index, each] of arrivals.entries()) {
        await clock.advance(each.afterMs);
        calls.push(one(index, each).catch(() => {}));
        await clock.advance(0);
      }
      const settled = Promise.allSettled(calls);
      await clock.advance(10_000_000);
      await settled;
      expect(peak(requests)).toBeLessThanOrEqual(6);
      expect(peak(tokens)).toBeLessThanOrEqual(100);
      expect(most).toBeLessThanOrEqual(4);
      expect(gate.inFlight).toBe(0);
      expect(gate.snapshot().waiting).toBe(0);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
      expect(clock.sleeping).toBe(0);
    }),
    { numRuns: 60, endOnFailure: true },
  );
});
