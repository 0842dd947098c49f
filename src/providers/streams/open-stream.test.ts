import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../testing/manual-clock.ts";
import { userMessage } from "../message.ts";
import type { Model, StreamOptions, StreamPart } from "../model.ts";
import { scripted } from "../scripted.ts";
import { openStream, type OpenStreamOptions } from "./open-stream.ts";
import type { StreamTransform } from "./transform.ts";

const request = { messages: [userMessage("Tell me.")] };
const usage = { inputTokens: 3, outputTokens: 5, provenance: "reported" } as const;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const text = (value: string): StreamPart => ({ type: "text.delta", text: value });
const started: StreamPart = { type: "response.started" };
const finished: StreamPart = {
  type: "response.finished",
  finishReason: "stop",
  usage,
  metadata: { malformedEvents: 2 },
};
const restarted: StreamPart = { type: "response.restarted", from: "a/1", to: "b/2", code: "provider_error" };
const answer = (count: number): StreamPart[] => [
  started,
  ...Array.from({ length: count }, (_, index) => text(`${index} `)),
  finished,
];

type Counts = { reads: number; open: number; options: StreamOptions | undefined };

/** Makes a model that says these parts and counts what is read of it. */
function partsModel(parts: readonly StreamPart[], end?: Error): Model & { readonly counts: Counts } {
  const counts: Counts = { reads: 0, open: 0, options: undefined };
  return {
    ...scripted([]),
    counts,
    async *stream(_request, options) {
      counts.open++;
      counts.options = options;
      try {
        for (const part of parts) {
          options?.signal?.throwIfAborted();
          counts.reads++;
          yield part;
        }
        if (end !== undefined) throw end;
      } finally {
        counts.open--;
      }
    },
  };
}

async function readAll(parts: AsyncIterable<StreamPart>): Promise<StreamPart[]> {
  const all: StreamPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

const textOf = (parts: readonly StreamPart[]): string =>
  parts.map((part) => (part.type === "text.delta" ? part.text : "")).join("");

describe("a stream", () => {
  it("delivers what the model says, and has the whole answer afterwards", async () => {
    const model = partsModel(answer(200));
    const stream = openStream(model, request);
    expect(model.counts.reads).toBe(0);
    expect(await readAll(stream)).toEqual(answer(200));
    expect(await stream.result()).toMatchObject({ text: textOf(answer(200)), finishReason: "stop", usage });
    expect(stream.state).toBe("done");
    expect(model.counts.open).toBe(0);
  });

  it("gives the whole answer to who only wants that, or asks for it before the loop", async () => {
    expect((await openStream(partsModel(answer(200)), request).result()).text).toBe(textOf(answer(200)));
    const stream = openStream(partsModel(answer(200)), request);
    const result = stream.result();
    expect(await readAll(stream)).toEqual(answer(200));
    expect((await result).text).toBe(textOf(answer(200)));
  });

  it("passes the options of the call on", async () => {
    const model = partsModel(answer(1));
    const fallback = { enabled: false };
    await openStream(model, request, { session: "s", task: "code", fallback }).result();
    expect(model.counts.options).toMatchObject({ session: "s", task: "code", fallback });
    expect(model.counts.options).not.toHaveProperty("transforms");
  });

  it("is read once", async () => {
    const stream = openStream(partsModel(answer(1)), request);
    const reader = stream[Symbol.asyncIterator]();
    expect(() => stream[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: "stream_has_reader" }));
    stream.pause();
    const first = reader.next();
    await expect(reader.next()).rejects.toMatchObject({ code: "stream_has_reader" });
    stream.resume();
    expect(await first).toEqual({ done: false, value: started });
  });

  it("delivers what came before a failure, then fails as the model does", async () => {
    const failure = new Error("broken");
    const stream = openStream(partsModel([started, text("a"), text("b")], failure), request);
    const got: StreamPart[] = [];
    const reading = (async () => {
      for await (const part of stream) got.push(part);
    })();
    await expect(reading).rejects.toBe(failure);
    await expect(stream.result()).rejects.toBe(failure);
    expect(got).toEqual([started, text("a"), text("b")]);
    expect(stream.state).toBe("failed");
  });

  it("takes an answer that only stops for one that broke off", async () => {
    const stream = openStream(partsModel([started, text("a")]), request);
    await expect(readAll(stream)).rejects.toMatchObject({
      code: "stream_interrupted",
      details: { partialUsage: { outputTokens: 1, provenance: "estimated" } },
    });
  });

  it("refuses bounds that make no sense", () => {
    const wrong: OpenStreamOptions[] = [
      { buffer: { maxParts: -1 } },
      { buffer: { maxChars: 0 } },
      { buffer: { maxParts: 0, whenFull: "fail" } },
      { maxPauseMs: Number.NaN },
    ];
    for (const options of wrong) {
      expect(() => openStream(partsModel([]), request, options)).toThrow(
        expect.objectContaining({ code: "invalid_input" }),
      );
    }
  });

  it("tells its states, also to who comes late or looks away", async () => {
    const stream = openStream(partsModel(answer(1)), request);
    const states: string[] = [];
    const watching = (async () => {
      for await (const state of stream.states()) states.push(state);
    })();
    await settle();
    stream.pause();
    await settle();
    const result = stream.result();
    stream.resume();
    await result;
    await watching;
    expect(states).toEqual(["idle", "paused", "streaming", "done"]);
    expect(await Array.fromAsync(stream.states())).toEqual(["done"]);
  });
});

describe("pause", () => {
  it("stops reading and delivery, and resume loses nothing (acceptance 5)", async () => {
    const model = partsModel(answer(500));
    const stream = openStream(model, request);
    const got: StreamPart[] = [];
    let pauses = 0;
    for await (const part of stream) {
      got.push(part);
      if (got.length % 50 !== 0) continue;
      stream.pause();
      await settle();
      const { reads } = model.counts;
      await settle();
      await settle();
      expect(model.counts.reads).toBe(reads);
      expect(stream.state).toBe("paused");
      pauses++;
      setImmediate(() => stream.resume());
    }
    expect(got).toEqual(answer(500));
    expect(pauses).toBe(10);
    expect(stream.metrics).toMatchObject({ pauses: 10, state: "done", parts: 502, deliveredParts: 502 });
  });

  it("needs no time at all while it lasts (acceptance 5)", async () => {
    const streams = Array.from({ length: 200 }, () => openStream(partsModel(answer(50)), request));
    const readers = streams.map((stream) => stream[Symbol.asyncIterator]());
    await Promise.all(readers.map((reader) => reader.next()));
    for (const stream of streams) stream.pause();
    await settle();
    const before = process.threadCpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(20);
    for (const stream of streams) stream.cancel();
  });

  it("tells the model, so that its clocks stand still while a read is under way (acceptance 3)", async () => {
    const model = partsModel(answer(3));
    const stream = openStream(model, request);
    await stream[Symbol.asyncIterator]().next();
    const told: boolean[] = [];
    model.counts.options?.pausing?.onChange(() => told.push(model.counts.options?.pausing?.paused === true));
    stream.pause();
    stream.resume();
    stream.cancel();
    expect(told).toEqual([true, false]);
  });

  it("that is too long cancels, and says why (acceptance 5)", async () => {
    const clock = manualClock();
    const model = partsModel(answer(9));
    const stream = openStream(model, request, { clock, maxPauseMs: 1_000 });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    stream.pause();
    const next = reader.next();
    await clock.advance(999);
    expect(stream.state).toBe("paused");
    const rejected = expect(next).rejects.toMatchObject({
      code: "cancelled",
      cause: { code: "stream_pause_too_long", details: { maxPauseMs: 1_000 } },
    });
    await clock.advance(1);
    await rejected;
    expect(stream.state).toBe("cancelled");
    expect(model.counts.open).toBe(0);
    expect(clock.sleeping).toBe(0);
  });

  it("that is too long resumes where that is asked for, and each pause has its own time", async () => {
    const clock = manualClock();
    const stream = openStream(partsModel(answer(9)), request, { clock, maxPauseMs: 1_000, onPauseTooLong: "resume" });
    const reading = readAll(stream);
    for (let round = 0; round < 3; round++) {
      stream.pause();
      await clock.advance(900);
      expect(stream.resume()).toBe(round === 0 || stream.state === "streaming");
    }
    expect(clock.sleeping).toBe(0);
    expect(await reading).toEqual(answer(9));
    const other = openStream(partsModel(answer(9)), request, { clock, maxPauseMs: 1_000, onPauseTooLong: "resume" });
    const whole = other.result();
    other.pause();
    await clock.advance(1_000);
    expect((await whole).text).toBe(textOf(answer(9)));
    expect(other.metrics.pausedMs).toBe(1_000);
  });
});

describe("the buffer", () => {
  const slow = async (options: OpenStreamOptions, parts = answer(300)) => {
    const model = partsModel(parts);
    const stream = openStream(model, request, options);
    const reader = stream[Symbol.asyncIterator]();
    const got: StreamPart[] = [];
    let peak = 0;
    for (let read = await reader.next(); read.done !== true; read = await reader.next()) {
      got.push(read.value);
      for (let turn = 0; turn < 30; turn++) await settle();
      peak = Math.max(peak, stream.buffered.length);
    }
    return { model, stream, got, peak };
  };

  it("reads ahead up to its bound and no further (acceptance 5)", async () => {
    const { stream, got, peak } = await slow({ buffer: { maxParts: 8 } }, answer(60));
    expect(got).toEqual(answer(60));
    expect(peak).toBe(8);
    expect(stream.metrics.peakParts).toBeLessThanOrEqual(8 + 1);
  });

  it("is bounded in characters too (acceptance 5)", async () => {
    const parts = [started, ...Array.from({ length: 40 }, () => text("x".repeat(100))), finished];
    const { stream, got } = await slow({ buffer: { maxChars: 450 } }, parts);
    expect(got).toEqual(parts);
    expect(stream.metrics.peakChars).toBe(500);
  });

  it("of no parts reads nothing ahead", async () => {
    const model = partsModel(answer(20));
    const stream = openStream(model, request, { buffer: { maxParts: 0 } });
    const reader = stream[Symbol.asyncIterator]();
    for (let reads = 1; reads < 20; reads++) {
      await reader.next();
      await settle();
      expect(model.counts.reads).toBe(reads);
    }
  });

  it("that is full joins deltas where that is asked for, and loses nothing", async () => {
    const { stream, got } = await slow({ buffer: { maxParts: 4, whenFull: "coalesce" } });
    expect(textOf(got)).toBe(textOf(answer(300)));
    expect(got.length).toBeLessThan(100);
    expect(stream.metrics.joinedParts).toBe(302 - got.length);
    expect(stream.metrics.peakParts).toBeLessThanOrEqual(4 + 1);
  });

  it("that is full drops the oldest where that is asked for, says so, and the result is whole", async () => {
    const { stream, got } = await slow({ buffer: { maxParts: 4, whenFull: "drop_oldest" } });
    const { droppedParts, droppedChars } = stream.metrics;
    expect(droppedParts).toBe(302 - got.length);
    expect(droppedChars).toBe(textOf(answer(300)).length - textOf(got).length);
    expect(got.at(-1)).toMatchObject({ type: "response.finished", metadata: { droppedParts, droppedChars } });
    expect((await stream.result()).text).toBe(textOf(answer(300)));
  });

  it("that drops stays within its characters, also when large parts follow small ones", async () => {
    const sizes = [...Array.from({ length: 30 }, () => 1), ...Array.from({ length: 30 }, () => 100)];
    const parts = [started, ...sizes.map((size) => text("x".repeat(size))), finished];
    const { stream } = await slow({ buffer: { maxParts: 30, maxChars: 250, whenFull: "drop_oldest" } }, parts);
    expect(stream.metrics.peakChars).toBeLessThanOrEqual(250 + 100);
  });

  it("that is full drops what comes again before it drops text, and never what counts", async () => {
    const call = (index: number): StreamPart[] => [
      { type: "tool.started", id: `${index}`, name: "t" },
      { type: "tool.delta", id: `${index}`, text: "{}" },
      { type: "tool.completed", id: `${index}`, name: "t", input: {} },
    ];
    const parts = [started, text("a"), ...[0, 1, 2, 3, 4].flatMap(call), finished];
    const { got } = await slow({ buffer: { maxParts: 3, whenFull: "drop_oldest" } }, parts);
    expect(got.filter((part) => part.type === "tool.completed")).toHaveLength(5);
    expect(got.filter((part) => part.type === "tool.started")).toHaveLength(5);
  });

  it("that is full fails the stream where that is asked for, after what it holds", async () => {
    const model = partsModel(answer(300));
    const stream = openStream(model, request, { buffer: { maxParts: 4, whenFull: "fail" } });
    const got: StreamPart[] = [];
    const reading = (async () => {
      for await (const part of stream) {
        got.push(part);
        for (let turn = 0; turn < 30; turn++) await settle();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "stream_buffer_full", details: { maxParts: 4 } });
    expect(got).toEqual(answer(300).slice(0, got.length));
    expect(got).toHaveLength(5);
    expect(model.counts.open).toBe(0);
  });

  it("loses what a restart makes void, and so does the result", async () => {
    const parts = [started, text("void "), text("too"), restarted, text("good"), finished];
    const stream = openStream(partsModel(parts), request);
    const reader = stream[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(started);
    for (let turn = 0; turn < 20; turn++) await settle();
    expect(stream.buffered).toEqual([restarted, text("good"), finished]);
    expect(stream.metrics.voidedParts).toBe(2);
    const rest = await readAll({ [Symbol.asyncIterator]: () => reader });
    expect(rest).toEqual([restarted, text("good"), finished]);
    expect((await stream.result()).text).toBe("good");
  });
});

describe("a transform", () => {
  const broken = (at: "start" | "push" | "end"): StreamTransform => {
    const fail = (where: string): void => {
      if (where === at) throw new Error("my fault");
    };
    return {
      name: "mine",
      start() {
        fail("start");
        return { push: (part, emit) => (fail("push"), emit(part)), end: () => fail("end") };
      },
    };
  };

  it.each(["start", "push", "end"] as const)(
    "that throws at its %s fails the stream and closes the call",
    async (at) => {
      const model = partsModel(answer(9));
      const stream = openStream(model, request, { transforms: [broken(at)] });
      await expect(readAll(stream)).rejects.toMatchObject({
        code: "stream_transform_failed",
        details: { transform: "mine" },
        cause: { message: "my fault" },
      });
      await settle();
      expect(stream.state).toBe("failed");
      expect(model.counts.open).toBe(0);
    },
  );

  it("lets go of what it holds before a failure", async () => {
    const holding: StreamTransform = {
      name: "last",
      start: () => ({ push: () => {}, end: (emit) => emit(text("held")) }),
    };
    const stream = openStream(partsModel([text("a")], new Error("x")), request, { transforms: [holding] });
    const reader = stream[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(text("held"));
    await expect(reader.next()).rejects.toThrow("x");
  });
});

describe("metrics", () => {
  it("tell of times, rates and pauses by the clock", async () => {
    const clock = manualClock();
    const model = scripted([{ delayMs: 100, chunkDelayMs: 50, text: "abcdefgh", usage: { outputTokens: 8 } }], {
      clock,
      chunkSize: 1,
    });
    const stream = openStream(model, request, { clock });
    expect(stream.metrics).toMatchObject({ state: "idle", upstream: "unopened", startedAt: null, firstPartMs: null });
    const reading = readAll(stream);
    await clock.waitForSleepers(1);
    await clock.advance(100);
    await clock.advance(100);
    stream.pause();
    await clock.advance(1_000);
    stream.resume();
    for (let turn = 0; turn < 10; turn++) await clock.advance(50);
    await reading;
    expect(stream.metrics).toMatchObject({
      state: "done",
      upstream: "closed",
      startedAt: 1_700_000_000_000,
      firstPartMs: 100,
      firstTextMs: 100,
      pauses: 1,
      pausedMs: 1_000,
      maxGapMs: 50,
      chars: 8,
      bufferedParts: 0,
      usage: { outputTokens: 8, provenance: "reported" },
    });
    expect(stream.metrics.tokensPerSecond).toBeGreaterThan(15);
    expect(stream.metrics.p95GapMs).toBe(50);
  });

  it("estimate an answer by its script: a character of Chinese is a token, four letters of Latin are one", async () => {
    const stream = openStream(scripted(["字".repeat(40)]), request);
    for await (const part of stream) if (part.type === "text.delta" && stream.metrics.chars > 20) break;
    expect(stream.metrics.usage.outputTokens).toBe(stream.metrics.chars);
  });

  it("count malformed events and estimate the usage of an answer that is not whole", async () => {
    const whole = openStream(partsModel(answer(3)), request);
    await whole.result();
    expect(whole.metrics.malformedEvents).toBe(2);
    const left = openStream(partsModel(answer(30)), request);
    for await (const part of left) if (part.type === "text.delta") break;
    expect(left.metrics.usage).toMatchObject({ provenance: "estimated" });
    expect(left.metrics.usage.outputTokens).toBeGreaterThan(0);
  });
});

describe("a signal", () => {
  it("keeps nothing of a stream that is over, or was never used (acceptance 8)", async () => {
    const { signal } = new AbortController();
    const count = (): number => getEventListeners(signal, "abort").length;
    const unused = openStream(partsModel([]), request, { signal });
    expect(count()).toBe(0);
    expect(unused.state).toBe("idle");
    const stream = openStream(partsModel(answer(3)), request, { signal });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    expect(count()).toBe(1);
    await readAll({ [Symbol.asyncIterator]: () => reader });
    expect(count()).toBe(0);
  });
});
