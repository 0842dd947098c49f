import type { JsonValue } from "../../base/index.ts";
import type { StreamPart } from "../model.ts";
import type { ActiveTransform, EmitPart, StreamTransform } from "./transform.ts";

/** Changes one run of text that comes in pieces. */
export interface TextFilter {
  /** Takes a piece and gives what may go on; the rest is held. */
  push(text: string): string;
  /** Gives what is held: the run of text is at its end. */
  end(): string;
  /** Tells whether it has let through anything else than it got. */
  readonly changed: boolean;
}

/** Names what a filter is used on. `tools` are the arguments of tool calls: each text in them, once they are whole. */
export type TextChannel = "text" | "reasoning" | "tools";

/** Are the options of every transform of text. */
export interface TextTransformOptions {
  /** Default: text and reasoning. */
  readonly channels?: readonly TextChannel[] | undefined;
}

/**
 * Makes a transform from a filter of text.
 *
 * Order: nothing overtakes: what is held goes on before a part of another kind, and is forgotten when the answer restarts.
 * A thought whose text was changed loses its signature, for no provider would take it back. Arguments of tools come as one delta.
 */
export function textTransform(
  name: string,
  startFilter: () => TextFilter,
  { channels = ["text", "reasoning"] }: TextTransformOptions = {},
): StreamTransform {
  return { name, start: () => new ActiveTextTransform(startFilter, new Set(channels)) };
}

type ReasoningDelta = Extract<StreamPart, { type: "reasoning.delta" }>;

class ActiveTextTransform implements ActiveTransform {
  readonly #startFilter: () => TextFilter;
  readonly #channels: ReadonlySet<TextChannel>;
  #text: TextFilter | undefined;
  #reasoning: TextFilter | undefined;

  constructor(startFilter: () => TextFilter, channels: ReadonlySet<TextChannel>) {
    this.#startFilter = startFilter;
    this.#channels = channels;
  }

  push(part: StreamPart, emit: EmitPart): void {
    switch (part.type) {
      case "text.delta":
        this.#endReasoning(emit);
        if (!this.#channels.has("text")) return emit(part);
        this.#text ??= this.#startFilter();
        return emitText(part, this.#text.push(part.text), emit);
      case "reasoning.delta":
        this.#endText(emit);
        return this.#channels.has("reasoning") ? this.#reason(part, emit) : emit(part);
      case "response.started":
      case "response.continued":
      case "usage.updated":
        return emit(part);
      case "response.restarted":
        this.#text = undefined;
        this.#reasoning = undefined;
        return emit(part);
      case "tool.delta":
        if (this.#channels.has("tools")) return undefined;
        break;
      case "tool.completed":
        if (this.#channels.has("tools")) return this.#completeTool(part, emit);
        break;
      default:
    }
    this.end(emit);
    return emit(part);
  }

  end(emit: EmitPart): void {
    this.#endReasoning(emit);
    this.#endText(emit);
  }

  #reason(part: ReasoningDelta, emit: EmitPart): void {
    const filter = (this.#reasoning ??= this.#startFilter());
    const { signature } = part;
    if (signature === undefined) return emitText(part, filter.push(part.text), emit);
    const text = filter.push(part.text) + filter.end();
    this.#reasoning = undefined;
    if (!filter.changed) emit({ ...part, text });
    else if (text !== "") emit({ type: "reasoning.delta", text });
  }

  #completeTool(part: Extract<StreamPart, { type: "tool.completed" }>, emit: EmitPart): void {
    this.end(emit);
    const input = this.#filterJson(part.input);
    emit({ type: "tool.delta", id: part.id, text: JSON.stringify(input) });
    emit({ ...part, input });
  }

  #filterJson(value: JsonValue): JsonValue {
    if (typeof value === "string") {
      const filter = this.#startFilter();
      return filter.push(value) + filter.end();
    }
    if (Array.isArray(value)) return value.map((item: JsonValue) => this.#filterJson(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#filterJson(item)]));
  }

  #endText(emit: EmitPart): void {
    const text = this.#text?.end() ?? "";
    this.#text = undefined;
    if (text !== "") emit({ type: "text.delta", text });
  }

  #endReasoning(emit: EmitPart): void {
    const text = this.#reasoning?.end() ?? "";
    this.#reasoning = undefined;
    if (text !== "") emit({ type: "reasoning.delta", text });
  }
}

function emitText(
  part: Extract<StreamPart, { type: "text.delta" | "reasoning.delta" }>,
  text: string,
  emit: EmitPart,
): void {
  if (text === part.text) emit(part);
  else if (text !== "") emit({ ...part, text });
}
