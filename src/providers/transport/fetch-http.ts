import { type Endpoint, pathAt } from "./endpoint.ts";
import type { HttpClient, HttpReceiver, HttpRequest } from "./http.ts";

/**
 * Makes an HTTP client on the platform's `fetch`, for a few small requests: it holds no connections of its own, and cannot pause.
 * Redirects are not followed, so that a secret goes to the given address only.
 */
export function fetchHttp(endpoint: Endpoint): HttpClient {
  return {
    send(request, receiver) {
      const stop = new AbortController();
      run(endpoint, request, { receiver, signal: stop.signal }).catch((cause: unknown) => {
        if (!stop.signal.aborted) receiver.failed(cause);
      });
      const close = (): void => stop.abort();
      return { pause() {}, resume() {}, close, drain: close };
    },
    async [Symbol.asyncDispose]() {},
  };
}

async function run(
  endpoint: Endpoint,
  { method, path, headers, body }: HttpRequest,
  { receiver, signal }: { readonly receiver: HttpReceiver; readonly signal: AbortSignal },
): Promise<void> {
  const response = await fetch(`${endpoint.origin}${pathAt(endpoint, path)}`, {
    method,
    headers,
    redirect: "manual",
    signal,
    ...(body !== undefined && { body }),
  });
  receiver.sent();
  receiver.head(response.status, (name) => response.headers.get(name) ?? undefined);
  const chunks: AsyncIterable<Uint8Array> | null = response.body;
  if (chunks !== null)
    for await (const chunk of chunks) {
      if (signal.aborted) return;
      receiver.data(chunk);
    }
  if (!signal.aborted) receiver.end();
}
