import { getEventListeners, once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Model, StreamPart } from "../model.ts";
import { contractText } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import type { WireAnswer } from "../../testing/wire-server.ts";
import {
  type FormatName,
  formatNames,
  openWire,
  readAll,
  wireProviders,
  wireRequest,
} from "../../../test/lib/wires.ts";

const settleMs = 5;
const closeMs = 50;

/** How a reader may give a call up. Each starts from a reader that has seen the first text, or waits for it. */
const phases = ["before headers", "before the first token", "in mid-stream", "while the reader is busy"] as const;

function answerIn(format: FormatName, phase: (typeof phases)[number]): WireAnswer {
  const wire = wireFormats[format];
  if (phase === "before headers") return wire.answer("silent");
  if (phase === "before the first token") return { ...wire.answer("text"), chunks: [], ending: "hang" };
  return stalled(format);
}

/** Is an answer that falls silent after its first text. */
function stalled(format: FormatName): WireAnswer {
  const { chunks = [], ...rest } = wireFormats[format].answer("stalled");
  const first = chunks.findIndex((chunk) => String(chunk).includes(contractText.slice(0, 9)));
  return { ...rest, chunks: chunks.slice(0, first + 1) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Starts to read and gives what there is to wait for: the promise of a next part that will not come. */
async function begin(model: Model, signal: AbortSignal | undefined, untilText: boolean) {
  const iterator = model.stream(wireRequest, { signal })[Symbol.asyncIterator]();
  for (let text = !untilText; !text;) {
    const result: IteratorResult<StreamPart, unknown> = await iterator.next();
    text = result.done === true || result.value.type === "text.delta";
  }
  return iterator;
}

async function soon(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(formatNames)("%s", (format) => {
  it.each(phases)("cancelled %s lets its reader go at once and hangs up (acceptance 4)", async (phase) => {
    const settled: number[] = [];
    const closed: number[] = [];
    await using at = await openWire(format, answerIn(format, phase));
    const busy = phase === "while the reader is busy";
    for (let round = 0; round < 5; round++) {
      const stop = new AbortController();
      const iterator = await begin(at.model, stop.signal, busy || phase === "in mid-stream");
      const waiting = busy ? undefined : iterator.next();
      await soon(() => at.server.open > 0);
      const start = performance.now();
      stop.abort(new Error("mine"));
      await expect(waiting ?? iterator.next()).rejects.toMatchObject({
        code: "cancelled",
        details: { provider: at.provider.name, model: "test-model" },
        cause: { message: "mine" },
      });
      settled.push(performance.now() - start);
      await at.server.idle();
      closed.push(performance.now() - start);
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(getEventListeners(stop.signal, "abort")).toEqual([]);
    }
    expect(median(settled)).toBeLessThanOrEqual(settleMs);
    expect(median(closed)).toBeLessThanOrEqual(closeMs);
  });

  it.each(["break", "throw", "return while waiting"] as const)("left by %s hangs up (acceptance 4)", async (way) => {
    await using at = await openWire(format, stalled(format));
    const iterator = await begin(at.model, undefined, true);
    const start = performance.now();
    if (way === "return while waiting") {
      const waiting = iterator.next();
      await iterator.return?.();
      expect(await waiting).toEqual({ done: true, value: undefined });
    } else if (way === "throw") {
      await expect(iterator.throw?.(new Error("mine"))).rejects.toThrow("mine");
    } else await iterator.return?.();
    expect(performance.now() - start).toBeLessThanOrEqual(closeMs);
    await at.server.idle();
    expect(performance.now() - start).toBeLessThanOrEqual(closeMs * 4);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("rejects the same way in every phase, also when all has come but is not read yet (acceptance 9)", async () => {
    const stop = new AbortController();
    await using at = await openWire(format, wireFormats[format].answer("text"));
    const iterator = await begin(at.model, stop.signal, true);
    await at.server.idle();
    stop.abort();
    await expect(iterator.next()).rejects.toMatchObject({
      code: "cancelled",
      retry: "never",
      details: { phase: "stream" },
    });
    const early = await readAll(at.model, AbortSignal.abort());
    expect(early).toMatchObject({
      parts: [],
      error: { code: "cancelled", retry: "never", details: { phase: "connect" } },
    });
    expect(at.server.requests).toHaveLength(1);
  });
});

/** Accepts connections and never says a word: a TLS handshake with it does not end. */
async function mute(): Promise<
  { readonly port: number; readonly sockets: Set<Socket>; readonly server: Server } & AsyncDisposable
> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // It reads on, or it would not see the end.
    socket.resume();
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    sockets,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("a call that is still connecting", () => {
  it("is let go at once and its connection closed (acceptance 4)", async () => {
    await using at = await mute();
    const provider = wireProviders["openai-chat"](`https://127.0.0.1:${at.port}`, {});
    for (let round = 0; round < 3; round++) {
      const stop = new AbortController();
      const reading = readAll(provider.model("m"), stop.signal);
      await soon(() => at.sockets.size > 0);
      const start = performance.now();
      stop.abort();
      expect((await reading).error).toMatchObject({ code: "cancelled", details: { phase: "connect" } });
      if (round > 0) expect(performance.now() - start).toBeLessThanOrEqual(settleMs * 4);
      await soon(() => at.sockets.size === 0);
      expect(performance.now() - start).toBeLessThanOrEqual(closeMs * 4);
    }
    await provider[Symbol.asyncDispose]();
  });

  it("that was cancelled leaves the others that connect alone", async () => {
    await using at = await openWire("openai-chat", wireFormats["openai-chat"].answer("text"));
    const stop = new AbortController();
    const readings = Array.from({ length: 10 }, (_, index) =>
      readAll(at.model, index % 2 === 0 ? stop.signal : undefined),
    );
    stop.abort();
    const codes = (await Promise.all(readings)).map(({ error }) => (error === undefined ? "whole" : "cancelled"));
    expect(codes).toEqual(Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? "cancelled" : "whole")));
  });

  it("to where nobody answers ends with connectMs", async () => {
    await using at = await mute();
    const provider = wireProviders.ollama(`https://127.0.0.1:${at.port}`, { timeouts: { connectMs: 50 } });
    expect((await readAll(provider.model("m"))).error).toMatchObject({
      code: "provider_timeout",
      details: { phase: "connect", causeCode: "UND_ERR_CONNECT_TIMEOUT" },
    });
    await provider[Symbol.asyncDispose]();
  });
});

it("500 calls cancelled in mid-answer leave nothing open (acceptance 4)", async () => {
  await using at = await openWire("openai-chat", stalled("openai-chat"));
  const stop = new AbortController();
  const iterators = await Promise.all(Array.from({ length: 500 }, () => begin(at.model, stop.signal, true)));
  expect(at.server.open).toBe(500);
  const waiting = iterators.map((iterator) => iterator.next().catch((error: unknown) => error));
  const start = performance.now();
  stop.abort();
  for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "cancelled" });
  await at.server.idle();
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(getEventListeners(stop.signal, "abort")).toEqual([]);
});

it("a reader that does not read stops the provider from sending (acceptance 5)", async () => {
  let written = 0;
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "x".repeat(1_000) } }] })}\n\n`;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
      const pour = (): void => {
        if (socket.destroyed) return;
        for (let more = true; more;) {
          more = socket.write(event);
          written += event.length;
        }
        socket.once("drain", pour);
      };
      pour();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const provider = wireProviders["openai-chat"](
    `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`,
    {},
  );
  const iterator = await begin(provider.model("m"), undefined, true);
  // What the two kernels hold is out of reach; once they are full, nothing more is written.
  let before = -1;
  for (let still = 0; still < 20; still = written === before ? still + 1 : 0) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(written).toBe(before);
  for (let part = 0; part < 20_000; part++) await iterator.next();
  expect(written).toBeGreaterThan(before);
  await iterator.return?.();
  await provider[Symbol.asyncDispose]();
  server.close();
});
