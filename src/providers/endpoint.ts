import { baseErrors } from "../base/index.ts";

/** Is a base URL taken apart, so that what may be secret in it (user, password, query) shows up nowhere. */
export interface Endpoint {
  /** Scheme, host and port: all of the address that errors show. */
  readonly origin: string;
  readonly pathPrefix: string;
  /** The query with its question mark, empty if there is none; it goes with every request. */
  readonly query: string;
  /** The value of an `authorization` header made of the user and password in the URL. */
  readonly basicAuth: string | undefined;
  readonly secrets: readonly string[];
}

/**
 * Reads a base URL.
 *
 * Errors: invalid_input when it is no http or https address; the message names the provider, not the address.
 */
export function readEndpoint(provider: string, baseUrl: string): Endpoint {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw baseErrors.create(
      "invalid_input",
      `The base URL of ${provider} is not an http or https address; write it like https://host/v1.`,
    );
  }
  const user = decode(url.username);
  const password = decode(url.password);
  return {
    origin: url.origin,
    pathPrefix: url.pathname.replace(/\/+$/, ""),
    query: url.search,
    basicAuth: user + password === "" ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
    secrets: [...new Set([user, password, url.username, url.password, ...url.searchParams.values()])].filter(Boolean),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
