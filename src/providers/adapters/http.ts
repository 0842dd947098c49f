import type { Socket } from "node:net";
import type { Dispatcher, Pool } from "undici";
import { type Endpoint, pathAt } from "../transport/endpoint.ts";
import {
  type HttpClient,
  type HttpExchange,
  type HttpReceiver,
  type HttpRequest,
  RequestNotTaken,
} from "../transport/http.ts";

const drainMs = 250;
const drainBytes = 64 * 1024;
/** Proxies before a provider add headers of their own: more than Node's 16 KiB may come. */
const maxHeaderBytes = 64 * 1024;
/** A server that closes a connection because it stood idle has done so by the time that a request on it was under way for so long. */
const idleCloseMs = 1_000;

/**
 * Makes an HTTP client on undici: pooled connections, HTTP/2 where the server has it.
 *
 * Cost: undici is loaded with the first request. Redirects are not followed, so a key goes to the given address only.
 */
export function undiciHttp(endpoint: Endpoint, connectMs: number): HttpClient {
  let opening: Promise<Pool> | undefined;
  let pool: Pool | undefined;
  let closed = false;
  let dispatching: UndiciExchange | undefined;
  const open = async (): Promise<Pool> => {
    const undici = await import("undici");
    // Preferring HTTP/2 spares a TLS handshake for each cancelled stream.
    const connect = undici.buildConnector({ timeout: connectMs, allowH2: true, preferH2: true });
    pool = new undici.Pool(endpoint.origin, {
      allowH2: true,
      maxHeaderSize: maxHeaderBytes,
      connect(options, done) {
        // A connection that is opened for a request dies with it, if it is cancelled before there is a connection.
        const socket: unknown = connect(options, done);
        dispatching?.connectsOn(socket);
      },
      // The call has its own deadlines, which know a paused reader and an empty event.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return pool;
  };
  const dispatch = (to: Pool, request: HttpRequest, exchange: UndiciExchange): void => {
    dispatching = exchange;
    try {
      const { path, body, ...rest } = request;
      to.dispatch({ ...rest, path: pathAt(endpoint, path), ...(body !== undefined && { body }) }, exchange);
    } catch (error) {
      exchange.fail(error);
    } finally {
      dispatching = undefined;
    }
  };
  return {
    send(request, receiver) {
      const exchange = new UndiciExchange(receiver);
      if (closed) queueMicrotask(() => exchange.fail(new Error("The provider was closed.")));
      else if (pool !== undefined) dispatch(pool, request, exchange);
      else {
        opening ??= open();
        opening.then(
          (made) => exchange.over || dispatch(made, request, exchange),
          (error: unknown) => exchange.fail(error),
        );
      }
      return exchange;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await (await opening)?.destroy();
    },
  };
}

/** Hands what undici receives to the receiver as it comes: no stream lies between them. */
class UndiciExchange implements HttpExchange, Dispatcher.DispatchHandler {
  readonly #receiver: HttpReceiver;
  #controller: Dispatcher.DispatchController | undefined;
  #connecting: Socket | undefined;
  /** When the request went out on a connection that had been open before; undefined once the server has answered. */
  #reusedAtMs: number | undefined;
  #drained = 0;
  #timer: NodeJS.Timeout | undefined;
  #state: "open" | "draining" | "over" = "open";

  constructor(receiver: HttpReceiver) {
    this.#receiver = receiver;
  }

  get over(): boolean {
    return this.#state === "over";
  }

  connectsOn(socket: unknown): void {
    if (isSocket(socket)) this.#connecting = socket;
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  close(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#timer);
    if (this.#controller !== undefined) this.#controller.abort(left);
    // With an error, for without one undici would wait for this connection for ever.
    else this.#connecting?.destroy(left);
    this.#connecting = undefined;
  }

  drain(): void {
    if (this.#state !== "open") return;
    this.#state = "draining";
    this.#timer = setTimeout(() => this.close(), drainMs).unref();
    this.resume();
  }

  fail(error: unknown): void {
    const open = this.#state === "open";
    this.#finish();
    if (open) this.#receiver.failed(this.#notTaken(error) ? new RequestNotTaken(error) : error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === "over") return controller.abort(left);
    this.#controller = controller;
    if (this.#connecting === undefined) this.#reusedAtMs = performance.now();
    this.#connecting = undefined;
    this.#receiver.sent();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  ): void {
    this.#reusedAtMs = undefined;
    if (status < 200 || this.#state !== "open") return;
    this.#receiver.head(status, (name) => {
      const value = headers[name];
      return typeof value === "object" ? value[0] : value;
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#state === "open") return this.#receiver.data(chunk);
    this.#drained += chunk.byteLength;
    if (this.#drained > drainBytes) this.close();
  }

  onResponseEnd(): void {
    const open = this.#state === "open";
    this.#finish();
    if (open) this.#receiver.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  /**
   * Tells whether the server has not acted on the request: it says so itself (HTTP/2), or it was just closing a connection
   * that had stood idle when the request went out on it.
   */
  #notTaken(error: unknown): boolean {
    if (!(error instanceof Error) || !("code" in error)) return false;
    if (error.message.includes("NGHTTP2_REFUSED_STREAM")) return true;
    const sentAtMs = this.#reusedAtMs;
    return sentAtMs !== undefined && performance.now() - sentAtMs < idleCloseMs && closings.has(error.code);
  }

  #finish(): void {
    this.#state = "over";
    clearTimeout(this.#timer);
  }
}

const closings: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/** One error for all who leave: making one with its stack costs more than closing the connection. */
const left = new Error("The call was left.");

function isSocket(value: unknown): value is Socket {
  return typeof value === "object" && value !== null && "destroy" in value;
}
