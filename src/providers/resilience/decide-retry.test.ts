import { describe, expect, test } from "vitest";
import { baseErrors, seededRandom } from "../../base/index.ts";
import type { JsonObject } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import type { ProviderErrorCode } from "../errors.ts";
import { faultError } from "../transport/fault.ts";
import { faultOfResponse } from "../transport/fault-of.ts";
import { type RetryState, decideRetry } from "./decide-retry.ts";
import { type RetryPolicy, retryPolicy } from "./retry-policy.ts";

const random = { next: () => 0.5 };

function failure(code: ProviderErrorCode, details: JsonObject = {}) {
  return providerErrors.create(code, "It failed.", { details: { phase: "headers", ...details } });
}

function state(policy: Partial<RetryPolicy> = {}, known: Partial<RetryState> = {}): RetryState {
  return { policy: retryPolicy(policy), attempts: 1, elapsedMs: 0, random, ...known };
}

describe("what follows an error", () => {
  test.each([
    ["provider_error", { status: 500 }, "retry"],
    ["provider_error", { status: 529 }, "retry"],
    ["provider_error", { phase: "stream" }, "retry"],
    ["provider_rate_limited", { status: 429 }, "retry"],
    ["provider_unreachable", { phase: "connect" }, "retry"],
    ["provider_timeout", { phase: "connect" }, "retry"],
    ["provider_timeout", { status: 408 }, "retry"],
    ["provider_quota", { status: 429 }, "fallback"],
    ["provider_authentication", { status: 401 }, "fallback"],
    ["provider_permission", { status: 403 }, "fallback"],
    ["provider_context_length", { status: 400 }, "fallback"],
    ["model_not_found", { status: 404 }, "fallback"],
    ["provider_invalid_request", { status: 400 }, "stop"],
    ["provider_content_filter", { status: 400 }, "stop"],
    ["gate_closed", {}, "fallback"],
    ["rate_limit_too_small", {}, "fallback"],
    ["script_exhausted", {}, "stop"],
  ] as const)("%s %o leads to %s (acceptance 17)", (code, details: JsonObject, kind) => {
    expect(decideRetry(failure(code, details), state()).kind).toBe(kind);
  });

  test.each(["cancelled", "budget_exceeded", "internal_error"] as const)("%s stops (acceptance 17)", (code) => {
    expect(decideRetry(baseErrors.create(code, "It ended."), state()).kind).toBe("stop");
  });

  test("a wrong request and the content policy may lead to another member where that is wanted (acceptance 17)", () => {
    const open = state({ onInvalidRequest: "fallback", onContentPolicy: "fallback" });
    expect(decideRetry(failure("provider_invalid_request"), open).kind).toBe("fallback");
    expect(decideRetry(failure("provider_content_filter"), open).kind).toBe("fallback");
  });
});

describe("bounds", () => {
  test("attempts and total time are capped for the whole call (acceptance 17)", () => {
    const error = failure("provider_error", { status: 500 });
    expect(decideRetry(error, state({ maxAttempts: 3 }, { attempts: 2 })).kind).toBe("retry");
    expect(decideRetry(error, state({ maxAttempts: 3 }, { attempts: 3 })).kind).toBe("stop");
    expect(decideRetry(error, state({ maxTotalMs: 1_000 }, { elapsedMs: 1_000 })).kind).toBe("stop");
    expect(decideRetry(error, state({ maxTotalMs: 1_000 }, { elapsedMs: 900 })).kind).toBe("fallback");
  });

  test("the wait is drawn between 0 and a bound that doubles up to its cap (acceptance 17)", () => {
    const error = failure("provider_error", { status: 500 });
    const policy = { maxAttempts: 100, baseDelayMs: 100, maxDelayMs: 1_000, maxTotalMs: 1e9 };
    const drawn = seededRandom(7);
    for (const [attempts, boundMs] of [
      [1, 100],
      [2, 200],
      [3, 400],
      [4, 800],
      [5, 1_000],
      [99, 1_000],
    ] as const) {
      const delays = Array.from({ length: 400 }, () => {
        const decision = decideRetry(error, state(policy, { attempts, random: drawn }));
        return decision.kind === "retry" ? decision.delayMs : Number.NaN;
      });
      expect(Math.max(...delays)).toBeLessThanOrEqual(boundMs);
      expect(Math.max(...delays)).toBeGreaterThan(boundMs * 0.9);
      expect(Math.min(...delays)).toBeLessThan(boundMs * 0.1);
    }
  });

  test("options that make no sense are refused", () => {
    expect(() => retryPolicy({ maxAttempts: 0 })).toThrow(/maxAttempts is 0; set it to 1 or more/);
    expect(() => retryPolicy({ baseDelayMs: -1 })).toThrow(/baseDelayMs/);
    expect(() => retryPolicy({ maxTotalMs: Number.NaN })).toThrow(/maxTotalMs/);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const told = (headers: Readonly<Record<string, string>>, status = 429) =>
    faultError(
      faultOfResponse({ status, header: (name) => headers[name] }, undefined, now),
      { provider: "p", secrets: [] },
      { phase: "headers" },
    );

  test.each([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "Thu, 01 Jan 2026 00:00:03 GMT" }, 3_000],
    [{ "retry-after-ms": "1234" }, 1_234],
  ])("%o is waited for, and a little of one's own (acceptance 17)", (headers: Readonly<Record<string, string>>, ms) => {
    for (const status of [429, 503]) {
      expect(decideRetry(told(headers, status), state({ baseDelayMs: 100 }))).toMatchObject({
        kind: "retry",
        delayMs: ms + 50,
      });
    }
  });

  test("that is longer than longestWaitMs leads to another member (acceptance 17)", () => {
    expect(decideRetry(told({ "retry-after": "11" }), state({ longestWaitMs: 10_000 })).kind).toBe("fallback");
    expect(decideRetry(told({ "retry-after": "10" }), state({ longestWaitMs: 10_000 })).kind).toBe("retry");
  });
});

describe("an ambiguous failure", () => {
  test.each([
    ["provider_timeout", { phase: "headers" }],
    ["provider_timeout", { phase: "stream" }],
    ["provider_unreachable", { phase: "headers" }],
    ["stream_interrupted", { phase: "stream" }],
    ["provider_malformed_response", { phase: "stream" }],
    ["provider_error", { phase: "headers", status: 504 }],
  ] as const)("%s %o is tried again only by policy, and marked (acceptance 18)", (code, details: JsonObject) => {
    const error = failure(code, details);
    expect(decideRetry(error, state())).toMatchObject({ kind: "fallback", possiblyBilledTwice: true });
    const decision = decideRetry(error, state({ retryAmbiguous: true }));
    expect(decision).toMatchObject({ kind: "retry", possiblyBilledTwice: true });
  });

  test("is none where nothing was sent, or the provider itself said that it failed (acceptance 18)", () => {
    for (const error of [
      failure("provider_unreachable", { phase: "connect" }),
      failure("provider_error", { status: 503 }),
      failure("provider_rate_limited", { status: 429 }),
    ]) {
      expect(decideRetry(error, state({ retryAmbiguous: true }))).not.toHaveProperty("possiblyBilledTwice");
    }
  });
});
