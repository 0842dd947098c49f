import { expect, test } from "vitest";
import type { JsonObject } from "../base/index.ts";
import { baseErrors } from "../base/index.ts";
import type { Model, ScriptedTurn, StreamPart } from "../providers/index.ts";
import { providerErrors, scripted, userMessage } from "../providers/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { callModel } from "./model-call.ts";
import type { ModelRetry } from "./model-call.ts";

const unreachable = (details: JsonObject = {}) =>
  providerErrors.create("provider_unreachable", "It is not there.", { details });

/** Calls a model that fails as it is told to, so many times, and then answers. */
function callFailing(failures: number, turn: ScriptedTurn, signal: AbortSignal = new AbortController().signal) {
  const clock = manualClock();
  let calls = 0;
  const parts: StreamPart[] = [];
  const retries: ModelRetry[] = [];
  const model = scripted(() => (++calls <= failures ? turn : "Recovered."));
  const answer = callModel({
    model,
    request: { messages: [userMessage("Hello.")] },
    signal,
    clock,
    onPart: (part) => void parts.push(part),
    onRetry: (retry) => void retries.push(retry),
  });
  return { clock, parts, retries, answer, calls: () => calls };
}

test("an answer is gathered, and each part is seen as it comes", async () => {
  const { answer, parts } = callFailing(0, {});
  expect(await answer).toMatchObject({
    message: { role: "assistant", content: [{ type: "text", text: "Recovered." }] },
    finishReason: "stop",
    metadata: { scripted: true },
  });
  expect(parts.map(({ type }) => type)).toEqual([
    "response.started",
    "text.delta",
    "usage.updated",
    "response.finished",
  ]);
});

test("a failure that may pass is tried again after a growing pause", async () => {
  const { clock, answer, calls, retries } = callFailing(2, { error: unreachable() });
  await clock.waitForSleepers(1);
  expect(calls()).toBe(1);
  await clock.advance(499);
  expect(calls()).toBe(1);
  await clock.advance(1);
  expect(calls()).toBe(2);
  await clock.advance(999);
  expect(calls()).toBe(2);
  await clock.advance(1);
  expect(await answer).toMatchObject({ finishReason: "stop" });
  expect(retries).toEqual([
    { attempt: 1, code: "provider_unreachable", delayMs: 500 },
    { attempt: 2, code: "provider_unreachable", delayMs: 1_000 },
  ]);
});

test("a failure that does not pass is thrown after the third call", async () => {
  const { clock, answer, calls } = callFailing(9, { error: unreachable() });
  const failed = expect(answer).rejects.toMatchObject({ code: "provider_unreachable" });
  await clock.waitForSleepers(1);
  await clock.advance(1_500);
  await failed;
  expect(calls()).toBe(3);
});

test.each([
  [7_000, 7_000],
  [3_600_000, 30_000],
])("a provider that asks for %d ms is given %d ms", async (retryAfterMs, waited) => {
  const { clock, answer, calls } = callFailing(1, { error: unreachable({ retryAfterMs }) });
  await clock.waitForSleepers(1);
  await clock.advance(waited - 1);
  expect(calls()).toBe(1);
  await clock.advance(1);
  expect((await answer).finishReason).toBe("stop");
});

test.each([
  ["words", { text: "Once upon", error: unreachable() }],
  ["thoughts", { reasoning: "Hm", error: unreachable() }],
])("what a reader has seen as %s is never taken back by another try", async (_, turn) => {
  const { answer, calls } = callFailing(1, turn);
  await expect(answer).rejects.toMatchObject({ code: "provider_unreachable" });
  expect(calls()).toBe(1);
});

test.each([
  [
    "only another setting helps",
    "provider_authentication",
    providerErrors.create("provider_authentication", "Wrong key."),
  ],
  ["a stop was asked for", "cancelled", baseErrors.create("cancelled", "Stopped.")],
])("a failure where %s is not tried again", async (_, code, error) => {
  const { answer, calls } = callFailing(1, { error });
  await expect(answer).rejects.toMatchObject({ code });
  expect(calls()).toBe(1);
});

test("an error that is none of Atlas is thrown as it is", async () => {
  const error = new RangeError("a bug");
  await expect(callFailing(1, { error }).answer).rejects.toBe(error);
});

test("a stop ends the pause at once with its reason", async () => {
  const controller = new AbortController();
  const { clock, answer } = callFailing(1, { error: unreachable() }, controller.signal);
  await clock.waitForSleepers(1);
  controller.abort(new Error("enough"));
  await expect(answer).rejects.toThrow("enough");
  expect(clock.sleeping).toBe(0);
});

test("a stop in the middle of an answer gives the reason of the stop, not the model's word for it", async () => {
  const controller = new AbortController();
  const model = scripted([{ text: "a long answer in many parts" }]);
  const onPart = (): void => controller.abort(new Error("enough"));
  const answer = callModel({
    model,
    request: { messages: [userMessage("Hello.")] },
    signal: controller.signal,
    clock: manualClock(),
    onPart,
    onRetry: () => {},
  });
  await expect(answer).rejects.toThrow("enough");
});

test("an answer that just stops is stream_interrupted", async () => {
  const torn: Model = {
    ...scripted([]),
    async *stream() {
      yield { type: "text.delta", text: "Half" };
    },
  };
  const call = callModel({
    model: torn,
    request: { messages: [] },
    signal: new AbortController().signal,
    clock: manualClock(),
    onPart: () => {},
    onRetry: () => {},
  });
  await expect(call).rejects.toMatchObject({ code: "stream_interrupted" });
});
