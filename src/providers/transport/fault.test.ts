import { describe, expect, it } from "vitest";
import { providerErrors } from "../errors.ts";
import { faultError, scrub } from "./fault.ts";
import { faultOfBody, faultOfResponse, faultOfTransport, readRetryAfter } from "./fault-of.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const headersOf = (headers: Readonly<Record<string, string>>) => (name: string) => headers[name];

describe("a refusal", () => {
  it.each([
    [400, { error: { code: "context_length_exceeded" } }, "provider_context_length"],
    [
      400,
      {
        type: "error",
        error: { type: "invalid_request_error", message: "prompt is too long: 300000 tokens > 200000" },
      },
      "provider_context_length",
    ],
    [400, { error: { message: "Your credit balance is too low", type: "invalid_request_error" } }, "provider_quota"],
    [429, { error: { code: "insufficient_quota" } }, "provider_quota"],
    [429, "not an object", "provider_rate_limited"],
    [400, { error: { code: "content_filter" } }, "provider_content_filter"],
    [400, { error: { message: "API key not valid." } }, "provider_authentication"],
    [404, { error: { code: "model_not_found" } }, "model_not_found"],
    [404, { error: "model 'x' not found, try pulling it first" }, "model_not_found"],
    [404, undefined, "provider_invalid_request"],
    [403, { error: { type: "permission_error" } }, "provider_permission"],
    [408, undefined, "provider_timeout"],
    [418, undefined, "provider_invalid_request"],
    [500, { error: { message: "rate limit exceeded" } }, "provider_error"],
    [529, { error: { type: "overloaded_error" } }, "provider_error"],
  ] as const)("HTTP %i with %o is %s", (status, body, code) => {
    expect(faultOfResponse({ status, header: () => undefined }, body, now).code).toBe(code);
  });

  it("keeps the provider's words only where they are names, so that no body shows", () => {
    const body = {
      error: { code: "has spaces and secrets", type: "some_type", param: "messages[0].content", message: "SECRET" },
    };
    const fault = faultOfResponse({ status: 400, header: headersOf({ "x-request-id": "bad id!" }) }, body, now);
    expect(fault).toMatchObject({ providerCode: "some_type", param: "messages[0].content" });
    expect(fault.requestId).toBeUndefined();
    expect(JSON.stringify(fault)).not.toContain("SECRET");
  });

  it("without a status, in the middle of a stream, goes by its words", () => {
    expect(faultOfBody({ error: { type: "timeout_error" } }).code).toBe("provider_timeout");
    expect(faultOfBody({ error: { type: "rate_limit_error" } }).code).toBe("provider_rate_limited");
    expect(faultOfBody({ error: "something else" }).code).toBe("provider_error");
  });
});

describe("Retry-After", () => {
  it.each([
    [{ "retry-after": "2" }, 2_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" }, 30_000],
    [{ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" }, 0],
    [{ "retry-after-ms": "1234", "retry-after": "9" }, 1_234],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after": "1e99" }, 7 * 24 * 3_600_000],
    [{}, undefined],
  ])("%o is %s ms", (headers: Readonly<Record<string, string>>, expected) => {
    expect(readRetryAfter(headersOf(headers), now)).toBe(expected);
  });
});

describe("a failure of the connection", () => {
  it("is told by its code, also when that is on a cause", () => {
    const nested = new Error("fetch failed", { cause: Object.assign(new Error("x"), { code: "ENOTFOUND" }) });
    expect(faultOfTransport(nested, "connect")).toMatchObject({
      code: "provider_unreachable",
      phase: "connect",
      causeCode: "ENOTFOUND",
    });
    const reset = Object.assign(new Error("x"), { code: "ECONNRESET" });
    expect(faultOfTransport(reset, "headers")).toMatchObject({ code: "provider_unreachable", phase: "headers" });
    expect(faultOfTransport(reset, "stream")).toMatchObject({ code: "stream_interrupted" });
    const slow = Object.assign(new Error("x"), { code: "UND_ERR_CONNECT_TIMEOUT" });
    expect(faultOfTransport(slow, "connect")).toMatchObject({ code: "provider_timeout", phase: "connect" });
    expect(faultOfTransport("what", "headers")).toMatchObject({ causeCode: "UNKNOWN" });
  });
});

describe("the error of a fault", () => {
  it("has its code's exit code and retry, and names the call but no secret", () => {
    const context = { provider: "openai", model: "m", origin: "https://x", secrets: ["sk-secret"] };
    const fault = {
      code: "provider_authentication",
      message: "did not accept the key",
      status: 401,
      providerCode: "sk-secret",
    } as const;
    const error = faultError(fault, context, { phase: "headers" });
    expect(error.message).toBe("openai/m did not accept the key (HTTP 401) [[secret]].");
    expect(error).toMatchObject({
      exitCode: 3,
      retry: "changed",
      details: { provider: "openai", providerCode: "[secret]" },
    });
    expect(providerErrors.is(error, "provider_authentication")).toBe(true);
  });

  it("scrubs every occurrence, but takes nothing for a secret that is too short to be one", () => {
    expect(scrub("key-1 and key-1", ["key-1", "an"])).toBe("[secret] and [secret]");
  });
});
