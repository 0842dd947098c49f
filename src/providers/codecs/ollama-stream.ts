import type { JsonObject } from "../../base/index.ts";
import {
  cutOff,
  type Emit,
  type FrameOutcome,
  readCount,
  readFrame,
  readObject,
  readObjects,
  readText,
  type StreamDecoder,
} from "../transport/decoder.ts";
import { faultOfBody } from "../transport/fault-of.ts";
import type { FinishReason } from "../model.ts";
import { type ToolCallAssembler, toolCallAssembler } from "../tool-calls.ts";
import type { Usage } from "../usage.ts";

interface State {
  readonly tools: ToolCallAssembler;
  started: boolean;
  last: JsonObject | undefined;
  usage: Usage | undefined;
}

/** How long a prompt must be for its estimate to say something, and how far below it the count must be to be suspicious. */
const smallestTokens = 200;
const suspicious = 0.5;

/**
 * Makes a decoder of the lines of Ollama's native chat. `expectedTokens` is an estimate of the prompt: when the server says
 * that it read far less, it has cut the conversation, and the answer's metadata has `truncatedPrompt` with the two numbers.
 *
 * Source: `POST /api/chat` of Ollama's API documentation.
 */
export function ollamaDecoder(idPrefix: string, expectedTokens = 0): StreamDecoder {
  const state: State = { tools: toolCallAssembler(idPrefix), started: false, last: undefined, usage: undefined };
  return {
    push(frame, emit) {
      const line = readFrame(frame);
      return line === undefined ? "malformed" : readLine(state, line, emit);
    },
    get state() {
      return state.last === undefined ? "open" : "ended";
    },
    get usage() {
      return state.usage;
    },
    finish(emit) {
      if (state.last === undefined) return cutOff;
      emit({
        type: "response.finished",
        finishReason: finishReasonOf(readText(state.last, "done_reason"), state.tools.count),
        usage: state.usage ?? { inputTokens: 0, outputTokens: 0, provenance: "estimated" },
        metadata: {
          ...truncation(state.usage?.inputTokens ?? 0, expectedTokens),
          ...(state.tools.invalid > 0 && { invalidToolCalls: state.tools.invalid }),
        },
      });
      return undefined;
    },
  };
}

function truncation(promptTokens: number, expectedTokens: number): JsonObject {
  if (promptTokens === 0 || expectedTokens < smallestTokens || promptTokens >= expectedTokens * suspicious) return {};
  return { truncatedPrompt: true, promptTokens, expectedPromptTokens: expectedTokens };
}

function readLine(state: State, line: JsonObject, emit: Emit): FrameOutcome {
  if (line["error"] !== undefined) return faultOfBody(line);
  const message = readObject(line, "message");
  if (message === undefined && line["done"] !== true) return "malformed";
  if (!state.started) {
    state.started = true;
    const model = readText(line, "model");
    emit({ type: "response.started", ...(model && { model }) });
  }
  const thought = readText(message, "thinking");
  const text = readText(message, "content");
  if (thought !== "") emit({ type: "reasoning.delta", text: thought });
  if (text !== "") emit({ type: "text.delta", text });
  for (const call of readObjects(message, "tool_calls")) {
    const made = readObject(call, "function");
    const name = readText(made, "name");
    if (name === "") return "malformed";
    state.tools.whole({ id: readText(call, "id"), name, input: made?.["arguments"] }, emit);
  }
  if (line["done"] === true) readEnd(state, line, emit);
  return state.tools.fault;
}

function readEnd(state: State, line: JsonObject, emit: Emit): void {
  state.last = line;
  const inputTokens = readCount(line, "prompt_eval_count");
  const outputTokens = readCount(line, "eval_count");
  // Counts of nothing say nothing: no prompt is empty.
  if (!inputTokens && !outputTokens) return;
  // A prompt that is in the server's cache is left out of the record: then the input is not known.
  const provenance = !inputTokens || outputTokens === undefined ? "estimated" : "reported";
  state.usage = { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0, provenance };
  emit({ type: "usage.updated", usage: state.usage });
}

function finishReasonOf(reason: string, toolCalls: number): FinishReason {
  if (reason === "length") return "length";
  if (toolCalls > 0) return "tool_calls";
  return reason === "stop" || reason === "" ? "stop" : "other";
}
