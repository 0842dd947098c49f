import { fromErrorData, isAtlasError } from "../../base/index.ts";
import { type CallContext, cancelledError, faultError } from "./fault.ts";

/** Gives tokens that run out, such as those of OAuth; `oauthTokens` makes one. */
export interface TokenSource {
  /** Gives a token that is good now, the same one for as long as it is. Errors: provider_authentication; the signal's reason. */
  token(options: { readonly signal?: AbortSignal | undefined }): Promise<string>;
  /** Says that the provider refused this token, so that it is not given again. */
  reject(token: string): void;
}

/** Is a key: plain text, something that holds it back until it is needed, such as a Secret, or a source of tokens. */
export type ApiKey = string | { reveal(): string } | TokenSource;

/** Is a key or a token as it is at the moment of a call. */
export type KeyText = string | undefined;

/** Tells the source of tokens from the key that stays the same. */
export function tokenSourceOf(key: ApiKey | undefined): TokenSource | undefined {
  return typeof key === "object" && "token" in key ? key : undefined;
}

/** Reads a key that stays the same; undefined when there is none, or when tokens stand in its place. */
export function keyTextOf(key: ApiKey | undefined): KeyText {
  if (typeof key === "object" && "token" in key) return undefined;
  const text = (typeof key === "string" ? key : key?.reveal())?.trim();
  return text === "" ? undefined : text;
}

/** Finds what is wrong with a key, as a clause that follows the provider's name. */
export function keyProblem(key: KeyText, required: boolean): string | undefined {
  if (key === undefined) return required ? "has no key to be called with" : undefined;
  return /^[\x21-\x7e]+$/.test(key) ? undefined : "has a key with characters that no key can have; copy it again";
}

/**
 * Asks a source for a token on behalf of a call.
 *
 * Errors: those of the providers table as the source throws them; provider_authentication for whatever else it throws, of
 * which nothing is shown since it may hold the token; `cancelled` when the signal aborts.
 */
export async function takeToken(source: TokenSource, context: CallContext, signal?: AbortSignal): Promise<string> {
  try {
    signal?.throwIfAborted();
    return await source.token({ signal });
  } catch (error) {
    if (signal?.aborted === true) throw cancelledError(context, signal.reason, { phase: "connect" });
    if (isAtlasError(error)) {
      const { provider, model } = context;
      // The phase is that of the call which could not be made, not that of the request for a token.
      const details = { ...error.details, provider, ...(model !== undefined && { model }), phase: "connect" };
      throw fromErrorData({ ...error.toJSON(), message: `${provider} has no token: ${error.message}`, details });
    }
    const message = "could not be called, because its token source failed";
    throw faultError({ code: "provider_authentication", message }, context, { phase: "connect" });
  }
}

/** Tells whether a call failed because its token was refused before anything was generated: then, and only then, a fresh one may help. */
export function isTokenRefused(error: unknown): boolean {
  return isAtlasError(error) && error.details["status"] === 401 && error.details["phase"] === "headers";
}
