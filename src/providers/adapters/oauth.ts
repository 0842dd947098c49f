import type { AtlasError, Clock, JsonValue } from "../../base/index.ts";
import { isAtlasError, isJsonObject, systemClock } from "../../base/index.ts";
import type { TokenSource } from "../transport/api-key.ts";
import { defaultTimeouts, type Timeouts } from "../transport/deadlines.ts";
import { readText } from "../transport/decoder.ts";
import { type Endpoint, readEndpoint, withoutPadding } from "../transport/endpoint.ts";
import { translateBodies } from "../transport/error-bodies.ts";
import { type CallContext, faultError } from "../transport/fault.ts";
import { fetchHttp } from "../transport/fetch-http.ts";
import type { HttpClient } from "../transport/http.ts";
import { singleFlight } from "../single-flight.ts";
import { fetchJson } from "../transport/stream.ts";

/** Is a text that must not be seen, or something that holds it back until it is needed. */
export type SecretText = string | { reveal(): string };

/**
 * Are the options of `oauthTokens`. With a `refreshToken` access is that of the person who gave it, without one that of the
 * client itself. Servers that rotate refresh tokens give a new one with each use: `onRefreshToken` is told, to keep it.
 */
export interface OauthOptions {
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Is left out by public clients, which only have a refresh token. */
  readonly clientSecret?: SecretText | undefined;
  readonly scope?: string | undefined;
  readonly audience?: string | undefined;
  readonly refreshToken?: SecretText | undefined;
  readonly onRefreshToken?: ((refreshToken: string) => void | Promise<void>) | undefined;
  /** Says how the client is named to the server: in a header, as every server knows (default), or in the body. */
  readonly clientIn?: "header" | "body" | undefined;
  readonly http?: HttpClient | undefined;
  readonly clock?: Clock | undefined;
}

interface Grant {
  readonly accessToken: string;
  readonly goodUntilMs: number;
}

const timeouts: Timeouts = { ...defaultTimeouts, firstPartMs: 30_000, idleMs: 30_000, totalMs: 60_000 };
const earlyMs = 60_000;

/**
 * Makes a source of tokens by OAuth 2.0: client credentials, or the refresh token of a person. A token is kept until a minute
 * (or a tenth of its life, if that is less) before it runs out; however many ask for one, one request is made.
 *
 * Errors: provider_authentication when the server refuses the client or the refresh token; provider_rate_limited,
 * provider_timeout, provider_unreachable, provider_error when it cannot answer now; invalid_input for an address that is none.
 * None shows a secret or a token.
 * Source: RFC 6749, sections 2.3.1, 4.4 and 6.
 */
export function oauthTokens(options: OauthOptions): TokenSource {
  const { clock = systemClock } = options;
  const endpoint = readEndpoint("the token server", options.tokenUrl);
  const http = translateBodies(options.http ?? fetchHttp(endpoint), {
    // Here `error` is the code itself.
    failureIn: (body) =>
      isJsonObject(body) && "error" in body ? { error: { code: readText(body, "error") } } : undefined,
    jsonAnswers: false,
  });
  let refreshToken = textOf(options.refreshToken);
  let current: Grant | undefined;

  const renew = async (): Promise<Grant> => {
    const secret = textOf(options.clientSecret);
    const context: CallContext = {
      provider: "the token server",
      origin: endpoint.origin,
      secrets: [
        secret,
        secret && withoutPadding(basic(options.clientId, secret)),
        refreshToken,
        ...endpoint.secrets,
      ].filter((each) => each !== undefined),
    };
    const request = requestOf(options, endpoint, refreshToken);
    const startMs = clock.now();
    const answer = await fetchJson({ http, request, context, timeouts, clock }).catch((error: unknown) => {
      throw refused(error, context, refreshToken !== undefined);
    });
    const grant = readGrant(answer, startMs);
    if (grant === undefined) {
      const message = "answered without a token that Atlas can use (access_token, token_type Bearer)";
      throw faultError({ code: "provider_malformed_response", message }, context, { phase: "stream" });
    }
    current = grant;
    const rotated = isJsonObject(answer) ? readText(answer, "refresh_token") : "";
    if (rotated !== "" && rotated !== refreshToken) {
      refreshToken = rotated;
      await options.onRefreshToken?.(rotated);
    }
    return grant;
  };
  // A refresh that has begun goes on although nobody waits: its answer may hold the only refresh token that is still good.
  const renewOnce = singleFlight(renew, "finish");
  return {
    async token({ signal }) {
      signal?.throwIfAborted();
      if (current !== undefined && clock.now() < current.goodUntilMs) return current.accessToken;
      return (await renewOnce(signal)).accessToken;
    },
    reject(token) {
      if (current?.accessToken === token) current = undefined;
    },
  };
}

function requestOf(options: OauthOptions, endpoint: Endpoint, refreshToken: string | undefined) {
  const { clientId, scope, audience, clientIn = "header" } = options;
  const secret = textOf(options.clientSecret);
  const inHeader = clientIn === "header" && secret !== undefined;
  const form = new URLSearchParams(
    refreshToken === undefined
      ? { grant_type: "client_credentials" }
      : { grant_type: "refresh_token", refresh_token: refreshToken },
  );
  const more = { scope, audience, ...(!inHeader && { client_id: clientId, client_secret: secret }) };
  for (const [name, value] of Object.entries(more)) if (value !== undefined) form.set(name, value);
  return {
    method: "POST" as const,
    path: "",
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      ...(endpoint.basicAuth !== undefined && { authorization: endpoint.basicAuth }),
      ...(inHeader && { authorization: `Basic ${basic(clientId, secret)}` }),
    },
    body: form.toString(),
  };
}

/** Writes name and secret as RFC 6749 says: both form-encoded before they are joined. */
function basic(clientId: string, secret: string): string {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll("%20", "+");
  return Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString("base64");
}

function readGrant(answer: JsonValue, startMs: number): Grant | undefined {
  if (!isJsonObject(answer)) return undefined;
  const accessToken = readText(answer, "access_token");
  const type = readText(answer, "token_type");
  if (!/^[\x21-\x7e]+$/.test(accessToken) || (type !== "" && type.toLowerCase() !== "bearer")) return undefined;
  const lifeMs = Number(answer["expires_in"] ?? Number.NaN) * 1000;
  // A server that does not say how long a token is good will refuse it when it is not: then it is dropped.
  const goodUntilMs = lifeMs > 0 ? startMs + lifeMs - Math.min(earlyMs, lifeMs / 10) : Number.POSITIVE_INFINITY;
  return { accessToken, goodUntilMs };
}

const unavailable = new Set(["provider_timeout", "provider_unreachable", "provider_error", "provider_rate_limited"]);

const passing: ReadonlySet<string> = new Set(["server_error", "temporarily_unavailable", "slow_down"]);

/** Says of a refusal that it is about who asks; what will pass by itself stays what it is. */
function refused(error: unknown, context: CallContext, person: boolean): AtlasError {
  if (!isAtlasError(error)) throw error;
  const { status, providerCode } = error.details;
  // Some servers refuse with HTTP 200: then there is no status, and the word is all there is to go by.
  const inBody = status === undefined && typeof providerCode === "string" && !passing.has(providerCode);
  if (!inBody && (typeof status !== "number" || unavailable.has(error.code))) return error;
  // Where there is no token server, nobody has refused anything.
  const nowhere = typeof status === "number" && (status < 400 || status === 404 || status === 405);
  const message = nowhere
    ? "gives no tokens at this address; check tokenUrl, which must be the final address"
    : person
      ? "did not accept the refresh token; log in again, or check the client's name and secret"
      : "did not accept the client; check its name, its secret and the scope";
  const code = typeof providerCode === "string" ? { providerCode } : {};
  const known = typeof status === "number" ? { status, ...code } : code;
  return faultError({ code: "provider_authentication", message, ...known }, context, { phase: "headers" });
}

function textOf(secret: SecretText | undefined): string | undefined {
  const text = typeof secret === "string" ? secret : secret?.reveal();
  return text === "" ? undefined : text;
}
