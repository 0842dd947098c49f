import { getEventListeners, once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { raceAbort } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { type WireAnswer, type WireServer, wireServer } from "../../testing/wire-server.ts";
import { openai } from "../adapters/openai-chat.ts";
import { userMessage } from "../message.ts";
import type { Model, StreamPart } from "../model.ts";
import { scripted } from "../scripted.ts";
import { openStream, type StreamControl } from "./open-stream.ts";

const request = { messages: [userMessage("Why does bread rise?")] };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const wire = wireFormats["openai-chat"];
const headersOnly: WireAnswer = { headers: { "content-type": "text/event-stream" }, chunks: [], ending: "hang" };

/** Names the phases of a stream, what the server does in each, and how the reader gets there. */
const phases: readonly (readonly [
  string,
  WireAnswer,
  (stream: StreamControl, server: WireServer) => Promise<unknown>,
])[] = [
  ["waiting for the headers", { silent: true }, (_stream, server) => until(() => server.requests.length > 0)],
  ["before the first token", headersOnly, (_stream, server) => until(() => server.requests.length > 0)],
  ["in the middle", wire.answer("stalled"), (stream) => until(() => stream.metrics.chars > 0)],
  [
    "paused",
    wire.answer("stalled"),
    async (stream) => {
      await until(() => stream.metrics.chars > 0);
      stream.pause();
    },
  ],
];

async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await settle();
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Reads to the end and gives the error and when it came. */
async function fate(stream: StreamControl): Promise<{ readonly error: unknown; readonly at: number }> {
  try {
    for await (const part of stream) void part;
    return { error: undefined, at: performance.now() };
  } catch (error) {
    return { error, at: performance.now() };
  }
}

describe("cancel", () => {
  it.each(phases)(
    "while %s settles the reader in 5 ms and the provider in 50 (acceptance 4)",
    async (_phase, answer, reach) => {
      await using server = await wireServer();
      server.answer(answer);
      await using provider = openai({ baseUrl: `${server.url}/v1`, apiKey: "sk-0123456789" });
      const toReader: number[] = [];
      const toProvider: number[] = [];
      for (let round = 0; round < 7; round++) {
        const seen = server.requests.length;
        const stream = openStream(provider.model("m"), request);
        const reading = fate(stream);
        await until(() => server.requests.length > seen);
        await reach(stream, server);
        const start = performance.now();
        expect(stream.cancel(new Error("enough"))).toBe(true);
        const { error, at } = await reading;
        toReader.push(at - start);
        await server.idle();
        toProvider.push(performance.now() - start);
        expect(error).toMatchObject({ code: "cancelled", cause: { message: "enough" }, details: { model: "m" } });
        expect(stream.state).toBe("cancelled");
        expect(stream.buffered).toEqual([]);
        await expect(stream.result()).rejects.toBe(error);
      }
      expect(median(toReader)).toBeLessThanOrEqual(5);
      expect(median(toProvider)).toBeLessThanOrEqual(50);
    },
  );

  it("while connecting gives the connection up (acceptance 4)", async () => {
    // It takes the connection and never answers the handshake.
    const mute = createServer().listen(0, "127.0.0.1");
    await once(mute, "listening");
    const { port } = mute.address() as AddressInfo;
    const toReader: number[] = [];
    for (let round = 0; round < 5; round++) {
      await using provider = openai({ baseUrl: `https://127.0.0.1:${port}/v1`, apiKey: "sk-0123456789" });
      const stream = openStream(provider.model("m"), request);
      const reading = fate(stream);
      const [socket] = (await once(mute, "connection")) as [Socket];
      const closed = once(socket.on("error", () => {}).resume(), "close");
      const start = performance.now();
      stream.cancel();
      const { error, at } = await reading;
      expect(error).toMatchObject({ code: "cancelled" });
      toReader.push(at - start);
      await provider[Symbol.asyncDispose]();
      await closed;
    }
    expect(median(toReader)).toBeLessThanOrEqual(5);
    mute.close();
  });

  it("before anything was asked for makes no call at all (acceptance 4)", async () => {
    let calls = 0;
    const model: Model = { ...scripted(["x"]), stream: () => ((calls += 1), scripted(["x"]).stream(request)) };
    const stream = openStream(model, request);
    stream.cancel();
    expect((await fate(stream)).error).toMatchObject({ code: "cancelled", details: { phase: "connect" } });
    const signal = AbortSignal.abort(new Error("too late"));
    const aborted = openStream(model, request, { signal });
    expect(aborted.state).toBe("cancelled");
    await expect(aborted.result()).rejects.toMatchObject({ code: "cancelled", cause: { message: "too late" } });
    expect(calls).toBe(0);
  });

  it("while the call is queued takes it out of the queue (acceptance 4)", async () => {
    let queued = 0;
    const model: Model = {
      ...scripted([]),
      managed: true,
      async *stream(_request, { signal } = {}) {
        queued++;
        try {
          await raceAbort(new Promise<void>(() => {}), signal);
          yield { type: "response.started" };
        } finally {
          queued--;
        }
      },
    };
    const stream = openStream(model, request);
    const reading = fate(stream);
    await settle();
    expect(queued).toBe(1);
    const start = performance.now();
    stream.cancel();
    const { error, at } = await reading;
    expect(error).toMatchObject({ code: "cancelled", details: { phase: "headers" } });
    expect(at - start).toBeLessThanOrEqual(5);
    await settle();
    expect(queued).toBe(0);
  });

  it("settles the reader also when the model does not heed its signal, and disposing waits no longer than a second", async () => {
    const clock = manualClock();
    const model: Model = {
      ...scripted([]),
      async *stream() {
        await new Promise<void>(() => {});
        yield { type: "response.started" };
      },
    };
    const stream = openStream(model, request, { clock });
    const reading = fate(stream);
    const closed = stream[Symbol.asyncDispose]();
    expect((await reading).error).toMatchObject({ code: "cancelled" });
    await clock.advance(1_000);
    await closed;
    expect(clock.sleeping).toBe(0);
  });

  it("keeps what the answer has cost so far", async () => {
    const stream = openStream(scripted(["a long answer with many words in it"]), request);
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    stream.cancel();
    await expect(reader.next()).rejects.toMatchObject({
      details: { phase: "stream", partialUsage: { provenance: "estimated" } },
    });
    expect(stream.metrics.usage.outputTokens).toBeGreaterThan(0);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });
});

describe("leaving a stream", () => {
  const endings: readonly (readonly [string, (stream: StreamControl, parent: AbortController) => Promise<void>])[] = [
    ["break", async (stream) => void (await firstOf(stream))],
    [
      "a throw in the loop",
      async (stream) => {
        const reading = (async () => {
          for await (const part of stream) if (part.type === "text.delta") throw new Error("mine");
        })();
        await expect(reading).rejects.toThrow("mine");
      },
    ],
    [
      "the parent's abort",
      async (stream, parent) => {
        const reading = fate(stream);
        await until(() => stream.metrics.chars > 0);
        parent.abort(new Error("parent"));
        expect((await reading).error).toMatchObject({ code: "cancelled", cause: { message: "parent" } });
      },
    ],
    [
      "the end of its scope",
      async (opened) => {
        await using stream = opened;
        await stream[Symbol.asyncIterator]().next();
        stream.pause();
      },
    ],
  ];

  it.each(endings)("by %s frees everything (acceptance 4)", async (_how, leave) => {
    await using server = await wireServer();
    server.answer(wire.answer("stalled"));
    await using provider = openai({ baseUrl: `${server.url}/v1`, apiKey: "sk-0123456789" });
    const parent = new AbortController();
    const stream = openStream(provider.model("m"), request, { signal: parent.signal });
    await leave(stream, parent);
    const start = performance.now();
    await server.idle();
    expect(performance.now() - start).toBeLessThanOrEqual(50);
    expect(stream.state).toBe("cancelled");
    expect(stream.metrics.upstream).toBe("closed");
    expect(getEventListeners(parent.signal, "abort")).toEqual([]);
    await expect(stream.result()).rejects.toMatchObject({ code: "cancelled" });
  });

  it("500 times in the middle leaves nothing open at the provider (acceptance 4)", async () => {
    await using server = await wireServer();
    server.answer(wire.answer("stalled"));
    await using provider = openai({ baseUrl: `${server.url}/v1`, apiKey: "sk-0123456789" });
    const { signal } = new AbortController();
    for (let batch = 0; batch < 10; batch++) {
      const streams = Array.from({ length: 50 }, () => openStream(provider.model("m"), request, { signal }));
      const readings = streams.map(fate);
      await until(() => streams.every((stream) => stream.metrics.chars > 0));
      for (const stream of streams) stream.cancel();
      for (const { error } of await Promise.all(readings)) expect(error).toMatchObject({ code: "cancelled" });
    }
    await server.idle();
    expect(server.requests).toHaveLength(500);
    expect(server.open).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  }, 30_000);
});

async function firstOf(stream: AsyncIterable<StreamPart>): Promise<StreamPart | undefined> {
  for await (const part of stream) if (part.type === "text.delta") return part;
  return undefined;
}

describe("10,000 streams on one signal", () => {
  it("leave no listener, no timer and no memory (acceptance 8)", async () => {
    const { signal } = new AbortController();
    const clock = manualClock();
    const model = scripted([{ text: "some words that are said", reasoning: "and thought" }]);
    const ways: readonly ((stream: StreamControl) => Promise<unknown>)[] = [
      (stream) => fate(stream),
      (stream) => firstOf(stream),
      (stream) => stream.result(),
      async (stream) => {
        const reading = fate(stream);
        stream.pause();
        stream.cancel();
        await reading;
      },
      async (stream) => {
        stream.pause();
        const result = stream.result();
        stream.resume();
        await result;
      },
    ];
    const run = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        await using stream = openStream(model, request, { signal, clock });
        await ways[index % ways.length]?.(stream);
      }
    };
    await run(1_000);
    const before = heapUsed();
    await run(10_000);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(clock.sleeping).toBe(0);
    expect(heapUsed() - before).toBeLessThan(2 * 1024 * 1024);
  }, 30_000);
});

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
