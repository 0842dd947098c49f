import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRateLimits } from "./rate-limit-headers.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const read = (headers: Readonly<Record<string, string>>) => readRateLimits((name) => headers[name], now);

describe("what a provider says about its limits", () => {
  it("is read from OpenAI's headers, whose times are durations", () => {
    expect(
      read({
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "250ms",
        "x-ratelimit-limit-tokens": "160000",
        "x-ratelimit-remaining-tokens": "159976",
        "x-ratelimit-reset-tokens": "6m0s",
      }),
    ).toEqual({
      requestsLimit: 5000,
      requestsRemaining: 4999,
      requestsResetMs: 250,
      tokensLimit: 160_000,
      tokensRemaining: 159_976,
      tokensResetMs: 360_000,
    });
  });

  it("is read from Anthropic's headers, whose times are dates", () => {
    expect(
      read({
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:12Z",
        "anthropic-ratelimit-tokens-limit": "40000",
        "anthropic-ratelimit-tokens-remaining": "38000",
        "anthropic-ratelimit-tokens-reset": "2026-01-01T00:01:00Z",
        "anthropic-ratelimit-input-tokens-limit": "1",
        "anthropic-ratelimit-input-tokens-remaining": "0",
      }),
    ).toEqual({
      requestsLimit: 50,
      requestsRemaining: 49,
      requestsResetMs: 12_000,
      tokensLimit: 40_000,
      tokensRemaining: 38_000,
      tokensResetMs: 60_000,
    });
  });

  it("is the tighter of input and output where Anthropic names no sum", () => {
    expect(
      read({
        "anthropic-ratelimit-input-tokens-limit": "30000",
        "anthropic-ratelimit-input-tokens-remaining": "29000",
        "anthropic-ratelimit-output-tokens-limit": "8000",
        "anthropic-ratelimit-output-tokens-remaining": "100",
        "anthropic-ratelimit-output-tokens-reset": "2026-01-01T00:00:30Z",
      }),
    ).toEqual({ tokensLimit: 8_000, tokensRemaining: 100, tokensResetMs: 30_000 });
  });

  it.each([
    [{ "ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "7", "ratelimit-reset": "9" }],
    [{ "x-ratelimit-limit": "100", "x-ratelimit-remaining": "7", "x-ratelimit-reset": String(now / 1_000 + 9) }],
    [{ "x-ratelimit-limit": "100", "x-ratelimit-remaining": "7", "x-ratelimit-reset": String(now + 9_000) }],
    [{ ratelimit: "limit=100, remaining=7, reset=9" }],
  ])("is read from plain headers of requests: %o", (headers) => {
    expect(read(headers)).toEqual({ requestsLimit: 100, requestsRemaining: 7, requestsResetMs: 9_000 });
  });

  it("is read from the field of the newer draft, which names no limit", () => {
    expect(read({ ratelimit: '"default";r=50;t=30' })).toEqual({ requestsRemaining: 50, requestsResetMs: 30_000 });
  });

  it.each([
    ["1s", 1_000],
    ["1m30.951s", 90_951],
    ["7.66s", 7_660],
    ["1h2m3s", 3_723_000],
    ["1d", 86_400_000],
    ["0s", 0],
    ["2025-12-31T00:00:00Z", 0],
    ["9999999d", 31 * 86_400_000],
    ["soon", undefined],
    ["", undefined],
  ])("knows the time %s", (text, ms) => {
    expect(read({ "x-ratelimit-reset-tokens": text })?.tokensResetMs).toBe(ms);
  });

  it("is nothing where there are no such headers, and survives any text in them", () => {
    expect(read({ "content-type": "text/plain" })).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), (text) => {
        const report = readRateLimits(() => text, now) ?? {};
        expect(Object.values(report).every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
      }),
    );
  });
});
