import { expect, test } from "vitest";
import { manualClock } from "../../testing/index.ts";
import { providerErrors } from "../errors.ts";
import type { ProviderErrorCode } from "../errors.ts";
import { createCooldowns } from "./cooldown.ts";
import { createGate } from "./create-gate.ts";
import { createHealthCheck } from "./health.ts";

const random = { next: () => 0.5 };
const need = { inputTokens: 1, maxOutputTokens: 1 };
const usage = { inputTokens: 1, outputTokens: 1, provenance: "reported" } as const;

function failure(code: ProviderErrorCode) {
  return providerErrors.create(code, "It failed.", { details: { phase: "connect" } });
}

function setUp(answer: () => Promise<unknown> = () => Promise.resolve([])) {
  const clock = manualClock();
  const cooldown = createCooldowns({ clock, random });
  const make = (model: string, keyId: string) => createGate({ provider: "p", model, keyId, cooldown, clock, random });
  const gates = [make("small", "key-1"), make("large", "key-1")] as const;
  const asked: number[] = [];
  const health = createHealthCheck({
    gates,
    check: () => {
      asked.push(clock.monotonic());
      return answer();
    },
    clock,
    random,
  });
  return { clock, gates, other: make("small", "key-2"), health, asked };
}

async function call(gate: ReturnType<typeof createGate>, error?: ReturnType<typeof failure>) {
  const pass = await gate.enter(need, { maxWaitMs: 0 });
  pass.end(error === undefined ? { kind: "success", usage } : { kind: "failure", error, usage: undefined });
}

test("what real calls show makes a check needless, until there were none for an interval (acceptance 27)", async () => {
  const { clock, gates, health, asked } = setUp();
  await call(gates[1]);
  await clock.advance(59_000);
  expect(await health.refresh()).toMatchObject({ status: "healthy", source: "calls" });
  expect(asked).toEqual([]);
  await clock.advance(1_000);
  expect(await health.refresh()).toMatchObject({ status: "healthy", source: "check" });
  expect(asked).toEqual([60_000]);
});

test("a result is kept for an interval, and callers at the same time share one check (acceptance 27)", async () => {
  const { clock, health, asked } = setUp();
  await Promise.all([health.refresh(), health.refresh(), health.refresh()]);
  await clock.advance(59_999);
  await health.refresh();
  expect(asked).toEqual([0]);
  await clock.advance(1);
  await health.refresh();
  expect(asked).toEqual([0, 60_000]);
});

test("intervals differ by the jitter, so that many do not check together (acceptance 27)", async () => {
  const clock = manualClock();
  const draws = [0, 0.999, 0.5];
  const asked: number[] = [];
  const check = () => Promise.resolve(asked.push(clock.monotonic()));
  const health = createHealthCheck({ gates: [], check, clock, random: { next: () => draws.shift() ?? 0.5 } });
  await health.refresh();
  await clock.advance(48_000);
  await health.refresh();
  await clock.advance(71_900);
  await health.refresh();
  expect(asked).toEqual([0, 48_000]);
  await clock.advance(100);
  await health.refresh();
  expect(asked).toHaveLength(3);
});

test.each(["provider_authentication", "provider_permission"] as const)(
  "%s takes that key out of use for all models of the provider, and no other key (acceptance 27)",
  async (code) => {
    const { gates, other, health } = setUp(() => Promise.reject(failure(code)));
    expect(await health.refresh()).toMatchObject({ status: "key_disabled", code });
    for (const gate of gates) expect(gate.check(need)).toMatchObject({ available: false, reason: "key_disabled" });
    expect(other.check(need)).toEqual({ available: true });
    gates[0].enableKey();
    expect(gates[1].check(need)).toEqual({ available: true });
  },
);

test("a key that a check found refused is checked again, and used when it is accepted", async () => {
  let accepted = false;
  const { clock, gates, health } = setUp(() =>
    accepted ? Promise.resolve() : Promise.reject(failure("provider_authentication")),
  );
  expect(await health.refresh()).toMatchObject({ status: "key_disabled" });
  accepted = true;
  await clock.advance(60_000);
  expect(await health.refresh()).toMatchObject({ status: "healthy" });
  expect(gates[0].check(need)).toEqual({ available: true });
});

test("a provider that cannot be reached closes its gates until the next check is due", async () => {
  const { clock, gates, health } = setUp(() => Promise.reject(failure("provider_unreachable")));
  expect(await health.refresh()).toMatchObject({ status: "unhealthy", code: "provider_unreachable" });
  const retryAtMs = clock.now() + 60_000;
  expect(gates[0].check(need)).toEqual({ available: false, reason: "unhealthy", retryAtMs });
  await expect(gates[0].enter(need, { maxWaitMs: 120_000 })).rejects.toMatchObject({
    code: "gate_closed",
    details: { reason: "unhealthy", retryAtMs },
  });
  await clock.advance(60_000);
  expect(gates[0].check(need)).toEqual({ available: true });
});

test("a check that is never answered ends at its timeout and leaves no timer", async () => {
  const { clock, health } = setUp(() => new Promise(() => {}));
  const refreshed = health.refresh();
  await clock.waitForSleepers(1);
  await clock.advance(5_000);
  expect(await refreshed).toMatchObject({ status: "unhealthy", code: "timed_out" });
  expect(clock.sleeping).toBe(0);
});

test("a provider without a list of models is neither well nor unwell", async () => {
  const { gates, health } = setUp(() => Promise.reject(failure("provider_invalid_request")));
  expect(await health.refresh()).toMatchObject({ status: "unknown" });
  expect(gates[0].check(need)).toEqual({ available: true });
});

test("calls that fail show it as well: an open breaker needs no check (acceptance 27)", async () => {
  const clock = manualClock();
  const gate = createGate({
    provider: "p",
    model: "m",
    keyId: "k",
    breaker: { consecutiveFailures: 1 },
    clock,
    random,
  });
  await call(gate, failure("provider_error"));
  const check = () => Promise.reject(new Error("It must not be asked."));
  const health = createHealthCheck({ gates: [gate], check, clock, random });
  expect(await health.refresh()).toMatchObject({ status: "unhealthy", source: "calls" });
});

test("started, it checks once an interval without traffic until it is disposed of", async () => {
  const { clock, health, asked } = setUp();
  {
    using _started = health.start();
    await clock.advance(0);
    await clock.advance(180_000);
    expect(asked).toEqual([0, 60_000, 120_000, 180_000]);
  }
  await clock.advance(600_000);
  expect(asked).toHaveLength(4);
  expect(clock.sleeping).toBe(0);
});

test("a caller that gives up waiting does not stop the check of the others", async () => {
  const answer = Promise.withResolvers<unknown>();
  const { health, asked } = setUp(() => answer.promise);
  const stop = new AbortController();
  const first = health.refresh({ signal: stop.signal });
  const second = health.refresh();
  stop.abort();
  await expect(first).rejects.toBe(stop.signal.reason);
  answer.resolve([]);
  expect(await second).toMatchObject({ status: "healthy" });
  expect(asked).toHaveLength(1);
});
