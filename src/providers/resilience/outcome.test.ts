import { expect, test } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { baseErrors } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import { failureKind, outcomeOfError } from "./outcome.ts";

const usage = { inputTokens: 1, outputTokens: 1, provenance: "estimated" } as const;

test.each([
  ["provider_error", {}, "fault"],
  ["provider_error", { status: 524 }, "ambiguous"],
  ["provider_timeout", { phase: "connect" }, "fault"],
  ["provider_timeout", { phase: "stream" }, "ambiguous"],
  ["provider_unreachable", { phase: "headers" }, "ambiguous"],
  ["provider_malformed_response", { phase: "headers", status: 200 }, "fault"],
  ["provider_rate_limited", {}, "limited"],
  ["provider_quota", {}, "quota"],
  ["provider_permission", {}, "key"],
  ["model_not_found", {}, "request"],
  ["gate_closed", {}, "none"],
] as const)("%s %o is %s (acceptance 19)", (code, details: JsonObject, kind) => {
  const error = providerErrors.create(code, "It failed.", { details });
  expect(failureKind(error)).toBe(kind);
  const expected = kind === "request" || kind === "none" ? "ignored" : "failure";
  expect(outcomeOfError(error, usage)).toMatchObject({ kind: expected, usage });
});

test("a cancel says nothing about the provider (acceptance 19)", () => {
  expect(outcomeOfError(baseErrors.create("cancelled", "Stop."), undefined)).toEqual({
    kind: "ignored",
    usage: undefined,
  });
});
