import type { JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { cutOff } from "../transport/decoder.ts";
import type { ProviderErrorCode } from "../errors.ts";
import type { CallPhase, Fault } from "../transport/fault.ts";
import { faultOfBody, faultOfResponse, faultOfTransport } from "../transport/fault-of.ts";
import { readJson } from "../transport/read-json.ts";

/** Names the errors of the AI SDK that are none of an HTTP answer. */
const named: Readonly<Record<string, readonly [ProviderErrorCode, string]>> = {
  AI_LoadAPIKeyError: ["provider_authentication", "has no key to be called with"],
  AI_LoadSettingError: ["provider_authentication", "lacks a setting that it needs to be called"],
  AI_NoSuchModelError: ["model_not_found", "does not have this model"],
  AI_NoSuchProviderReferenceError: ["provider_invalid_request", "has no file by the reference it was given"],
  AI_InvalidPromptError: ["provider_invalid_request", "cannot take this conversation"],
  AI_InvalidArgumentError: ["provider_invalid_request", "cannot take an option of this call"],
  AI_UnsupportedFunctionalityError: ["provider_invalid_request", "cannot do what this call asks for"],
  AI_JSONParseError: ["provider_malformed_response", "sent something that is not JSON"],
  AI_TypeValidationError: ["provider_malformed_response", "sent an event that its protocol does not know"],
  AI_InvalidResponseDataError: ["provider_malformed_response", "sent an event that its protocol does not know"],
  AI_EmptyResponseBodyError: ["provider_malformed_response", "answered with nothing"],
  AI_NoContentGeneratedError: ["provider_malformed_response", "answered with nothing"],
};

/** Reads the failure in what a provider of the AI SDK threw or sent, by its shape. Units: `nowMs` since the epoch. */
export function aiSdkFault(cause: unknown, phase: CallPhase, nowMs: number): Fault {
  if (typeof cause === "string") return faultOfBody({ message: cause });
  const error = shapeOf(cause);
  const { name, statusCode } = error;
  if (typeof statusCode === "number") return responseFault(error, statusCode, nowMs);
  // Nothing that came is wrong: what is wrong is that no more came.
  const missing = name === "AI_InvalidResponseDataError" && error["data"] === undefined;
  if (missing && phase === "stream") return cutOff;
  const known = typeof name === "string" ? named[name] : undefined;
  if (known !== undefined) return { code: known[0], message: known[1] };
  // A call without a status has met no server.
  if (name === "AI_APICallError" || cause instanceof Error) {
    const { cause: thrown, ...fault } = faultOfTransport(cause, phase);
    // What is thrown without the code of a connection may be the provider's own words, with the key or the prompt in them.
    return fault.causeCode === "UNKNOWN" ? fault : { ...fault, cause: thrown };
  }
  return faultOfBody(jsonOf(cause));
}

type ErrorShape = Readonly<Record<string, unknown>>;

function shapeOf(value: unknown): ErrorShape {
  return typeof value === "object" && value !== null ? (value as ErrorShape) : {};
}

function responseFault(error: ErrorShape, status: number, nowMs: number): Fault {
  const headers = shapeOf(error["responseHeaders"]);
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const fault = faultOfResponse({ status, header }, bodyOf(error["responseBody"]), nowMs);
  // A success whose body is wrong comes as an error with a good status.
  if (status >= 200 && status < 300) {
    return { code: "provider_malformed_response", message: "answered with something that its protocol does not know" };
  }
  const again = error["isRetryable"] === true && fault.code === "provider_invalid_request";
  return again ? { ...fault, code: "provider_error", message: "could not take the request now" } : fault;
}

function bodyOf(text: unknown): JsonValue | undefined {
  return typeof text === "string" ? readJson(text) : undefined;
}

function jsonOf(value: unknown): JsonValue | undefined {
  try {
    const copy = JSON.parse(JSON.stringify(value)) as JsonValue;
    return isJsonObject(copy) ? copy : undefined;
  } catch {
    return undefined;
  }
}
