import { expect, test } from "vitest";
import type { Model, StreamPart } from "../providers/index.ts";
import { providerErrors, scripted, userMessage } from "../providers/index.ts";
import { callModel } from "./model-call.ts";

const request = { messages: [userMessage("Hello.")] };
const { signal } = new AbortController();

test("an answer is gathered, and each part is seen as it comes", async () => {
  const parts: StreamPart[] = [];
  const onPart = (part: StreamPart): void => void parts.push(part);
  const answer = await callModel({ model: scripted(["Hello you."]), request, options: { signal }, onPart });
  expect(answer).toMatchObject({
    message: { role: "assistant", content: [{ type: "text", text: "Hello you." }] },
    finishReason: "stop",
    metadata: { scripted: true },
    costMicroUsd: 0,
  });
  expect(parts.at(0)?.type).toBe("response.started");
  expect(parts.at(-1)?.type).toBe("response.finished");
});

test("what no report prices is free where the model is, and unknown elsewhere", async () => {
  const model = scripted(["Yes."], { capabilities: { cost: "metered" } });
  expect((await callModel({ model, request, options: { signal }, onPart: () => {} })).costMicroUsd).toBeNull();
});

test("nothing is tried again here: the model owns its retries", async () => {
  let calls = 0;
  const model = scripted(() => {
    calls++;
    return { error: providerErrors.create("provider_unreachable", "It is not there.") };
  });
  const call = callModel({ model, request, options: { signal }, onPart: () => {} });
  await expect(call).rejects.toMatchObject({ code: "provider_unreachable" });
  expect(calls).toBe(1);
});

test("text that a restart made void is not in the answer", async () => {
  const restarted: Model = {
    ...scripted([]),
    async *stream() {
      yield { type: "text.delta", text: "Half an" };
      yield { type: "response.restarted", from: "a/b", to: "c/d", code: "stream_interrupted" };
      yield { type: "text.delta", text: "The whole." };
      const usage = { inputTokens: 1, outputTokens: 2, provenance: "reported" } as const;
      yield { type: "response.finished", finishReason: "stop", usage, metadata: {} };
    },
  };
  const { message } = await callModel({ model: restarted, request, options: { signal }, onPart: () => {} });
  expect(message.content).toEqual([{ type: "text", text: "The whole." }]);
});

test("an error that is none of Atlas is thrown as it is", async () => {
  const error = new RangeError("a bug");
  const call = callModel({ model: scripted([{ error }]), request, options: { signal }, onPart: () => {} });
  await expect(call).rejects.toBe(error);
});

test("a stop in the middle of an answer gives the reason of the stop, not the model's word for it", async () => {
  const controller = new AbortController();
  const model = scripted([{ text: "a long answer in many parts" }]);
  const onPart = (): void => controller.abort(new Error("enough"));
  const answer = callModel({
    model,
    request,
    options: { signal: controller.signal },
    onPart,
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
    request,
    options: { signal },
    onPart: () => {},
  });
  await expect(call).rejects.toMatchObject({ code: "stream_interrupted" });
});
