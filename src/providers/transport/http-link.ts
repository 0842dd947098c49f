import type { Clock, JsonObject, JsonValue } from "../../base/index.ts";
import { stringifyJson, systemClock } from "../../base/index.ts";
import {
  type ApiKey,
  isTokenRefused,
  keyProblem,
  type KeyText,
  keyTextOf,
  takeToken,
  type TokenSource,
  tokenSourceOf,
} from "./api-key.ts";
import type { Endpoint } from "./endpoint.ts";
import { type CallContext, type Fault, faultError } from "./fault.ts";
import type { HttpClient, HttpRequest } from "./http.ts";
import type { StreamPart } from "../model.ts";
import { type Call, fetchJson } from "./stream.ts";
import { tokenStream } from "./token-stream.ts";
import { defaultTimeouts, type Timeouts } from "./deadlines.ts";

/** Are the options that users give to every provider over HTTP; each adapter says what its own defaults are. */
export type HttpOptions = {
  /** What stands before the slash in the names of its models. */
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly apiKey?: ApiKey | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  /** Are sent with every request; they replace Atlas's own of the same name, but for the type of the content. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly clock?: Clock | undefined;
  /** Replaces the HTTP client; then `connectMs` is its own affair. */
  readonly http?: HttpClient | undefined;
};

/** Are the options with which an adapter makes its provider: those of its user, with the defaults filled in. */
export type HttpProviderOptions = Omit<HttpOptions, "name" | "baseUrl" | "http"> & {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly http: HttpClient;
};

/** Says how a provider is shown the key. */
export interface KeyWire {
  readonly keyRequired: boolean;
  headers(key: string | undefined): Readonly<Record<string, string>>;
}

/** Is what is asked of a provider, before it is known with which key. */
export type Asked = Pick<HttpRequest, "method" | "path"> & { readonly body?: JsonObject | undefined };

/** Is a call that wants its key: of which model, if any, and what stops it. */
export interface Wanted {
  readonly model: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Connects a provider's calls with its address and its key, whether that stays the same or is a token that runs out. */
export interface HttpLink {
  /** Says whom errors name when no key is known yet. */
  context(model: string | undefined): CallContext;
  /** Makes a call. Errors: provider_authentication for a key that is missing or cannot be one. */
  call(asked: Asked, wanted: Wanted, key: KeyText): Call;
  /** Asks for one JSON value. */
  fetch(asked: Asked, wanted: Wanted): Promise<JsonValue>;
  /** Streams with the key; `open` is called when the first part is asked for, and once more when a token was refused. */
  stream(wanted: Wanted, open: (key: () => KeyText) => AsyncIterable<StreamPart>): AsyncIterable<StreamPart>;
}

const maxRequestChars = 64 * 1024 * 1024;

/**
 * Makes a link. A call whose token the provider refuses with 401 is made once more with a fresh token; with a key that stays
 * the same nothing is tried again.
 */
export function createHttpLink(wire: KeyWire, options: HttpProviderOptions): HttpLink {
  const { name, endpoint, http, apiKey, clock = systemClock } = options;
  const timeouts: Timeouts = { ...defaultTimeouts, ...options.timeouts };
  const source = tokenSourceOf(apiKey);
  const fixed = [...endpoint.secrets, ...secretsIn(options.headers)];
  const contextOf = (model: string | undefined, key: KeyText): CallContext => ({
    provider: name,
    model,
    origin: endpoint.origin,
    secrets: key === undefined ? fixed : [key, ...fixed],
  });
  const call: HttpLink["call"] = (asked, { model, signal }, key) => {
    const context = contextOf(model, key);
    const message = keyProblem(key, wire.keyRequired);
    if (message !== undefined)
      throw faultError({ code: "provider_authentication", message }, context, { phase: "connect" });
    const { method, path } = asked;
    const headers: Readonly<Record<string, string>> = {
      ...(endpoint.basicAuth !== undefined && { authorization: endpoint.basicAuth }),
      ...wire.headers(key),
      ...options.headers,
      ...(asked.body !== undefined && { "content-type": "application/json" }),
    };
    const wrong = Object.keys(headers).find((name) => !headerName.test(name) || !headerValue.test(headers[name] ?? ""));
    if (wrong !== undefined) throw faultError(badHeader(wrong), context, { phase: "connect" });
    const body = asked.body && wellFormed(stringifyJson(asked.body, "model request", maxRequestChars));
    return { http, context, timeouts, clock, signal, request: { method, path, headers, body } };
  };
  const taker =
    (tokens: TokenSource, { model, signal }: Wanted): (() => Promise<string>) =>
    () =>
      takeToken(tokens, contextOf(model, undefined), signal);
  return {
    context: (model) => contextOf(model, undefined),
    call,
    async fetch(asked, wanted) {
      if (source === undefined) return await fetchJson(call(asked, wanted, keyTextOf(apiKey)));
      const take = taker(source, wanted);
      const token = await take();
      try {
        return await fetchJson(call(asked, wanted, token));
      } catch (error) {
        if (!isTokenRefused(error)) throw error;
        source.reject(token);
      }
      return await fetchJson(call(asked, wanted, await take()));
    },
    stream(wanted, open) {
      if (source === undefined) return open(() => keyTextOf(apiKey));
      return tokenStream({ source, take: taker(source, wanted), open });
    },
  };
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

function badHeader(name: string): Fault {
  const shown = headerName.test(name) ? ` (${name})` : "";
  const message = `has a header that cannot be sent${shown}; a header has a plain name and one line of plain text`;
  return { code: "provider_invalid_request", message, param: "headers" };
}

/** Replaces halves of characters, such as a text that was cut in the middle of one ends with: providers refuse the whole request for one. */
function wellFormed(json: string): string {
  // Only a half is written with such an escape; a backslash that is part of the text stands before another one.
  return json.includes("\\ud")
    ? json.replaceAll(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (found) => (found.length === 6 ? "\u{FFFD}" : found))
    : json;
}

const secretHeader = /auth|key|token|secret|cookie|password/i;

/** Finds what in a user's own headers must not appear in an error: the values of those whose names say so. */
export function secretsIn(headers: Readonly<Record<string, string>> = {}): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    secretHeader.test(name) ? [value, ...value.split(/\s+/).slice(1)] : [],
  );
}
