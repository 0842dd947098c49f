import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject, parseJson } from "../../base/index.ts";
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
} from "../decoder.ts";
import { faultOfBody } from "../fault-of.ts";
import type { Message } from "../message.ts";
import { textOf } from "../message.ts";
import type { FinishReason, ModelRequest, Usage } from "../model.ts";
import { toolCallAssembler } from "../tool-calls.ts";
import { toolText } from "./tool-text.ts";

/**
 * Writes a call as the body of Ollama's native chat. Units: `contextTokens` tokens. It is always sent, because a server that
 * is not told falls back to a small context and cuts the conversation without a word.
 */
export function ollamaRequest(model: string, request: ModelRequest, contextTokens: number): JsonObject {
  const { tools = [], toolChoice, responseFormat, maxOutputTokens, temperature, stopSequences, seed } = request;
  return {
    model,
    messages: request.messages.flatMap(writeMessage),
    stream: true,
    // Ollama has no tool choice; leaving the tools out is the only way to forbid them.
    ...(tools.length > 0 &&
      toolChoice !== "none" && {
        tools: tools.map(({ name, description, inputSchema }) => ({
          type: "function",
          function: { name, description, parameters: inputSchema },
        })),
      }),
    ...(responseFormat !== undefined && { format: responseFormat.schema }),
    options: {
      num_ctx: contextTokens,
      ...(maxOutputTokens !== undefined && { num_predict: maxOutputTokens }),
      ...(temperature !== undefined && { temperature }),
      ...(stopSequences !== undefined && stopSequences.length > 0 && { stop: stopSequences }),
      ...(seed !== undefined && { seed }),
    },
  };
}

function writeMessage(message: Message): readonly JsonObject[] {
  if (message.role === "tool") {
    return message.content.map((part) => ({
      role: "tool",
      tool_name: part.name,
      content: part.failed === true ? JSON.stringify({ error: part.output }) : toolText(part.output),
    }));
  }
  const content = textOf(message);
  if (message.role === "user") {
    const images = message.content.flatMap((part) => (part.type === "file" && part.data ? [part.data] : []));
    return [{ role: "user", content, ...(images.length > 0 && { images }) }];
  }
  if (message.role === "system") return [{ role: "system", content }];
  const calls = message.content.flatMap((part) =>
    part.type === "tool.call" ? [{ function: { name: part.name, arguments: part.input } }] : [],
  );
  return [{ role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) }];
}

/** Makes a decoder of the lines of Ollama's native chat. Source: `POST /api/chat` of Ollama's API documentation. */
export function ollamaDecoder(idPrefix: string): StreamDecoder {
  const tools = toolCallAssembler(idPrefix);
  let started = false;
  let last: JsonObject | undefined;
  let usage: Omit<Usage, "provenance"> | undefined;

  const read = (line: JsonObject, emit: Emit): FrameOutcome => {
    if (line["error"] !== undefined) return faultOfBody(line);
    const message = readObject(line, "message");
    if (message === undefined && line["done"] !== true) return "malformed";
    if (!started) {
      started = true;
      const model = readText(line, "model");
      emit({ type: "response.started", ...(model && { model }) });
    }
    const thought = readText(message, "thinking");
    const text = readText(message, "content");
    if (thought !== "") emit({ type: "reasoning.delta", text: thought });
    if (text !== "") emit({ type: "text.delta", text });
    for (const call of readObjects(message, "tool_calls")) {
      const made = readObject(call, "function");
      const input = inputOf(made?.["arguments"]);
      const name = readText(made, "name");
      if (input === undefined || name === "") return "malformed";
      tools.whole(readText(call, "id") || undefined, name, input, emit);
    }
    if (line["done"] !== true) return undefined;
    last = line;
    const inputTokens = readCount(line, "prompt_eval_count");
    const outputTokens = readCount(line, "eval_count");
    if (inputTokens === undefined && outputTokens === undefined) return undefined;
    usage = { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 };
    // A prompt that is in the server's cache is left out of the record: then the input is not known.
    const provenance = inputTokens === undefined || outputTokens === undefined ? "estimated" : "reported";
    emit({ type: "usage.updated", usage: { ...usage, provenance } });
    return undefined;
  };

  return {
    push(frame, emit) {
      const line = readFrame(frame);
      return line === undefined ? "malformed" : read(line, emit);
    },
    get state() {
      return last === undefined ? "open" : "ended";
    },
    get usage() {
      return usage;
    },
    finish(emit) {
      if (last === undefined) return cutOff;
      const reported =
        readCount(last, "prompt_eval_count") !== undefined && readCount(last, "eval_count") !== undefined;
      emit({
        type: "response.finished",
        finishReason: finishReasonOf(readText(last, "done_reason"), tools.count),
        usage: { inputTokens: 0, outputTokens: 0, ...usage, provenance: reported ? "reported" : "estimated" },
        metadata: {},
      });
      return undefined;
    },
  };
}

function finishReasonOf(reason: string, toolCalls: number): FinishReason {
  if (reason === "length") return "length";
  if (toolCalls > 0) return "tool_calls";
  return reason === "stop" || reason === "" ? "stop" : "other";
}

function inputOf(value: JsonValue | undefined): JsonValue | undefined {
  if (isJsonObject(value)) return value;
  if (value === undefined || value === null || value === "") return {};
  try {
    return typeof value === "string" ? parseJson(value, "a tool call's input") : undefined;
  } catch {
    return undefined;
  }
}
