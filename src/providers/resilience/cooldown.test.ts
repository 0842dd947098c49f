import { expect, test } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { seededRandom } from "../../base/index.ts";
import { manualClock } from "../../testing/index.ts";
import { providerErrors } from "../errors.ts";
import type { ProviderErrorCode } from "../errors.ts";
import { type CooldownOptions, createCooldowns } from "./cooldown.ts";
import { createGate } from "./create-gate.ts";

const key = { provider: "p", model: "m", keyId: "k" };
const need = { inputTokens: 1, maxOutputTokens: 1 };

function failure(code: ProviderErrorCode, details: JsonObject = {}) {
  return providerErrors.create(code, "It failed.", { details: { phase: "headers", ...details } });
}

function setUp(options: Partial<CooldownOptions> = {}, random = { next: () => 0.5 }) {
  const clock = manualClock();
  const cooldowns = createCooldowns({ clock, random, ...options });
  const failed = (code: ProviderErrorCode, details: JsonObject = {}) =>
    cooldowns.of(key).failed({ error: failure(code, details), beganMs: clock.monotonic() });
  return { clock, cooldowns, cooldown: cooldowns.of(key), failed };
}

test.each([
  ["provider_rate_limited", 429],
  ["provider_error", 503],
] as const)("%s with Retry-After (%i) cools down for as long as it says (acceptance 19)", async (code, status) => {
  const { clock, cooldown, failed } = setUp();
  failed(code, { status, retryAfterMs: 7_000 });
  expect(cooldown.leftMs).toBe(7_000);
  await clock.advance(7_000);
  expect(cooldown.leftMs).toBe(0);
});

test("the deadline is the latest of all, whatever comes after (acceptance 19)", () => {
  const { cooldown, failed, clock } = setUp();
  failed("provider_rate_limited", { retryAfterMs: 30_000 });
  failed("provider_rate_limited", { retryAfterMs: 2_000 });
  cooldown.succeeded(clock.monotonic());
  expect(cooldown.leftMs).toBe(30_000);
});

test("it is of one provider, model and key alone (acceptance 19)", () => {
  const { cooldowns, failed } = setUp();
  failed("provider_rate_limited", { retryAfterMs: 30_000 });
  for (const other of [{ provider: "q" }, { model: "n" }, { keyId: "l" }]) {
    expect(cooldowns.of({ ...key, ...other }).leftMs).toBe(0);
  }
  expect(cooldowns.of({ ...key }).leftMs).toBe(30_000);
});

test("failures in a row cool down ever longer, drawn below a bound with a cap (acceptance 19)", async () => {
  const bounds = [0, 0, 1_000, 2_000, 4_000, 5_000, 5_000];
  const drawn: number[][] = bounds.map(() => []);
  const random = seededRandom(3);
  for (let round = 0; round < 200; round++) {
    const { clock, cooldown, failed } = setUp({ failures: 3, baseMs: 1_000, maxMs: 5_000 }, random);
    for (const waits of drawn) {
      failed("provider_error", { status: 500 });
      waits.push(cooldown.leftMs);
      await clock.advance(cooldown.leftMs);
    }
  }
  for (const [index, bound] of bounds.entries()) {
    expect(Math.max(...(drawn[index] ?? []))).toBeLessThanOrEqual(bound);
    expect(Math.max(...(drawn[index] ?? []))).toBeGreaterThanOrEqual(bound * 0.9);
    expect(Math.min(...(drawn[index] ?? []))).toBeLessThanOrEqual(bound * 0.1);
  }
});

test("calls that fail together are one failure, and a success starts the row again (acceptance 19)", async () => {
  const { clock, cooldown, failed } = setUp({ failures: 3 });
  await clock.advance(10);
  for (let index = 0; index < 20; index++) cooldown.failed({ error: failure("provider_error"), beganMs: 0 });
  failed("provider_error");
  expect(cooldown.leftMs).toBe(0);
  await clock.advance(10);
  cooldown.succeeded(clock.monotonic());
  failed("provider_error");
  expect(cooldown.leftMs).toBe(0);
});

test("a stale success, of a call from before the last failure, does not start the row again (acceptance 19)", async () => {
  const { clock, cooldown, failed } = setUp({ failures: 2 });
  await clock.advance(10);
  failed("provider_error");
  cooldown.succeeded(5);
  failed("provider_error");
  expect(cooldown.leftMs).toBe(500);
});

test("a used-up quota cools down for the longest time; a wrong request and a cancel do not (acceptance 19)", () => {
  const { cooldown, failed } = setUp({ failures: 1, maxMs: 60_000 });
  for (const code of ["provider_invalid_request", "provider_context_length", "gate_closed"] as const) failed(code);
  expect(cooldown.leftMs).toBe(0);
  failed("provider_quota");
  expect(cooldown.leftMs).toBe(60_000);
});

test("a cooldown is waited for by those who may wait, and told to the others with its end (acceptance 19)", async () => {
  const clock = manualClock();
  const gate = createGate({ ...key, clock, random: { next: () => 0.5 } });
  const pass = await gate.enter(need, { maxWaitMs: 0 });
  const error = failure("provider_rate_limited", { status: 429, retryAfterMs: 4_000 });
  pass.end({ kind: "failure", error, usage: undefined });
  const retryAtMs = clock.now() + 4_000;
  expect(gate.check(need)).toEqual({ available: false, reason: "cooldown", retryAtMs });
  await expect(gate.enter(need, { maxWaitMs: 3_999 })).rejects.toMatchObject({
    details: { reason: "cooldown", retryAtMs },
  });
  const waiting = gate.enter(need, { maxWaitMs: 4_000 });
  await clock.advance(4_000);
  expect((await waiting).id).toMatch(/^pass_/);
});

function threeGates() {
  const clock = manualClock();
  const cooldown = createCooldowns({ clock, random: { next: () => 0.5 } });
  const make = (model: string, keyId: string) => createGate({ provider: "p", model, keyId, cooldown, clock });
  const refuse = async (gate: ReturnType<typeof make>, code: "provider_authentication" | "provider_permission") =>
    (await gate.enter(need, { maxWaitMs: 0 })).end({ kind: "failure", error: failure(code), usage: undefined });
  return { clock, refuse, gates: [make("m", "k"), make("n", "k"), make("m", "l")] as const };
}

test("a key that is not accepted is out of use for all models until it is tried again or enabled, and no other key (acceptance 19)", async () => {
  const { clock, refuse, gates } = threeGates();
  const [gate, sibling, other] = gates;
  await refuse(gate, "provider_authentication");
  const retryAtMs = clock.now() + 600_000;
  await clock.advance(599_999);
  for (const closed of [gate, sibling]) {
    expect(closed.check(need)).toEqual({ available: false, reason: "key_disabled", retryAtMs });
    await expect(closed.enter(need, { maxWaitMs: 1e9 })).rejects.toMatchObject({
      details: { reason: "key_disabled" },
    });
  }
  expect(other.check(need)).toEqual({ available: true });
  await clock.advance(1);
  expect(gate.check(need)).toEqual({ available: true });
  await refuse(sibling, "provider_authentication");
  expect(gate.check(need)).toMatchObject({ reason: "key_disabled" });
  gate.enableKey();
  expect(sibling.check(need)).toEqual({ available: true });
});

test("a key that may not use one model stays in use for the others (acceptance 19)", async () => {
  const { refuse, gates } = threeGates();
  const [gate, sibling] = gates;
  await refuse(gate, "provider_permission");
  expect(gate.check(need)).toMatchObject({ reason: "key_disabled" });
  expect(sibling.check(need)).toEqual({ available: true });
  sibling.enableKey();
  expect(gate.check(need)).toEqual({ available: true });
});

test("a wait that is no number does not close a gate for ever", async () => {
  const { cooldown, failed } = setUp();
  failed("provider_rate_limited", { retryAfterMs: Number.NaN });
  expect(cooldown.leftMs).toBeLessThanOrEqual(1_000);
});
