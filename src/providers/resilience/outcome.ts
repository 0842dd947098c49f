import type { AtlasError, JsonValue } from "../../base/index.ts";
import type { Usage } from "../usage.ts";
import type { CallOutcome } from "./gate.ts";

/**
 * Says what a failure tells of the provider: `fault` that it is not well, `limited` that it takes no more for now, `key`
 * that it does not accept the key, `ambiguous` that nobody knows whether it did (and billed) the work, `request` that the
 * request was wrong, `none` that the failure is not the provider's at all (a cancel, a budget, a closed gate).
 */
export type FailureKind = "fault" | "ambiguous" | "limited" | "quota" | "key" | "request" | "none";

const kinds: Readonly<Record<string, FailureKind>> = {
  provider_error: "fault",
  provider_timeout: "fault",
  provider_unreachable: "fault",
  stream_interrupted: "fault",
  provider_malformed_response: "fault",
  provider_rate_limited: "limited",
  provider_quota: "quota",
  provider_authentication: "key",
  provider_permission: "key",
  provider_invalid_request: "request",
  provider_context_length: "request",
  provider_content_filter: "request",
  model_not_found: "request",
};

/** A gateway that gave up waiting says nothing about the server behind it, which may have done the work. */
const gatewayTimeouts: readonly JsonValue[] = [504, 524];

/** Tells what kind of failure an error is, by its code, how far the call had come and the status. */
export function failureKind(error: AtlasError): FailureKind {
  const kind = Object.hasOwn(kinds, error.code) ? (kinds[error.code] ?? "none") : "none";
  return kind === "fault" && isAmbiguous(error) ? "ambiguous" : kind;
}

/** Ambiguous is what broke after the request was sent without a word of the provider: it may have answered, and will bill. */
function isAmbiguous({ code, details }: AtlasError): boolean {
  const { phase, status } = details;
  if (status !== undefined) return gatewayTimeouts.includes(status);
  return code !== "provider_error" && (phase === "headers" || phase === "stream");
}

/** Makes the outcome of a call that threw: `ignored` where the error says nothing about the provider. */
export function outcomeOfError(error: AtlasError, usage: Usage | undefined): CallOutcome {
  const kind = failureKind(error);
  return kind === "none" || kind === "request" ? { kind: "ignored", usage } : { kind: "failure", error, usage };
}
