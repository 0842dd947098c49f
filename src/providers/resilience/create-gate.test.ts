import fc from "fast-check";
import { expect, test } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { providerErrors } from "../errors.ts";
import { createConcurrencyLimiter } from "./concurrency.ts";
import { createCooldowns } from "./cooldown.ts";
import { createGate } from "./create-gate.ts";
import type { GateEvent } from "./gate-parts.ts";
import { createRateLimiter } from "./rate-limiter.ts";

const key = { provider: "p", model: "m", keyId: "k" };
const need = { inputTokens: 10, maxOutputTokens: 10 };
const tokens = (count: number) => ({ inputTokens: count, maxOutputTokens: 0 });
const patient = { maxWaitMs: Number.POSITIVE_INFINITY };
const usage = { inputTokens: 10, outputTokens: 5, provenance: "reported" } as const;
const error = providerErrors.create("provider_error", "It failed.", { details: { phase: "headers", status: 500 } });
const failed = { kind: "failure", error, usage: undefined } as const;

test("an outcome counts when the stream ends, not when it begins (acceptance 19)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...key, clock, breaker: { consecutiveFailures: 2 } });
  const [first, second] = [await gate.enter(need, patient), await gate.enter(need, patient)];
  first.report({ requestsRemaining: 100 });
  await clock.advance(10_000);
  expect(gate.snapshot()).toMatchObject({ state: "closed", calls: 0, inFlight: 2 });
  first.end(failed);
  second.end(failed);
  expect(gate.snapshot()).toMatchObject({ state: "open", calls: 2, failures: 2, errorRate: 1, inFlight: 0 });
});

test("when the breaker opens, those who wait are told at once and need not wait in vain (acceptance 19)", async () => {
  const clock = manualClock();
  const events: GateEvent[] = [];
  const gate = createGate({
    ...key,
    clock,
    limits: { concurrency: 1 },
    breaker: { consecutiveFailures: 1, openMs: 10_000 },
    onEvent: (event) => events.push(event),
  });
  const pass = await gate.enter(need, patient);
  const waiting = [gate.enter(need, patient), gate.enter(need, patient)];
  const retryAtMs = clock.now() + 10_000;
  pass.end(failed);
  for (const each of waiting) {
    await expect(each).rejects.toMatchObject({ code: "gate_closed", details: { reason: "breaker_open", retryAtMs } });
  }
  expect(gate.check(need)).toEqual({ available: false, reason: "breaker_open", retryAtMs });
  await clock.advance(10_000);
  expect(gate.check(need)).toEqual({ available: true });
  const probe = await gate.enter(need, patient);
  expect(gate.check(need)).toMatchObject({ available: false, reason: "breaker_open" });
  await expect(gate.enter(need, patient)).rejects.toMatchObject({ details: { reason: "breaker_open" } });
  probe.end({ kind: "success", usage });
  expect(events).toEqual([
    { ...key, type: "breaker.opened" },
    { ...key, type: "breaker.half_opened" },
    { ...key, type: "breaker.closed" },
  ]);
});

test("refusals and cancels leave the breaker as it is, and what a refused call had reserved is given back (acceptance 19)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...key, clock, breaker: { consecutiveFailures: 1 }, limits: { tokensPerMinute: 20 } });
  for (const code of ["provider_rate_limited", "provider_quota"] as const) {
    const refusal = providerErrors.create(code, "No.", { details: { phase: "headers", retryAfterMs: 0 } });
    (await gate.enter(need, patient)).end({ kind: "failure", error: refusal, usage: undefined });
  }
  expect(gate.snapshot().state).toBe("closed");
  (await gate.enter(need, patient)).end({ kind: "ignored", usage: { ...usage, inputTokens: 0, outputTokens: 0 } });
  expect(gate.check(need)).toEqual({ available: true });
});

test("a limit may be shared by models, and one by tenant: taken together, all or none (acceptance 25)", async () => {
  const clock = manualClock();
  const provider = createRateLimiter({ clock, name: "p", requestsPerMinute: 3 });
  const tenant = (name: string, requestsPerMinute: number) =>
    createRateLimiter({ clock, name: `tenant ${name}`, requestsPerMinute, followReports: false });
  const poor = createGate({ ...key, clock, limiters: [provider, tenant("poor", 1)] });
  const rich = createGate({ ...key, model: "n", clock, limiters: [provider, tenant("rich", 10)] });
  await poor.enter(need, patient);
  const kept = poor.enter(need, patient);
  // The poor tenant waits for its own limit and holds nothing of the provider's meanwhile.
  expect(rich.check(need)).toEqual({ available: true });
  const passes = [await rich.enter(need, patient), await rich.enter(need, patient)];
  expect(rich.check(need)).toMatchObject({ available: false, reason: "rate_limited" });
  passes[0]?.report({ requestsRemaining: 0, requestsResetMs: 70_000 });
  await clock.advance(60_500);
  expect(poor.snapshot().waiting).toBe(1);
  await clock.advance(9_500);
  await kept;
});

test("a large request of one gate is not overtaken by small ones of another with the same limit (acceptance 25)", async () => {
  const clock = manualClock();
  const shared = createRateLimiter({ clock, name: "p", tokensPerMinute: 100 });
  const [large, small] = ["l", "s"].map((model) => createGate({ ...key, model, clock, limiters: [shared] }));
  const order: string[] = [];
  const visit = async (gate: typeof large, name: string, inputTokens: number) => {
    await gate?.enter({ inputTokens, maxOutputTokens: 0 }, patient);
    order.push(name);
  };
  const all = [visit(large, "first", 50), visit(large, "large", 90)];
  for (let index = 0; index < 10; index++) all.push(visit(small, "small", 5));
  expect(small?.check({ inputTokens: 5, maxOutputTokens: 0 })).toEqual({ available: false, reason: "rate_limited" });
  await clock.advance(60_500);
  expect(order.slice(0, 2)).toEqual(["first", "large"]);
  await clock.advance(121_000);
  await Promise.all(all);
});

test("gates that share limits in any way never wait for each other for ever (acceptance 25)", async () => {
  const arrival = fc.record({ gate: fc.nat(3), afterMs: fc.nat(5_000), tokens: fc.integer({ min: 1, max: 50 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(arrival, { maxLength: 40 }), async (arrivals) => {
      const clock = manualClock();
      const shared = ["a", "b", "c"].map((name) =>
        createRateLimiter({ clock, name, requestsPerMinute: 4, tokensPerMinute: 100 }),
      );
      const pairs = [
        [0, 1],
        [1, 2],
        [2, 0],
        [0, 1, 2],
      ];
      const gates = pairs.map((pair, index) =>
        createGate({ ...key, model: `m${index}`, clock, limiters: shared.filter((_, at) => pair.includes(at)) }),
      );
      let ended = 0;
      const visit = async (gate: (typeof gates)[number] | undefined, inputTokens: number) => {
        const pass = await gate?.enter({ inputTokens, maxOutputTokens: 0 }, patient);
        pass?.end({ kind: "ignored", usage: undefined });
        ended++;
      };
      for (const { gate, afterMs, tokens } of arrivals) {
        await clock.advance(afterMs);
        void visit(gates[gate], tokens);
      }
      await clock.advance(60 * 60_000);
      expect(ended).toBe(arrivals.length);
      expect(clock.sleeping).toBe(0);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

test("one that needs two limits is not starved by others that take now one, now the other (acceptance 25)", async () => {
  const clock = manualClock();
  const [left, right] = ["left", "right"].map((name) => createRateLimiter({ clock, name, tokensPerMinute: 100 }));
  if (left === undefined || right === undefined) throw new Error("There are two.");
  const both = createGate({ ...key, clock, limiters: [left, right] });
  const stop = new AbortController();
  const press = (limiter: typeof left, model: string) => {
    const gate = createGate({ ...key, model, clock, limiters: [limiter] });
    return Array.from({ length: 10 }, async () => {
      for (;;) {
        const pass = await gate.enter({ inputTokens: 10, maxOutputTokens: 0 }, { ...patient, signal: stop.signal });
        pass.end({ kind: "ignored", usage: undefined });
      }
    });
  };
  // The two limits have room at different times, so that there never is room in both unless one is kept free.
  const pressing = press(left, "l");
  await clock.advance(30_000);
  pressing.push(...press(right, "r"));
  const settled = Promise.allSettled(pressing);
  await clock.advance(10_000);
  let atMs = Number.POSITIVE_INFINITY;
  void both.enter({ inputTokens: 90, maxOutputTokens: 0 }, patient).then(() => (atMs = clock.monotonic()));
  await clock.advance(600_000);
  stop.abort();
  await settled;
  expect(atMs).toBeLessThanOrEqual(40_000 + 60_000 + 60_500);
});

test("its figures are of the last calls, bounded and told apart", async () => {
  const clock = manualClock();
  const gate = createGate({ ...key, clock });
  for (let index = 0; index < 1_000; index++) {
    const pass = await gate.enter(need, patient);
    await clock.advance(100);
    pass.end(index % 4 === 0 ? failed : { kind: "success", usage: { ...usage, outputTokens: 9 }, firstPartMs: 10 });
    gate.markHealthy();
    if (gate.snapshot().cooldownUntilMs !== null) await clock.advance(60_000);
  }
  const snapshot = gate.snapshot();
  expect(snapshot.calls).toBeLessThanOrEqual(256);
  expect(snapshot.errorRate).toBeCloseTo(0.25, 1);
  expect(snapshot).toMatchObject({ latencyP50Ms: 100, latencyP95Ms: 100, firstPartP50Ms: 10, tokensPerSecond: 100 });
  await clock.advance(300_000);
  expect(gate.snapshot()).toMatchObject({ calls: 0, errorRate: 0, latencyP50Ms: null, tokensPerSecond: null });
});

test("a listener that throws keeps no call from giving its places back", async () => {
  const clock = manualClock();
  const thrown: unknown[] = [];
  const onThrown = (error: unknown) => void thrown.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", onThrown);
  const onEvent = () => {
    throw new Error("of the listener");
  };
  const gate = createGate({ ...key, clock, onEvent, breaker: { consecutiveFailures: 1 }, limits: { concurrency: 1 } });
  const pass = await gate.enter(need, { maxWaitMs: 0 });
  const waiting = gate.enter(need, { maxWaitMs: 1_000 });
  pass.end({ kind: "failure", error, usage: undefined });
  await expect(waiting).rejects.toMatchObject({ code: "gate_closed" });
  await new Promise((resolve) => void setImmediate(resolve));
  process.removeAllListeners("uncaughtException");
  for (const other of others) process.on("uncaughtException", other);
  expect(gate.inFlight).toBe(0);
  expect(thrown.length).toBeGreaterThan(0);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -1])("a need of %s tokens is refused at once", async (count) => {
  const gate = createGate({ ...key, limits: { tokensPerMinute: 1_000 } });
  await expect(gate.enter(tokens(count), { maxWaitMs: 1_000 })).rejects.toMatchObject({ code: "invalid_input" });
});

test("a wait of no length is refused, and a limit that is no whole number is never exceeded", async () => {
  const gate = createGate({ ...key, limits: { concurrency: 1.5 } });
  const pass = await gate.enter(need, { maxWaitMs: 0 });
  await expect(gate.enter(need, { maxWaitMs: Number.NaN })).rejects.toMatchObject({ code: "invalid_input" });
  expect(gate.check(need)).toMatchObject({ reason: "concurrency" });
  pass.end({ kind: "ignored", usage: undefined });
});

test("counts and reports of a provider that are no numbers do not stall a gate, or open it wider", async () => {
  const gate = createGate({ ...key, clock: manualClock(), limits: { tokensPerMinute: 100 } });
  const pass = await gate.enter(tokens(40), { maxWaitMs: 0 });
  pass.report({ tokensRemaining: Number.NaN, requestsRemaining: 0, requestsResetMs: Number.NaN });
  pass.end({ kind: "success", usage: { inputTokens: Number.NaN, outputTokens: 1, provenance: "reported" } });
  const next = await gate.enter(tokens(40), { maxWaitMs: 0 });
  next.end({ kind: "success", usage: { inputTokens: -1_000, outputTokens: 1, provenance: "reported" } });
  expect(gate.check(tokens(20))).toEqual({ available: true });
  expect(gate.check(tokens(21))).toMatchObject({ reason: "rate_limited" });
});

test("a cooldown that another gate began is over for those who wait for a place as well", async () => {
  const clock = manualClock();
  const cooldown = createCooldowns({ clock, random: { next: () => 0.5 } });
  const places = createConcurrencyLimiter({ clock, limit: 2 });
  const make = (model: string) => createGate({ ...key, model, clock, cooldown, limiters: [places] });
  const [gate, twin, other] = [make("m"), make("m"), make("n")];
  const [first, second] = [await twin.enter(need, patient), await other.enter(need, patient)];
  const waiting = gate.enter(need, { maxWaitMs: 10_000 });
  const limited = providerErrors.create("provider_rate_limited", "Slower.", { details: { retryAfterMs: 500 } });
  first.end({ kind: "failure", error: limited, usage: undefined });
  second.end({ kind: "ignored", usage: undefined });
  await clock.advance(500);
  expect(gate.inFlight).toBe(1);
  (await waiting).end({ kind: "ignored", usage: undefined });
});
