import { baseErrors } from "../../base/index.ts";

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
  const basic = user + password === "" ? "" : Buffer.from(`${user}:${password}`).toString("base64");
  return {
    origin: url.origin,
    pathPrefix: url.pathname.replace(/\/+$/, ""),
    query: url.search,
    basicAuth: basic === "" ? undefined : `Basic ${basic}`,
    secrets: [
      ...new Set([user, password, url.username, url.password, withoutPadding(basic), ...url.searchParams.values()]),
    ].filter(Boolean),
  };
}

/** Gives what stands behind the origin in a request for a path, which may have a query of its own before that of the base URL. */
export function pathAt({ pathPrefix, query }: Endpoint, path: string): string {
  const more = query !== "" && path.includes("?") ? `&${query.slice(1)}` : query;
  return `${pathPrefix}${path}${more}`;
}

/** Writes base64 as it can stand in a code or a name, which is how a server may show it. */
export function withoutPadding(base64: string): string {
  return base64.slice(0, base64.length - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
