import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { isAtlasError, type AtlasError } from "../base/index.ts";
import { generate, type Model, type ModelRequest, type StreamPart, userMessage } from "../providers/index.ts";
import type { ContractCase } from "./contract.ts";

/** Is what the contract expects an answer to say, in more than one piece. */
export const contractText = "Bread rises because yeast breathes: 1 loaf, 2 hours — voilà.";

/** Is the call of a tool that the contract expects; the input comes in more than one piece where the format streams it. */
export const contractCall = { name: "weather", input: { city: "Łódź", days: 2, note: 'say "hi"' } };

/**
 * Names what a model under test must do: `text` says `contractText` and reports usage; `tool` calls `contractCall`;
 * `truncated` says some of the text, then its connection ends without the end of the answer; `stalled` says some of the text,
 * then nothing more; `silent` says nothing at all; `limited` refuses for now, asking to wait 2 seconds.
 */
export type ModelScenario = "text" | "tool" | "truncated" | "stalled" | "silent" | "limited";

/** Is an adapter under test. */
export interface ModelSubject {
  /** Makes a model whose calls go as the scenario says. */
  model(scenario: ModelScenario): Promise<Model>;
  /** Resolves when nothing is open upstream any more: no socket, no generation. */
  idle(): Promise<void>;
}

const weather = {
  name: "weather",
  description: "Tells the weather.",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const request: ModelRequest = { messages: [userMessage("Why does bread rise?")], tools: [weather] };

/** Holds what every model must do, whatever provider is behind it. */
export const modelContract: readonly ContractCase<ModelSubject>[] = [
  {
    name: "a stream starts once, then tells, then finishes once and last",
    async run(subject) {
      const types = (await read(await subject.model("text"))).map((part) => part.type);
      assert.equal(types[0], "response.started");
      assert.equal(types.at(-1), "response.finished");
      assert.equal(types.filter((type) => type === "response.started").length, 1);
      assert.equal(types.filter((type) => type === "response.finished").length, 1);
    },
  },
  {
    name: "the pieces of text are the whole text, in order",
    async run(subject) {
      const parts = await read(await subject.model("text"));
      const pieces = parts.flatMap((part) => (part.type === "text.delta" ? [part.text] : []));
      assert.equal(pieces.join(""), contractText);
      assert(pieces.length > 1, "the text came in one piece");
      assert(
        pieces.every((piece) => piece !== ""),
        "a piece is empty",
      );
    },
  },
  {
    name: "a finished answer says why it stopped and what it cost",
    async run(subject) {
      const { finishReason, usage, message } = await generate(await subject.model("text"), request);
      assert.equal(finishReason, "stop");
      assert(Number.isInteger(usage.inputTokens) && usage.inputTokens > 0, `inputTokens is ${usage.inputTokens}`);
      assert(Number.isInteger(usage.outputTokens) && usage.outputTokens > 0, `outputTokens is ${usage.outputTokens}`);
      assert((usage.cachedInputTokens ?? 0) <= usage.inputTokens, "cached tokens are not part of the input");
      assert.deepEqual(message, { role: "assistant", content: [{ type: "text", text: contractText }] });
    },
  },
  {
    name: "a tool call starts, comes in pieces that are its input, and completes with it parsed",
    async run(subject) {
      const parts = (await read(await subject.model("tool"))).filter((part) => part.type.startsWith("tool."));
      const [started] = parts;
      const completed = parts.at(-1);
      assert(started?.type === "tool.started" && completed?.type === "tool.completed");
      assert.equal(started.name, contractCall.name);
      assert.notEqual(started.id, "");
      assert.deepEqual({ name: completed.name, input: completed.input }, contractCall);
      assert(
        parts.every((part) => "id" in part && part.id === started.id),
        "the id changes",
      );
      const text = parts.flatMap((part) => (part.type === "tool.delta" ? [part.text] : [])).join("");
      assert.deepEqual(JSON.parse(text), contractCall.input);
      assert.equal((await generate(await subject.model("tool"), request)).finishReason, "tool_calls");
    },
  },
  {
    name: "an answer that breaks off is an error that keeps what it cost",
    async run(subject) {
      const { parts, error } = await readUntilError(await subject.model("truncated"));
      assert.equal(error.code, "stream_interrupted");
      assert(
        parts.some((part) => part.type === "text.delta"),
        "the text before the break is lost",
      );
      assert(!parts.some((part) => part.type === "response.finished"), "it says that it finished");
      assert.equal(error.details["phase"], "stream");
      assert(error.details["partialUsage"], "partialUsage is missing");
    },
  },
  {
    name: "a refusal for now has its code, its retry and its wait",
    async run(subject) {
      const model = await subject.model("limited");
      const { error } = await readUntilError(model);
      assert.equal(error.code, "provider_rate_limited");
      assert.equal(error.retry, "later");
      assert.equal(error.details["provider"], model.provider);
      assert.equal(error.details["model"], model.name);
      await subject.idle();
    },
  },
  {
    name: "a signal that has aborted stops the call before it starts",
    async run(subject) {
      const { parts, error } = await readUntilError(await subject.model("text"), AbortSignal.abort());
      assert.deepEqual(parts, []);
      assert.equal(error.code, "cancelled");
      await subject.idle();
    },
  },
  {
    name: "cancel while nothing has come yet ends the call and what is upstream",
    async run(subject) {
      const model = await subject.model("silent");
      const stop = new AbortController();
      const reading = readUntilError(model, stop.signal);
      setImmediate(() => stop.abort());
      assert.equal((await reading).error.code, "cancelled");
      await subject.idle();
    },
  },
  {
    name: "cancel in the middle ends the call and what is upstream",
    async run(subject) {
      const stop = new AbortController();
      const { parts, error } = await readUntilError(await subject.model("stalled"), stop.signal, (part) => {
        if (part.type === "text.delta") setImmediate(() => stop.abort());
      });
      assert.equal(error.code, "cancelled");
      assert(!parts.some((part) => part.type === "response.finished"));
      await subject.idle();
    },
  },
  {
    name: "leaving the loop ends what is upstream",
    async run(subject) {
      const model = await subject.model("stalled");
      for await (const part of model.stream(request)) if (part.type === "text.delta") break;
      await subject.idle();
    },
  },
  {
    name: "nothing stays on the signal after the call",
    async run(subject) {
      const { signal } = new AbortController();
      await read(await subject.model("text"), signal);
      await readUntilError(await subject.model("truncated"), signal);
      const stalled = await subject.model("stalled");
      for await (const part of stalled.stream(request, { signal })) if (part.type === "text.delta") break;
      assert.equal(getEventListeners(signal, "abort").length, 0);
    },
  },
  {
    name: "calls at the same time do not mix",
    async run(subject) {
      const model = await subject.model("text");
      const answers = await Promise.all(Array.from({ length: 8 }, () => generate(model, request)));
      assert.deepEqual(new Set(answers.map((answer) => answer.text)), new Set([contractText]));
    },
  },
];

async function read(model: Model, signal?: AbortSignal): Promise<StreamPart[]> {
  const parts: StreamPart[] = [];
  for await (const part of model.stream(request, { signal })) parts.push(part);
  return parts;
}

async function readUntilError(
  model: Model,
  signal?: AbortSignal,
  see: (part: StreamPart) => void = () => {},
): Promise<{ readonly parts: readonly StreamPart[]; readonly error: AtlasError }> {
  const parts: StreamPart[] = [];
  try {
    for await (const part of model.stream(request, { signal })) {
      parts.push(part);
      see(part);
    }
  } catch (error) {
    assert(isAtlasError(error), `It threw something that is no AtlasError: ${String(error)}`);
    return { parts, error };
  }
  assert.fail("The stream ended without an error.");
}
