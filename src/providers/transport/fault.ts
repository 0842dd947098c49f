import type { AtlasError, JsonValue } from "../../base/index.ts";
import { baseErrors } from "../../base/index.ts";
import { type ProviderErrorCode, providerErrors } from "../errors.ts";
import type { RateLimitReport } from "../model.ts";
import type { Usage } from "../usage.ts";

/** Names how far a call had come: no connection yet, waiting for the answer to begin, or in the answer. */
export type CallPhase = "connect" | "headers" | "stream";

/**
 * Is a failure as data, before it is known for which call. `message` is a clause that follows the provider's name
 * ("did not accept the key"), made of Atlas's own words.
 */
export interface Fault {
  readonly code: ProviderErrorCode;
  readonly message: string;
  readonly phase?: CallPhase;
  readonly status?: number | undefined;
  /** The provider's own word for the failure, such as `insufficient_quota`. */
  readonly providerCode?: string | undefined;
  readonly param?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly causeCode?: string | undefined;
  readonly rateLimits?: RateLimitReport | undefined;
  /** What was thrown. Of it the error keeps the code and the message, scrubbed: a parser's error can hold all of a body. */
  readonly cause?: unknown;
}

/** Names the call that an error belongs to. `secrets` are texts that must not appear in any error. */
export interface CallContext {
  readonly provider: string;
  readonly model?: string | undefined;
  readonly origin?: string | undefined;
  readonly secrets: readonly string[];
}

/** Says how far a call had come and what it had cost when it failed. */
export interface FaultMoment {
  readonly phase: CallPhase;
  readonly partialUsage?: Usage | undefined;
}

/** Makes the error of a fault. What the provider said in it is scrubbed of the call's secrets. */
export function faultError(fault: Fault, context: CallContext, moment: FaultMoment): AtlasError {
  const { code, message, cause, ...known } = fault;
  const clean = Object.fromEntries(
    Object.entries(known).map(([key, value]) => [
      key,
      typeof value === "string" ? scrub(value, context.secrets) : value,
    ]),
  );
  const status = fault.status === undefined ? "" : ` (HTTP ${fault.status})`;
  const word = fault.providerCode === undefined ? "" : ` [${scrub(fault.providerCode, context.secrets)}]`;
  const wait = fault.retryAfterMs === undefined ? "" : ` It asks to wait ${Math.ceil(fault.retryAfterMs / 1_000)} s.`;
  const details = detailsOf(context, { phase: moment.phase, ...clean, partialUsage: moment.partialUsage });
  return providerErrors.create(code, `${subjectOf(context)} ${message}${status}${word}.${wait}`, {
    details,
    ...(cause instanceof Error && { cause: causeOf(cause, context.secrets) }),
  });
}

function causeOf(thrown: Error, secrets: readonly string[]): Error {
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
  const cause = new Error(scrub(thrown.message, secrets));
  cause.name = thrown.name;
  return code === undefined ? cause : Object.assign(cause, { code });
}

/** Makes the error of a call that its caller cancelled. The same in every phase. */
export function cancelledError(context: CallContext, cause: unknown, moment: FaultMoment): AtlasError {
  const details = detailsOf(context, { ...moment });
  return baseErrors.create("cancelled", `The call of ${subjectOf(context)} was cancelled.`, { details, cause });
}

function subjectOf({ provider, model }: CallContext): string {
  return model === undefined ? provider : `${provider}/${model}`;
}

function detailsOf(
  { provider, model, origin }: CallContext,
  known: { readonly [key: string]: JsonValue | undefined },
): { [key: string]: JsonValue } {
  const details: { [key: string]: JsonValue } = {};
  for (const [key, value] of Object.entries({ provider, model, origin, ...known })) {
    if (value !== undefined) details[key] = value;
  }
  return details;
}

/** Takes secrets out of a text. Texts shorter than four characters are no secrets: they would blank out half the language. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  // The longest first: a secret that is the beginning of another would leave the end of that one.
  const known = secrets.filter((secret) => secret.length >= 4).toSorted((one, other) => other.length - one.length);
  for (const secret of known) clean = clean.replaceAll(secret, "[secret]");
  return clean;
}
