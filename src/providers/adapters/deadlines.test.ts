import { describe, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../testing/manual-clock.ts";
import { contractText } from "../../testing/model-contract.ts";
import { wireFormats } from "../../testing/wire-formats.ts";
import { formatNames, httpOf, openWire, readAll, wireProviders, wireRequest } from "../../../test/lib/wires.ts";
import type { HttpReceiver, Model, Timeouts } from "../index.ts";
import { defaultTimeouts } from "../transport/deadlines.ts";

const timeouts: Timeouts = { connectMs: 1_000, firstPartMs: 5_000, idleMs: 1_000, totalMs: 60_000 };

const aNumber: unknown = expect.any(Number);

/** Lets all that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each(formatNames)("%s", (format) => {
  const wire = wireFormats[format];
  const chunks = (wire.answer("text").chunks ?? []).map((chunk) => Buffer.from(chunk));
  const firstText = chunks.findIndex((chunk) => chunk.includes(contractText.slice(0, 9)));
  const nothing = Buffer.from(format === "ollama" ? "\n" : ": keep-alive\n\n");

  /** Makes a model whose answer the test sends piece by piece. */
  function open(clock: ManualClock): { readonly model: Model; readonly answer: Promise<HttpReceiver> } {
    const answer = Promise.withResolvers<HttpReceiver>();
    const http = httpOf((receiver) => {
      receiver.sent();
      receiver.head(200, () => undefined);
      answer.resolve(receiver);
    });
    const model = wireProviders[format]("http://127.0.0.1:1", { http, clock, timeouts }).model("m");
    return { model, answer: answer.promise };
  }

  it("waits no longer than firstPartMs for the first piece, whatever else comes (acceptance 3)", async () => {
    const clock = manualClock();
    const { model, answer } = open(clock);
    const reading = readAll(model);
    const upstream = await answer;
    await clock.advance(3_000);
    for (const chunk of chunks.slice(0, firstText)) upstream.data(chunk);
    upstream.data(nothing);
    await settle();
    await clock.advance(1_999);
    let over = false;
    void reading.then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    await clock.advance(1);
    expect(await reading).toMatchObject({
      text: "",
      error: { code: "provider_timeout", details: { causeCode: "firstPartMs", phase: "stream" } },
    });
    expect(clock.sleeping).toBe(0);
  });

  it("waits no longer than idleMs between pieces, and keep-alive events are none (acceptance 3)", async () => {
    const clock = manualClock();
    const { model, answer } = open(clock);
    const reading = readAll(model);
    const upstream = await answer;
    for (const chunk of chunks.slice(0, firstText + 1)) upstream.data(chunk);
    await settle();
    await clock.advance(900);
    upstream.data(chunks[firstText + 1] ?? nothing);
    await settle();
    await clock.advance(900);
    upstream.data(nothing);
    await settle();
    await clock.advance(99);
    upstream.data(nothing);
    await settle();
    await clock.advance(1);
    const { text, error } = await reading;
    expect(text).toBe(contractText.slice(0, 18));
    expect(error).toMatchObject({
      code: "provider_timeout",
      retry: "later",
      details: { causeCode: "idleMs", phase: "stream", partialUsage: { outputTokens: aNumber } },
    });
  });

  it("lets no answer take longer than totalMs (acceptance 3)", async () => {
    const clock = manualClock();
    const { model, answer } = open(clock);
    const reading = readAll(model);
    const upstream = await answer;
    for (const chunk of chunks.slice(0, firstText + 1)) upstream.data(chunk);
    for (let spent = 0; spent < 60_000; spent += 500) {
      await settle();
      await clock.advance(500);
      upstream.data(chunks[firstText] ?? nothing);
    }
    expect((await reading).error).toMatchObject({ code: "provider_timeout", details: { causeCode: "totalMs" } });
  });

  it("counts only the time in which its reader waits (acceptance 3)", async () => {
    const clock = manualClock();
    const { model, answer } = open(clock);
    const iterator = model.stream(wireRequest)[Symbol.asyncIterator]();
    const started = iterator.next();
    const upstream = await answer;
    for (const chunk of chunks.slice(0, firstText + 1)) upstream.data(chunk);
    await started;
    // The reader is away for a day; what it has not read is still there.
    await clock.advance(86_400_000);
    expect(clock.sleeping).toBe(0);
    for (const chunk of chunks.slice(firstText + 1)) upstream.data(chunk);
    let text = "";
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if (next.value.type === "text.delta") text += next.value.text;
    }
    expect(text).toBe(contractText);
  });

  it("has limits when nobody sets any, and they end a silent call on time (acceptance 3)", async () => {
    expect(Object.values(defaultTimeouts).every((ms) => ms > 0 && ms <= 3_600_000)).toBe(true);
    await using at = await openWire(format, wire.answer("stalled"), { timeouts: { firstPartMs: 2_000, idleMs: 200 } });
    let last = 0;
    const reading = (async () => {
      for await (const _ of at.model.stream(wireRequest)) last = performance.now();
    })();
    await expect(reading).rejects.toMatchObject({ code: "provider_timeout" });
    const waitedMs = performance.now() - last;
    expect(waitedMs).toBeGreaterThanOrEqual(199);
    expect(waitedMs).toBeLessThanOrEqual(200 + 150);
    await at.server.idle();
  });
});

describe("the tail of an answer", () => {
  const finish = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Yes." }, finish_reason: "stop" }] })}\n\n`;
  const usage = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 } })}\n\n`;

  function open(clock: ManualClock): { readonly model: Model; readonly answer: Promise<HttpReceiver> } {
    const answer = Promise.withResolvers<HttpReceiver>();
    const http = httpOf((receiver) => {
      receiver.head(200, () => undefined);
      answer.resolve(receiver);
    });
    return {
      model: wireProviders["openai-chat"]("http://127.0.0.1:1", { http, clock, timeouts }).model("m"),
      answer: answer.promise,
    };
  }

  it("is waited for 250 ms and no longer (acceptance 2)", async () => {
    const clock = manualClock();
    const { model, answer } = open(clock);
    const reading = readAll(model);
    (await answer).data(Buffer.from(finish));
    await settle();
    await clock.advance(250);
    const { error, parts } = await reading;
    expect(error).toBeUndefined();
    expect(parts.at(-1)).toMatchObject({ type: "response.finished", usage: { provenance: "estimated" } });
  });

  it("still brings the usage when it comes within that time (acceptance 2)", async () => {
    const clock = manualClock();
    const { model, answer } = open(clock);
    const reading = readAll(model);
    const upstream = await answer;
    upstream.data(Buffer.from(finish));
    await settle();
    await clock.advance(249);
    upstream.data(Buffer.from(usage));
    await settle();
    await clock.advance(1);
    const { parts } = await reading;
    expect(parts.at(-1)).toMatchObject({ usage: { inputTokens: 7, outputTokens: 2, provenance: "reported" } });
  });
});

it("all calls that go by one clock share one timer", async () => {
  const clock = manualClock();
  await using at = await openWire("openai-chat", wireFormats["openai-chat"].answer("silent"), { clock });
  const stop = new AbortController();
  const readings = Array.from({ length: 50 }, () => readAll(at.model, stop.signal));
  await clock.waitForSleepers(1);
  await clock.advance(1_000);
  expect(clock.sleeping).toBe(1);
  stop.abort();
  for (const { error } of await Promise.all(readings)) expect(error).toMatchObject({ code: "cancelled" });
  expect(clock.sleeping).toBe(0);
  await at.server.idle();
});
