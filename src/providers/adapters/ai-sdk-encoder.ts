import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import type { AtlasError, JsonObject } from "../../base/index.ts";
import { providerErrors } from "../errors.ts";
import type { FinishReason, StreamPart } from "../model.ts";
import type { Usage } from "../usage.ts";

/** Translates the parts of an Atlas answer for the AI SDK. */
export interface AiSdkEncoder {
  /** Gives what one part becomes. Errors: stream_interrupted when an answer starts again of which some was shown. */
  push(part: StreamPart): LanguageModelV4StreamPart[];
}

type Finished = Extract<StreamPart, { type: "response.finished" }>;
type Block = { readonly kind: "text" | "reasoning"; readonly id: string };

/** Makes an encoder. `named` is the model, for an error. */
export function aiSdkEncoder(named: { readonly provider: string; readonly name: string }): AiSdkEncoder {
  const tools = new Map<string, string>();
  let block: Block | undefined;
  let blocks = 0;
  let shown = false;

  const close = (signature?: string): LanguageModelV4StreamPart[] => {
    if (block === undefined) return [];
    const { kind, id } = block;
    block = undefined;
    if (kind === "text") return [{ type: "text-end", id }];
    return [
      { type: "reasoning-end", id, ...(signature !== undefined && { providerMetadata: { atlas: { signature } } }) },
    ];
  };
  const open = (kind: Block["kind"]): { readonly id: string; readonly before: LanguageModelV4StreamPart[] } => {
    if (block?.kind === kind) return { id: block.id, before: [] };
    const before = close();
    block = { kind, id: `${kind}-${blocks++}` };
    return { id: block.id, before: [...before, { type: `${kind}-start`, id: block.id }] };
  };
  const delta = (kind: Block["kind"], text: string): LanguageModelV4StreamPart[] => {
    const { id, before } = open(kind);
    return text === "" ? before : [...before, { type: `${kind}-delta`, id, delta: text }];
  };
  return {
    push(part) {
      if (part.type === "response.restarted") {
        if (shown) throw startsAgain(named);
        return [];
      }
      if (part.type !== "response.started" && part.type !== "usage.updated") shown = true;
      switch (part.type) {
        case "response.started":
          return [{ type: "response-metadata", ...responseOf(part) }];
        case "text.delta":
          return delta("text", part.text);
        case "reasoning.delta": {
          const parts = delta("reasoning", part.text);
          return part.signature === undefined ? parts : [...parts, ...close(part.signature)];
        }
        case "tool.started":
          tools.set(part.id, "");
          return [...close(), { type: "tool-input-start", id: part.id, toolName: part.name }];
        case "tool.delta":
          tools.set(part.id, (tools.get(part.id) ?? "") + part.text);
          return [{ type: "tool-input-delta", id: part.id, delta: part.text }];
        case "tool.completed":
          return [
            { type: "tool-input-end", id: part.id },
            { type: "tool-call", toolCallId: part.id, toolName: part.name, input: JSON.stringify(part.input) },
          ];
        case "response.finished":
          return [...close(), { type: "finish", ...endOf(part) }];
        default:
          return [];
      }
    },
  };
}

function startsAgain({ provider, name }: { readonly provider: string; readonly name: string }): AtlasError {
  const message = `${provider}/${name} starts its answer again, which the AI SDK cannot show; set fallback.onText of the group to "continue" or "stop".`;
  return providerErrors.create("stream_interrupted", message, {
    details: { provider, model: name, phase: "stream" },
  });
}

/** Says in the words of the AI SDK who answers. */
export function responseOf(part: Extract<StreamPart, { type: "response.started" }>): { id?: string; modelId?: string } {
  return {
    ...(part.responseId !== undefined && { id: part.responseId }),
    ...(part.model !== undefined && { modelId: part.model }),
  };
}

const unified: Readonly<Record<FinishReason, LanguageModelV4FinishReason["unified"]>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  content_filter: "content-filter",
  budget: "length",
  other: "other",
};

/** Says in the words of the AI SDK how an answer ended; what it has no words for is under `atlas`. */
export function endOf({ finishReason, usage, metadata, report }: Finished): {
  finishReason: LanguageModelV4FinishReason;
  usage: LanguageModelV4Usage;
  providerMetadata: { atlas: JsonObject };
} {
  const atlas = { finishReason, provenance: usage.provenance, metadata, ...(report !== undefined && { report }) };
  return {
    finishReason: { unified: unified[finishReason], raw: finishReason },
    usage: usageOf(usage),
    providerMetadata: { atlas },
  };
}

function usageOf(usage: Usage): LanguageModelV4Usage {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteTokens, reasoningTokens } = usage;
  return {
    inputTokens: {
      total: inputTokens,
      noCache: inputTokens - (cachedInputTokens ?? 0) - (cacheWriteTokens ?? 0),
      cacheRead: cachedInputTokens,
      cacheWrite: cacheWriteTokens,
    },
    outputTokens: {
      total: outputTokens,
      text: reasoningTokens === undefined ? undefined : outputTokens - reasoningTokens,
      reasoning: reasoningTokens,
    },
  };
}

/** Gives the parts of a whole answer as the AI SDK keeps them. */
export function contentOf(parts: readonly LanguageModelV4StreamPart[]): LanguageModelV4Content[] {
  const content: LanguageModelV4Content[] = [];
  for (const part of parts) {
    const last = content.at(-1);
    if (part.type === "text-start") content.push({ type: "text", text: "" });
    else if (part.type === "reasoning-start") content.push({ type: "reasoning", text: "" });
    else if (part.type === "text-delta" && last?.type === "text") last.text += part.delta;
    else if (part.type === "reasoning-delta" && last?.type === "reasoning") last.text += part.delta;
    else if (part.type === "reasoning-end" && last?.type === "reasoning" && part.providerMetadata !== undefined) {
      last.providerMetadata = part.providerMetadata;
    } else if (part.type === "tool-call") content.push(part);
  }
  return content;
}
