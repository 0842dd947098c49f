import type { HeaderReader } from "./fault-of.ts";

/** Is one request to a provider. `path` is appended to the client's base URL, before the query of that. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/**
 * Receives an answer as it comes.
 *
 * Order: `sent`, `head`, any number of `data`, then `end`; or `failed` at any place. Nothing comes after `end`, `failed`, or
 * the exchange's `close` and `drain`; while the exchange is paused, no more than what has been read already.
 */
export interface HttpReceiver {
  /** There is a connection and the request goes out on it: from here on the provider may act on it. */
  sent(): void;
  head(status: number, header: HeaderReader): void;
  data(chunk: Uint8Array): void;
  end(): void;
  /** Takes what the client's vendor threw; a `RequestNotTaken` where the server did not act on the request. */
  failed(cause: unknown): void;
}

/** Says that a request failed which the server did not act on, although it was sent. `cause` is what was thrown. */
export class RequestNotTaken extends Error {
  constructor(cause: unknown) {
    super("The connection was closed before the request was taken.", { cause });
  }
}

/** Is a request under way. Whoever has one calls `close` or `drain` in the end. */
export interface HttpExchange {
  /** Stops reading from the connection, so that the provider must wait. */
  pause(): void;
  resume(): void;
  /** Ends the request in every phase and destroys its connection (with HTTP/2, its stream) unless the body has ended. */
  close(): void;
  /** Waits a moment, in the background, for a body that should be at its end, so that the connection can be used again. */
  drain(): void;
}

/** Is the port for HTTP to one base URL, with pooled connections that disposing closes. */
export interface HttpClient extends AsyncDisposable {
  /** Sends a request. Never throws: what fails is told to the receiver. */
  send(request: HttpRequest, receiver: HttpReceiver): HttpExchange;
}
