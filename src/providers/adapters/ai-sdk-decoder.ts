import type { AtlasError, JsonObject, JsonValue } from "../../base/index.ts";
import { isAtlasError, isJsonObject } from "../../base/index.ts";
import type { Emit } from "../transport/decoder.ts";
import { countOf, cutOff } from "../transport/decoder.ts";
import type { Fault } from "../transport/fault.ts";
import type { FinishReason } from "../model.ts";
import type { Usage } from "../usage.ts";
import { aiSdkFault } from "./ai-sdk-fault.ts";
import { type AiSdkPart, writeSignature } from "./ai-sdk-request.ts";

type Counts = Omit<Usage, "provenance">;

/** Translates the stream of an AI SDK model. Order: `push` for each part; `finish` when the stream ends. */
export interface AiSdkDecoder {
  push(part: AiSdkPart, emit: Emit, nowMs: number): Fault | AtlasError | undefined;
  finish(emit: Emit): Fault | undefined;
  readonly ended: boolean;
  readonly usage: Counts | undefined;
}

type FinishPart = Extract<AiSdkPart, { type: "finish" }>;

const reasons: ReadonlyMap<string, FinishReason> = new Map([
  ["stop", "stop"],
  ["length", "length"],
  ["content-filter", "content_filter"],
  ["tool-calls", "tool_calls"],
]);

/** Is what has been read of one answer. */
interface Reading {
  readonly model: string;
  /** The input of each call, as far as it has come. */
  readonly texts: Map<string, string>;
  readonly thoughts: Map<string, JsonObject>;
  readonly sources: JsonValue[];
  started: boolean;
  ended: boolean;
  usage: Counts | undefined;
  calls: number;
  filesIgnored: number;
}

/** Makes a decoder. `model` is its name, until the provider tells its own. */
export function aiSdkDecoder(model: string): AiSdkDecoder {
  const reading: Reading = {
    model,
    texts: new Map(),
    thoughts: new Map(),
    sources: [],
    started: false,
    ended: false,
    usage: undefined,
    calls: 0,
    filesIgnored: 0,
  };
  return {
    get ended() {
      return reading.ended;
    },
    get usage() {
      return reading.usage;
    },
    push(part, emit, nowMs) {
      if (part.type === "error") {
        return isAtlasError(part.error) ? part.error : aiSdkFault(part.error, "stream", nowMs);
      }
      if (part.type === "stream-start" || part.type === "raw" || part.type === "ping") return undefined;
      if (part.type === "response-metadata") {
        start(reading, emit, { ...(part.modelId && { model: part.modelId }), ...(part.id && { responseId: part.id }) });
        return undefined;
      }
      start(reading, emit);
      if (part.type === "finish") return readEnd(reading, part, emit);
      readPart(reading, part, emit);
      return undefined;
    },
    finish: () => (reading.ended ? undefined : cutOff),
  };
}

function start(
  reading: Reading,
  emit: Emit,
  told: { readonly model?: string; readonly responseId?: string } = {},
): void {
  if (reading.started) return;
  reading.started = true;
  emit({ type: "response.started", model: reading.model, ...told });
}

function readPart(reading: Reading, part: AiSdkPart, emit: Emit): void {
  const { texts, sources } = reading;
  switch (part.type) {
    case "text-delta":
      if (part.delta !== "") emit({ type: "text.delta", text: part.delta });
      return;
    case "reasoning-start":
    case "reasoning-delta":
    case "reasoning-end":
      readThought(reading, part, emit);
      return;
    case "tool-input-start":
      if (part.providerExecuted === true) return;
      texts.set(part.id, "");
      emit({ type: "tool.started", id: part.id, name: part.toolName });
      return;
    case "tool-input-delta": {
      const before = texts.get(part.id);
      if (before === undefined || part.delta === "") return;
      texts.set(part.id, before + part.delta);
      emit({ type: "tool.delta", id: part.id, text: part.delta });
      return;
    }
    case "tool-call":
      readCall(reading, part, emit);
      return;
    case "source":
      sources.push(readObject(part) ?? null);
      return;
    case "file":
    case "reasoning-file":
      reading.filesIgnored++;
      return;
    default:
  }
}

type ThoughtPart = Extract<AiSdkPart, { type: "reasoning-start" | "reasoning-delta" | "reasoning-end" }>;

/** A provider may sign its thought in any part of it; the signature goes out when the thought is whole. */
function readThought({ thoughts }: Reading, part: ThoughtPart, emit: Emit): void {
  const told = readObject(part.providerMetadata);
  if (told !== undefined) thoughts.set(part.id, { ...thoughts.get(part.id), ...told });
  if (part.type === "reasoning-delta" && part.delta !== "") emit({ type: "reasoning.delta", text: part.delta });
  const signed = part.type === "reasoning-end" ? thoughts.get(part.id) : undefined;
  if (signed !== undefined) emit({ type: "reasoning.delta", text: "", signature: writeSignature(signed) });
}

function readCall(reading: Reading, part: Extract<AiSdkPart, { type: "tool-call" }>, emit: Emit): void {
  const { toolCallId: id, toolName: name, input } = part;
  // The provider has run it itself; its result is in the answer.
  if (part.providerExecuted === true) return;
  if (!reading.texts.has(id)) emit({ type: "tool.started", id, name });
  if ((reading.texts.get(id) ?? "") === "" && input !== "") emit({ type: "tool.delta", id, text: input });
  reading.calls++;
  emit({ type: "tool.completed", id, name, input: inputOf(input) });
}

function readEnd(reading: Reading, part: FinishPart, emit: Emit): Fault | undefined {
  const { unified, raw } = reasonOf(part);
  const atlas = atlasOf(part.providerMetadata);
  // Without a raw reason the SDK has made this end up: the provider's own never came. Whole calls are an answer all the same.
  const made = raw === undefined && (unified === "other" || unified === "unknown") && atlas === undefined;
  if (unified === "interrupted" || (made && reading.calls === 0)) return cutOff;
  if (unified === "error") return { code: "provider_error", message: "failed in the middle of its answer" };
  reading.usage = countsOf(part.usage) ?? reading.usage;
  reading.ended = true;
  const counts = reading.usage ?? { inputTokens: 0, outputTokens: 0 };
  const known = counts.inputTokens > 0 && counts.outputTokens > 0;
  emit({
    type: "response.finished",
    finishReason: atlas?.finishReason ?? (made ? "tool_calls" : reasons.get(unified)) ?? "other",
    usage: { ...counts, provenance: atlas?.provenance ?? (known ? "reported" : "estimated") },
    metadata: atlas?.metadata ?? metadataOf(reading, part, made),
  });
  return undefined;
}

function metadataOf({ sources, filesIgnored }: Reading, part: FinishPart, made: boolean): JsonObject {
  return {
    ...readObject(part.providerMetadata),
    ...(made && { finishReasonMissing: true }),
    ...(sources.length > 0 && { sources }),
    ...(filesIgnored > 0 && { filesIgnored }),
  };
}

/** Reads a call's input; a text that is no JSON is handed on as the text it is, so that the model can be told. */
function inputOf(text: string): JsonValue {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function reasonOf({ finishReason }: FinishPart): { readonly unified: string; readonly raw: string | undefined } {
  if (typeof finishReason === "object") return finishReason;
  // V2 has one word for both: `unknown` is that none came.
  return { unified: finishReason, raw: finishReason === "unknown" ? undefined : finishReason };
}

function countsOf(usage: FinishPart["usage"]): Counts | undefined {
  const { inputTokens: input, outputTokens: output } = usage;
  const nested = typeof input === "object" && typeof output === "object";
  const counts = nested
    ? { in: input.total, out: output.total, read: input.cacheRead, write: input.cacheWrite, thought: output.reasoning }
    : {
        in: input,
        out: output,
        read: "cachedInputTokens" in usage ? usage.cachedInputTokens : undefined,
        write: undefined,
        thought: "reasoningTokens" in usage ? usage.reasoningTokens : undefined,
      };
  const [inputTokens, outputTokens] = [countOf(counts.in), countOf(counts.out)];
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const [cachedInputTokens, cacheWriteTokens, reasoningTokens] = [counts.read, counts.write, counts.thought].map(
    countOf,
  );
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    ...(cachedInputTokens !== undefined && { cachedInputTokens }),
    ...(cacheWriteTokens !== undefined && { cacheWriteTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
  };
}

/** Is what `toAiSdk` adds to the end of an answer, so that nothing is lost on the way back. */
interface AtlasEnd {
  readonly finishReason: FinishReason | undefined;
  readonly provenance: Usage["provenance"] | undefined;
  readonly metadata: JsonObject;
}

const finishReasons: readonly FinishReason[] = ["stop", "length", "tool_calls", "content_filter", "budget", "other"];
const provenances: readonly Usage["provenance"][] = ["reported", "partial", "estimated"];

function atlasOf(metadata: unknown): AtlasEnd | undefined {
  const atlas = readObject(metadata)?.["atlas"];
  if (!isJsonObject(atlas)) return undefined;
  const told = atlas["metadata"];
  return {
    finishReason: finishReasons.find((reason) => reason === atlas["finishReason"]),
    provenance: provenances.find((provenance) => provenance === atlas["provenance"]),
    metadata: isJsonObject(told) ? told : {},
  };
}

/** Reads what a provider attaches as JSON; undefined when it is no object. */
function readObject(value: unknown): JsonObject | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const copy = JSON.parse(JSON.stringify(value)) as JsonValue;
  return isJsonObject(copy) ? copy : undefined;
}
