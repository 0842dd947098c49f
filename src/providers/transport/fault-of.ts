import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { ProviderErrorCode } from "../errors.ts";
import type { CallPhase, Fault } from "./fault.ts";

/** Reads one header of a response by its lower-case name. */
export type HeaderReader = (name: string) => string | undefined;

const clauses: Readonly<Record<string, string>> = {
  provider_authentication: "did not accept the key",
  provider_permission: "does not allow the key to do this",
  provider_rate_limited: "takes no more requests from this key for now",
  provider_quota: "says that the account has no credit or quota left",
  provider_invalid_request: "refused the request",
  provider_context_length: "says that the conversation is longer than the model can read",
  provider_content_filter: "stopped the request by its content policy",
  provider_timeout: "gave up waiting for itself",
  provider_error: "failed on its own side",
  model_not_found: "does not have this model",
};

/*
 * Providers disagree on status codes more than on words, so words come first. They are matched against the provider's type,
 * code and message; what is matched is not shown.
 */
const words: readonly (readonly [RegExp, ProviderErrorCode])[] = [
  [/insufficient_quota|billing|credit balance|exceeded your current quota|out of credits/, "provider_quota"],
  [
    /context_length|context length|context window|context size|prompt is too long|request_too_large/,
    "provider_context_length",
  ],
  [/content_filter|content_policy|content policy|content management policy|moderation/, "provider_content_filter"],
  [
    /authentication_error|invalid_api_key|invalid api key|incorrect api key|api key not valid|invalid x-api-key/,
    "provider_authentication",
  ],
  [/permission_error|permission_denied/, "provider_permission"],
  [/rate_limit|rate limit|too many requests/, "provider_rate_limited"],
  [/model_not_found|model\b.{0,200}\b(not found|does not exist|not supported)|no such model/, "model_not_found"],
  [/overloaded|server_error|api_error|internal error/, "provider_error"],
  [/timeout_error/, "provider_timeout"],
  [/invalid_request/, "provider_invalid_request"],
];

const statuses: Readonly<Record<number, ProviderErrorCode>> = {
  401: "provider_authentication",
  402: "provider_quota",
  403: "provider_permission",
  407: "provider_unreachable",
  408: "provider_timeout",
  413: "provider_context_length",
  429: "provider_rate_limited",
};

/** Reads the failure in a response that is no success. Units: `nowMs` since the epoch, to read dates in Retry-After. */
export function faultOfResponse(
  response: { readonly status: number; readonly header: HeaderReader },
  body: JsonValue | undefined,
  nowMs: number,
): Fault {
  const { status } = response;
  const header: HeaderReader = (name) => response.header(name);
  const fault = faultOfBody(body, status);
  const requestId = readRequestId(header);
  const retryAfterMs = readRetryAfter(header, nowMs);
  return {
    ...fault,
    status,
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Reads the name that the provider gave the request, to ask about it. */
export function readRequestId(header: HeaderReader): string | undefined {
  const text = header("x-request-id") ?? header("request-id");
  return text === undefined ? undefined : identifier(text);
}

/** Reads the failure in an error body, also one that comes in the middle of a stream, where there is no status. */
export function faultOfBody(body: JsonValue | undefined, status?: number): Fault {
  const outer = isJsonObject(body) ? body : {};
  const error = outer["error"] ?? outer;
  const read = (name: string): string => {
    const value = isJsonObject(error) ? error[name] : undefined;
    return typeof value === "string" ? value : "";
  };
  const message = typeof error === "string" ? error : read("message");
  const code = codeOf(`${read("type")} ${read("code")} ${message}`.slice(0, 4096).toLowerCase(), status);
  const requestId = outer["request_id"];
  return {
    code,
    message: clauseOf(code, status),
    providerCode: identifier(read("code")) ?? identifier(read("type")),
    param: identifier(read("param")),
    ...(typeof requestId === "string" ? { requestId: identifier(requestId) } : {}),
  };
}

function codeOf(text: string, status: number | undefined): ProviderErrorCode {
  // A server's failure stays one whatever it says; and 401 is about the key, whatever the words.
  if (status !== undefined && status >= 500) return "provider_error";
  if (status === 401) return "provider_authentication";
  for (const [pattern, code] of words) if (pattern.test(text)) return code;
  if (status === undefined) return "provider_error";
  return statuses[status] ?? "provider_invalid_request";
}

function clauseOf(code: ProviderErrorCode, status: number | undefined): string {
  if (code === "provider_invalid_request" && status === 404) return "has nothing at this address; check the base URL";
  if (code === "provider_invalid_request" && status !== undefined && status < 400) {
    return "answered with a redirect, which is not followed; set the base URL to the final address";
  }
  return clauses[code] ?? "failed";
}

function identifier(text: string): string | undefined {
  return /^[\w.:[\]-]{1,128}$/.test(text) ? text : undefined;
}

const longestWaitMs = 7 * 24 * 3_600_000;

/** Reads how long to wait from `retry-after-ms` or `retry-after` (seconds or a date). Units: milliseconds. */
export function readRetryAfter(header: HeaderReader, nowMs: number): number | undefined {
  const exact = header("retry-after-ms");
  if (exact !== undefined && exact.trim() !== "") return bounded(Number(exact));
  const text = header("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  const seconds = Number(text);
  return bounded(Number.isNaN(seconds) ? Date.parse(text) - nowMs : seconds * 1000);
}

function bounded(ms: number): number | undefined {
  return Number.isFinite(ms) ? Math.min(Math.max(0, Math.ceil(ms)), longestWaitMs) : undefined;
}

/** Reads the failure in what the HTTP client threw, by the phase in which it did and the code that Node or the client gave it. */
export function faultOfTransport(error: unknown, phase: CallPhase): Fault {
  const causeCode = transportCode(error);
  const known = { phase, causeCode, cause: error };
  if (causeCode === "UND_ERR_CONNECT_TIMEOUT") {
    return { code: "provider_timeout", message: "could not be connected to in time (connectMs)", ...known };
  }
  if (causeCode === "UND_ERR_HEADERS_OVERFLOW" || causeCode.startsWith("HPE_")) {
    return { code: "provider_unreachable", message: "answered with headers that are no HTTP, or too long", ...known };
  }
  if (phase === "stream") {
    return { code: "stream_interrupted", message: "broke off in the middle of its answer", ...known };
  }
  const message =
    phase === "connect" ? `could not be reached (${causeCode})` : "closed the connection without an answer";
  return { code: "provider_unreachable", message, ...known };
}

function transportCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; depth < 5 && typeof at === "object" && at !== null; depth++) {
    if ("code" in at && typeof at.code === "string") return identifier(at.code) ?? "UNKNOWN";
    // A code of its own the client's parser gives to some errors only.
    if (at instanceof Error && at.name === "HTTPParserError") return "HPE_INVALID";
    at = "cause" in at ? at.cause : undefined;
  }
  return "UNKNOWN";
}
