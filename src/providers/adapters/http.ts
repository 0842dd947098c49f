import type { Agent } from "undici";
import type { Endpoint } from "../endpoint.ts";
import type { HttpClient, HttpResponse } from "../http.ts";

const drainMs = 250;
const drainBytes = 64 * 1024;

/**
 * Makes an HTTP client on undici: pooled connections, HTTP/2 where the server has it.
 *
 * Cost: undici is loaded with the first request. Redirects are not followed, so a key goes to the given address only.
 */
export function undiciHttp(endpoint: Endpoint, connectMs: number): HttpClient {
  let agent: Promise<Agent> | undefined;
  let closed = false;
  const open = async (): Promise<Agent> => {
    const undici = await import("undici");
    return new undici.Agent({
      allowH2: true,
      // Preferring HTTP/2 spares a TLS handshake for each cancelled stream.
      connect: { timeout: connectMs, preferH2: true },
      // The call has its own deadlines, which know a paused reader and an empty event.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  };
  return {
    async send({ method, path, headers, body, signal }) {
      signal.throwIfAborted();
      if (closed) throw new Error("The provider was closed.");
      agent ??= open();
      const response = await (
        await agent
      ).request({
        origin: endpoint.origin,
        path: `${endpoint.pathPrefix}${path}${endpoint.query}`,
        method,
        headers,
        signal,
        ...(body !== undefined && { body }),
      });
      return answer(response);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await (await agent)?.destroy();
    },
  };
}

function answer(response: Awaited<ReturnType<Agent["request"]>>): HttpResponse {
  const { body, headers } = response;
  // Destroying a body makes it emit an error that nobody needs.
  body.on("error", () => {});
  return {
    status: response.statusCode,
    header(name) {
      const value = headers[name];
      return typeof value === "string" ? value : value?.[0];
    },
    body,
    close: () => void body.destroy(),
    drain() {
      const timer = setTimeout(() => body.destroy(), drainMs).unref();
      body
        .dump({ limit: drainBytes })
        .catch(() => {})
        .finally(() => clearTimeout(timer));
    },
  };
}
