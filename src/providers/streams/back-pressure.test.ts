import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../testing/manual-clock.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { wireServer } from "../../testing/wire-server.ts";
import { openai } from "../adapters/openai-chat.ts";
import { userMessage } from "../message.ts";
import { scripted } from "../scripted.ts";
import { openStream } from "./open-stream.ts";

const request = { messages: [userMessage("Why does bread rise?")] };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const key = "sk-0123456789";

const chunks = 4_000;
const padding = "x".repeat(16 * 1024);
const pieceOf = (index: number): string => `${index} ${padding}`;

/** Sends a long answer as fast as it is taken, and counts what it could get rid of. */
async function floodingServer() {
  const counts = { sent: 0, blocked: false };
  const flood = async (response: ServerResponse): Promise<void> => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const say = (delta: object, finish: string | null = null): boolean =>
      response.write(
        `data: ${JSON.stringify({ id: "1", model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
      );
    for (; counts.sent < chunks; counts.sent++) {
      if (say({ content: pieceOf(counts.sent) })) continue;
      counts.blocked = true;
      await once(response, "drain");
      counts.blocked = false;
    }
    say({}, "stop");
    response.end("data: [DONE]\n\n");
  };
  const server = createServer((incoming, response) => {
    incoming.resume();
    flood(response).catch(() => response.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    counts,
    url: `http://127.0.0.1:${port}/v1`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Waits until the server has been unable to send anything for a while. */
async function untilBlocked(counts: { readonly sent: number; readonly blocked: boolean }): Promise<void> {
  for (let still = 0, last = -1; still < 10; still = counts.blocked && counts.sent === last ? still + 1 : 0) {
    last = counts.sent;
    await wait(20);
  }
}

describe("a paused stream", () => {
  it("lets the server's writes stop, and loses nothing when it goes on (acceptance 5)", async () => {
    using server = await floodingServer();
    await using provider = openai({ baseUrl: server.url, apiKey: key });
    await using stream = openStream(provider.model("m"), request);
    let texts = 0;
    let sentWhilePaused = 0;
    let bufferedWhilePaused = 0;
    for await (const part of stream) {
      if (part.type !== "text.delta") continue;
      expect(part.text).toBe(pieceOf(texts++));
      if (texts !== 100) continue;
      stream.pause();
      const blocked = untilBlocked(server.counts);
      const resumed = async (): Promise<void> => {
        await blocked;
        sentWhilePaused = server.counts.sent;
        bufferedWhilePaused = stream.metrics.bufferedChars;
        stream.resume();
      };
      void resumed();
    }
    expect(texts).toBe(chunks);
    // What the machine's own socket buffers take is all that was sent ahead: most of the answer was still to come.
    expect(sentWhilePaused).toBeGreaterThan(0);
    expect(sentWhilePaused).toBeLessThan(chunks / 2);
    expect(bufferedWhilePaused).toBeLessThanOrEqual(65_536 + padding.length + 8);
    const { peakChars, peakParts, pauses } = stream.metrics;
    expect(pauses).toBe(1);
    expect(peakChars).toBeLessThanOrEqual(65_536 + padding.length + 8);
    expect(peakParts).toBeLessThanOrEqual(64 + 1);
  }, 60_000);

  it("has no idle time, however long the pause is (acceptance 3)", async () => {
    await using server = await wireServer();
    const wire = wireFormats["openai-chat"];
    server.answer(wire.answer("text"));
    const clock = manualClock();
    const timeouts = { firstPartMs: 1_000, idleMs: 1_000, totalMs: 5_000 };
    await using provider = openai({ baseUrl: `${server.url}/v1`, apiKey: key, clock, timeouts });
    const options = { clock, maxPauseMs: Number.POSITIVE_INFINITY, buffer: { maxParts: 2 } };
    const stream = openStream(provider.model("m"), request, options);
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    stream.pause();
    while (stream.buffered.length < 1) await settle();
    await clock.advance(3_600_000);
    stream.resume();
    let last = await reader.next();
    for (let read = last; read.done !== true; read = await reader.next()) last = read;
    expect(last.value).toMatchObject({ type: "response.finished", finishReason: "stop" });
    expect(stream.metrics).toMatchObject({ state: "done", pausedMs: 3_600_000 });
  });

  it("of a model that says so stops the generation itself (acceptance 5)", async () => {
    const clock = manualClock();
    const text = "0123456789".repeat(20);
    const model = scripted([{ text, chunkDelayMs: 10 }], { clock, chunkSize: 1 });
    const stream = openStream(model, request, { clock });
    expect(stream.pauseEffect).toBe("generation");
    const result = stream.result();
    await clock.waitForSleepers(1);
    for (let turn = 0; turn < 20; turn++) await clock.advance(10);
    stream.pause();
    await clock.advance(10);
    const { parts } = stream.metrics;
    const generating = clock.sleeping;
    for (let turn = 0; turn < 50; turn++) await clock.advance(10);
    // Only the pause itself is timed: nobody generates.
    expect(generating).toBe(1);
    expect(stream.metrics.parts).toBe(parts);
    stream.resume();
    for (let turn = 0; turn < 250; turn++) await clock.advance(10);
    expect((await result).text).toBe(text);
  });

  it("says that a provider may go on", () => {
    const provider = openai({ apiKey: key });
    expect(openStream(provider.model("m"), request).pauseEffect).toBe("delivery");
  });
});
