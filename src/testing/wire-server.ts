import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/**
 * Is what the server sends for one request. `ending` says how it ends: `end` as it should, `cut` destroys the connection,
 * `hang` says nothing more. `silent` does not even send the headers.
 */
export interface WireAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly chunks?: readonly (string | Uint8Array)[];
  readonly ending?: "end" | "cut" | "hang";
  readonly silent?: boolean;
}

/** Is a request as it came. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Is an HTTP server that sends exactly the bytes it is told to, right or wrong, and sees who hangs up. */
export interface WireServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly WireRequest[];
  /** Counts the answers whose connection is still busy with them. */
  readonly open: number;
  /** Sets what is sent from now on. */
  answer(next: WireAnswer | ((request: WireRequest) => WireAnswer)): void;
  /** Resolves when no answer is open. */
  idle(): Promise<void>;
}

/** Makes the server on a free port of this machine. Order: each chunk is written by itself, once the one before is on its way. */
export async function wireServer(): Promise<WireServer> {
  let current: (request: WireRequest) => WireAnswer = () => ({ status: 404 });
  let open = 0;
  let waiting: (() => void)[] = [];
  const requests: WireRequest[] = [];

  const settle = (): void => {
    open--;
    if (open > 0) return;
    for (const wake of waiting) wake();
    waiting = [];
  };
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) if (chunk instanceof Buffer) chunks.push(chunk);
    const request: WireRequest = {
      method: incoming.method ?? "",
      path: incoming.url ?? "",
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    requests.push(request);
    await send(current(request), response);
  };
  const server = createServer((incoming, response) => {
    open++;
    response.once("close", settle);
    serve(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    get open() {
      return open;
    },
    answer(next) {
      current = typeof next === "function" ? next : () => next;
    },
    async idle() {
      if (open > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

async function send(answer: WireAnswer, response: ServerResponse): Promise<void> {
  const { status = 200, headers = {}, chunks = [], ending = "end", silent = false } = answer;
  if (silent) return;
  response.writeHead(status, headers);
  response.flushHeaders();
  for (const chunk of chunks) {
    if (response.destroyed) return;
    await new Promise<void>((resolve) => response.write(chunk, () => resolve()));
  }
  if (ending === "end") response.end();
  else if (ending === "cut") response.destroy();
}
