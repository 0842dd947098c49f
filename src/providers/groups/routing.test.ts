import { describe, expect, it } from "vitest";
import { createBudget, isAtlasError, seededRandom } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { providerErrors } from "../errors.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Model, ModelCapabilities, ModelRequest } from "../model.ts";
import { createGate } from "../resilience/create-gate.ts";
import type { Gate, CallOutcome } from "../resilience/gate.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { isReport } from "./call-recorder.ts";
import { group, guarded } from "./group.ts";
import { roundRobin } from "./strategies/round-robin.ts";

const request: ModelRequest = { messages: [userMessage("Why does bread rise?")] };

/** Says one turn for each call, the last one for all that follow, and counts the calls. */
function sequence(name: string, turns: readonly ScriptedTurn[], capabilities: Partial<ModelCapabilities> = {}) {
  let calls = 0;
  const requests: ModelRequest[] = [];
  const inner = scripted(() => turns[Math.min(calls++, turns.length - 1)], { provider: name, name: "m", capabilities });
  const model: Model = {
    ...inner,
    stream(asked, options) {
      requests.push(asked);
      return inner.stream(asked, options);
    },
  };
  return { model, requests, calls: () => calls };
}

function limited(retryAfterMs: number): ScriptedTurn {
  const details = { provider: "a", model: "m", retryAfterMs };
  return { error: providerErrors.create("provider_rate_limited", "Too many.", { details }) };
}

function watched(gate: Gate): { gate: Gate; ends: CallOutcome["kind"][] } {
  const ends: CallOutcome["kind"][] = [];
  return {
    ends,
    gate: {
      get inFlight() {
        return gate.inFlight;
      },
      check: (need) => gate.check(need),
      async enter(need, options) {
        const pass = await gate.enter(need, options);
        return {
          id: pass.id,
          report: (limits) => pass.report(limits),
          end(outcome) {
            ends.push(outcome.kind);
            pass.end(outcome);
          },
        };
      },
    },
  };
}

const gateOf = (provider: string, options = {}) => createGate({ provider, model: "m", keyId: "k", ...options });
const random = seededRandom(1);

describe("retries have one owner", () => {
  it("which waits out a short Retry-After on the same model (acceptance 17)", async () => {
    const clock = manualClock();
    const a = sequence("a", [limited(1_500), { text: "Yeast." }]);
    const answer = generate(guarded(a.model, { clock, random }), request);
    await clock.waitForSleepers(1);
    expect(a.calls()).toBe(1);
    await clock.advance(1_499);
    expect(a.calls()).toBe(1);
    await clock.advance(1_001);
    expect((await answer).text).toBe("Yeast.");
  });

  it("which asks another model at once where the wait is long, or there is no wait to keep (acceptance 17)", async () => {
    for (const turn of [limited(60_000), { error: "provider_error" } as const]) {
      const a = sequence("a", [turn]);
      const b = sequence("b", [{ text: "Yeast." }]);
      const clock = manualClock();
      const answer = await generate(group({ name: "g", members: [a.model, b.model], clock, random }), request);
      expect(answer.text).toBe("Yeast.");
      expect([a.calls(), b.calls(), clock.sleeping]).toEqual([1, 1, 0]);
    }
  });

  it("which stops at maxAttempts over all models, waiting between rounds (acceptance 17)", async () => {
    const clock = manualClock();
    const a = sequence("a", [{ error: "provider_error" }]);
    const b = sequence("b", [{ error: "provider_error" }]);
    const from = group({ name: "g", members: [a.model, b.model], clock, random, retry: { maxAttempts: 3 } });
    const outcome = generate(from, request).catch((error: unknown) => error);
    await clock.waitForSleepers(1);
    await clock.advance(60_000);
    expect(await outcome).toMatchObject({ code: "provider_error" });
    expect(a.calls() + b.calls()).toBe(3);
  });

  it("which begins no attempt after maxTotalMs (acceptance 17)", async () => {
    const clock = manualClock();
    const slow: Model = scripted(() => ({ delayMs: 5_000, error: "provider_error" }), {
      provider: "a",
      name: "m",
      clock,
    });
    const outcome = generate(guarded(slow, { clock, random, retry: { maxTotalMs: 4_000 } }), request).catch(
      (error: unknown) => error,
    );
    await clock.waitForSleepers(1);
    await clock.advance(5_000);
    expect(await outcome).toMatchObject({ code: "provider_error", details: { report: { attempts: [{}] } } });
    expect(clock.sleeping).toBe(0);
  });

  it.each(["provider_invalid_request", "provider_content_filter"] as const)(
    "which tries nothing again after %s (acceptance 17)",
    async (error) => {
      const a = sequence("a", [{ error }]);
      const b = sequence("b", [{ text: "x" }]);
      await expect(generate(group({ name: "g", members: [a.model, b.model] }), request)).rejects.toMatchObject({
        code: error,
      });
      expect([a.calls(), b.calls()]).toEqual([1, 0]);
    },
  );

  it("which sends no more than a fifth of extra requests in an outage (acceptance 17)", async () => {
    const a = sequence("a", [{ error: "provider_error" }]);
    const open: Gate = {
      inFlight: 0,
      check: () => ({ available: true }),
      enter: () => Promise.resolve({ id: "p", report: () => {}, end: () => {} }),
    };
    const from = guarded(a.model, { gate: open, random, retry: { baseDelayMs: 0 } });
    for (let call = 0; call < 200; call++) await generate(from, request).catch(() => {});
    expect(a.calls()).toBeGreaterThanOrEqual(200);
    expect(a.calls()).toBeLessThanOrEqual(240);
  });

  it("which looks at the cooldown again before each attempt, and tells the gate at the end of the stream (acceptance 19)", async () => {
    const clock = manualClock();
    const { gate, ends } = watched(gateOf("a", { clock, random }));
    const a = sequence("a", [limited(1_000), { text: "Yeast." }]);
    const answer = generate(guarded(a.model, { clock, random, gate }), request);
    await clock.waitForSleepers(1);
    expect(gate.check({ inputTokens: 1, maxOutputTokens: 1 })).toMatchObject({ reason: "cooldown" });
    await clock.advance(2_000);
    await answer;
    expect(ends).toEqual(["failure", "success"]);
    const reader = guarded(sequence("a", [{ text: "Yeast breathes." }]).model, { clock, random, gate });
    for await (const part of reader.stream(request)) if (part.type === "text.delta") break;
    await expect(
      generate(guarded(sequence("a", [{ error: "provider_invalid_request" }]).model, { gate }), request),
    ).rejects.toThrow();
    expect(ends.slice(2)).toEqual(["ignored", "ignored"]);
    expect(gate.inFlight).toBe(0);
  });
});

describe("when no member can take a call", () => {
  it("the error names each with its reason and the earliest time to try again (acceptance 20)", async () => {
    const clock = manualClock(1_000_000);
    const gates = [gateOf("a", { clock, random }), gateOf("b", { clock, random })];
    gates[0]?.markUnhealthy(90_000, "provider_error");
    gates[1]?.markUnhealthy(40_000, "provider_error");
    const from = group({
      name: "g",
      clock,
      random,
      members: [
        { model: sequence("a", [{ text: "x" }]).model, gate: gates[0] },
        { model: sequence("b", [{ text: "x" }]).model, gate: gates[1] },
        sequence("c", [{ text: "x" }], { tools: "none" }).model,
        sequence("d", [{ text: "x" }], { contextTokens: 3 }).model,
      ],
    });
    const tools = [{ name: "t", description: "d", inputSchema: {} }];
    const error: unknown = await generate(from, { ...request, tools }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "no_provider_available",
      retry: "later",
      details: {
        group: "g",
        retryAtMs: 1_040_000,
        candidates: [
          { provider: "a", reason: "unhealthy", retryAtMs: 1_090_000 },
          { provider: "b", reason: "unhealthy", retryAtMs: 1_040_000 },
          { provider: "c", reason: "capability", detail: "takes no tools" },
          { provider: "d", reason: "context_length" },
        ],
        report: { attempts: [] },
      },
    });
  });

  it("because all have failed, that is said of each, and is no 429 (acceptance 20)", async () => {
    const members = [sequence("a", [limited(60_000)]).model, sequence("b", [{ error: "provider_quota" }]).model];
    const error: unknown = await generate(group({ name: "g", members }), request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "no_provider_available",
      status: 503,
      details: {
        candidates: [
          { reason: "already_failed", detail: "provider_rate_limited" },
          { reason: "already_failed", detail: "provider_quota" },
        ],
      },
    });
  });

  it("because keys and accounts are refused, waiting does not help (acceptance 20)", async () => {
    const members = [
      sequence("a", [{ error: "provider_authentication" }]).model,
      sequence("b", [{ error: "provider_permission" }]).model,
    ];
    await expect(generate(group({ name: "g", members }), request)).rejects.toMatchObject({
      code: "no_provider_available",
      retry: "changed",
    });
  });

  it("names a single model by its own name, with when to try again (acceptance 20)", async () => {
    const gate = createGate({ provider: "a", model: "m", keyId: "k", clock: manualClock(1_000_000) });
    gate.markUnhealthy(60_000, "provider_error");
    await expect(generate(guarded(sequence("a", [{}]).model, { gate }), request)).rejects.toMatchObject({
      code: "no_provider_available",
      message: "a/m can not take the call (unhealthy). It may be tried again at 1970-01-01T00:17:40.000Z.",
    });
  });

  it("and waiting can not help, only another request can (acceptance 20)", async () => {
    const from = group({
      name: "g",
      members: [sequence("a", [{}], { files: [] }).model, sequence("b", [{}], { files: [] }).model],
    });
    const file = { type: "file", mediaType: "image/png", data: "" } as const;
    await expect(generate(from, { messages: [{ role: "user", content: [file] }] })).rejects.toMatchObject({
      code: "no_provider_available",
      retry: "changed",
    });
  });
});

describe("a request that is too long for a member", () => {
  const long = (name: string, contextTokens: number | null) =>
    sequence(name, [{ error: "provider_context_length" }], { contextTokens });

  it("is not sent to those that read no more than it", async () => {
    const [first, smaller, same] = [long("a", 8_000), long("b", 4_000), long("c", 8_000)];
    const larger = sequence("d", [{ text: "Yeast." }], { contextTokens: 32_000 });
    const members = [first, smaller, same, larger].map((each) => each.model);
    const { report } = await generate(group({ name: "g", members }), request);
    expect(report?.attempts.map((each) => each.provider)).toEqual(["a", "d"]);
    expect(report?.selections[1]?.rejected).toMatchObject([
      { provider: "a", reason: "already_failed" },
      { provider: "b", reason: "context_length", detail: "reads no more than a/m, for which the request is too long" },
      { provider: "c", reason: "context_length" },
    ]);
  });

  it("is too long, and not a matter of waiting, when it is so for all", async () => {
    const members = [long("a", 8_000), long("b", 4_000), long("c", null)].map((each) => each.model);
    await expect(generate(group({ name: "g", members }), request)).rejects.toMatchObject({
      code: "provider_context_length",
      retry: "changed",
    });
  });
});

it("a group of many members lists ten of them for a choice", async () => {
  const members = Array.from({ length: 100 }, (_, index) => sequence(`p${index}`, [{ error: "provider_error" }]).model);
  const error = await generate(group({ name: "g", members }), request).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const report = isAtlasError(error) && isReport(error.details["report"]) ? error.details["report"] : undefined;
  expect(report?.selections[3]).toMatchObject({ chosen: "p3/m", omitted: 87 });
  expect(report?.selections[3]?.candidates.length).toBe(10);
  expect(JSON.stringify(report).length).toBeLessThan(5_000);
});

describe("a budget", () => {
  const usage = { inputTokens: 10, outputTokens: 4 };

  it("is settled with what all attempts used, and released by those that used nothing (acceptance 15)", async () => {
    const budget = createBudget("run", { maxTokens: 5_000 });
    const members = [sequence("a", [limited(60_000)]).model, sequence("b", [{ text: "Yeast.", usage }]).model];
    const { report } = await generate(group({ name: "g", members }), request, { budget });
    expect(budget.reserved.tokens).toBe(0);
    expect(budget.spent.tokens).toBe((report?.usage.inputTokens ?? 0) + (report?.usage.outputTokens ?? 0));
  });

  it("that is too small for any member is the error, with nothing sent (acceptance 15)", async () => {
    const a = sequence("a", [{ text: "x" }]);
    const b = sequence("b", [{ text: "x" }]);
    const budget = createBudget("run", { maxTokens: 10 });
    await expect(
      generate(group({ name: "g", members: [a.model, b.model] }), request, { budget }),
    ).rejects.toMatchObject({ code: "budget_exceeded" });
    expect([a.calls(), b.calls(), budget.reserved.tokens]).toEqual([0, 0, 0]);
  });

  it("stops an answer within a part of its limit and keeps what there is (acceptance 16)", async () => {
    const text = "All work and no play makes a dull loaf. ".repeat(200);
    const a = scripted(() => ({ text }), { provider: "a", name: "m", chunkSize: 40 });
    const budget = createBudget("run", { maxTokens: 1_200 });
    const answer = await generate(guarded(a), request, { budget });
    expect(answer.finishReason).toBe("budget");
    expect(text.startsWith(answer.text)).toBe(true);
    expect(answer.report?.attempts[0]).toMatchObject({ outcome: "budget" });
    const used = answer.usage.inputTokens + answer.usage.outputTokens;
    expect(used).toBeGreaterThan(1_100);
    expect(used).toBeLessThanOrEqual(1_210);
    expect(budget.reserved.tokens).toBe(0);
    expect(budget.spent.tokens).toBe(used);
  });
});

describe("the session of a call", () => {
  const session = "run_1";
  const names = async (from: Model, count: number, asked = session): Promise<string[]> => {
    const chosen: string[] = [];
    for (let call = 0; call < count; call++) {
      const { report } = await generate(from, request, { session: asked });
      chosen.push(report?.attempts.at(-1)?.provider ?? "");
    }
    return chosen;
  };

  it("stays on its member until its time is over (acceptance 23)", async () => {
    const clock = manualClock();
    const members = ["a", "b", "c", "d"].map((name) => sequence(name, [{ text: "x" }]).model);
    const from = group({ name: "g", members, strategy: roundRobin(), affinity: { ttlMs: 1_000 }, clock });
    expect(await names(from, 3)).toEqual(["a", "a", "a"]);
    expect(await names(from, 1, "run_2")).toEqual(["b"]);
    await clock.advance(1_000);
    expect(await names(from, 2)).toEqual(["c", "c"]);
  });

  it("moves for good when its member fails (acceptance 23)", async () => {
    const a = sequence("a", [{ text: "x" }, { error: "provider_error" }, { text: "x" }]);
    const b = sequence("b", [{ text: "x" }]);
    const from = group({ name: "g", members: [a.model, b.model], affinity: { ttlMs: 60_000 } });
    expect(await names(from, 4)).toEqual(["a", "b", "b", "b"]);
  });

  it("escapes a member that is full, and comes back to it (acceptance 23)", async () => {
    const gate = gateOf("a", { limits: { concurrency: 1 } });
    const a = sequence("a", [{ text: "x" }]);
    const b = sequence("b", [{ text: "x" }]);
    const from = group({ name: "g", members: [{ model: a.model, gate }, b.model], affinity: { ttlMs: 60_000 } });
    expect(await names(from, 1)).toEqual(["a"]);
    const pass = await gate.enter({ inputTokens: 1, maxOutputTokens: 1 }, { maxWaitMs: 0 });
    expect(await names(from, 1)).toEqual(["b"]);
    pass.end({ kind: "ignored", usage: undefined });
    expect(await names(from, 1)).toEqual(["a"]);
  });
});

describe("a member that is busy", () => {
  it("is waited for when all are, the one that is free again first", async () => {
    const gate = gateOf("a", { limits: { concurrency: 1 } });
    const pass = await gate.enter({ inputTokens: 1, maxOutputTokens: 1 }, { maxWaitMs: 0 });
    const answer = generate(guarded(sequence("a", [{ text: "Yeast." }]).model, { gate }), request);
    pass.end({ kind: "ignored", usage: undefined });
    expect((await answer).text).toBe("Yeast.");
  });

  it("says itself that a request is too large for it (acceptance 25)", async () => {
    const gate = gateOf("a", { limits: { tokensPerMinute: 20 } });
    await expect(generate(guarded(sequence("a", [{ text: "x" }]).model, { gate }), request)).rejects.toMatchObject({
      code: "rate_limit_too_small",
    });
  });
});
