/** Is one request to a provider. `path` is appended to the client's base URL. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Stops the request in every phase and destroys its connection. */
  readonly signal: AbortSignal;
}

/** Is an answer whose headers have come. Its body is read by iterating; whoever has one calls `close` or `drain` in the end. */
export interface HttpResponse {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Destroys the connection unless the body has ended. */
  close(): void;
  /** Waits a moment, in the background, for a body that should be at its end, so that the connection can be used again. */
  drain(): void;
}

/** Is the port for HTTP to one base URL, with pooled connections that disposing closes. It throws what its vendor throws. */
export interface HttpClient extends AsyncDisposable {
  send(request: HttpRequest): Promise<HttpResponse>;
}
