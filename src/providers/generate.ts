import type { JsonObject } from "../base/index.ts";
import type { CallReport } from "./call-report.ts";
import { providerErrors } from "./errors.ts";
import type { AssistantPart, Message, ReasoningPart, ToolCallPart } from "./message.ts";
import { textOf } from "./message.ts";
import type { FinishReason, Model, ModelRequest, StreamOptions, StreamPart } from "./model.ts";
import type { Usage } from "./usage.ts";

/** Is a whole answer. `message` is what belongs in the conversation; `text` and `toolCalls` are of it. */
export type Generation = {
  readonly message: Extract<Message, { role: "assistant" }>;
  readonly text: string;
  readonly toolCalls: readonly ToolCallPart[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  readonly metadata: JsonObject;
  /** `provider/name`. */
  readonly model: string;
  /** Tells of every attempt behind the answer, where the model keeps account of them. */
  readonly report?: CallReport;
};

/** Collects the parts of one answer. */
export interface Collector {
  push(part: StreamPart): void;
  /** Gives the answer once `response.finished` has come; undefined before. */
  readonly result: Generation | undefined;
}

/** Calls a model and gives its whole answer. Errors: those of the model's stream. */
export async function generate(model: Model, request: ModelRequest, options?: StreamOptions): Promise<Generation> {
  const collector = collect(model);
  for await (const part of model.stream(request, options)) collector.push(part);
  const { result } = collector;
  if (result !== undefined) return result;
  throw providerErrors.create(
    "stream_interrupted",
    `${model.provider}/${model.name} ended its answer without finishing it.`,
    {
      details: { provider: model.provider, model: model.name, phase: "stream" },
    },
  );
}

/** Makes a collector, for a reader that shows the parts and needs the whole answer as well. */
export function collect(model: Pick<Model, "provider" | "name">): Collector {
  return new Gathering(model);
}

class Gathering implements Collector {
  readonly #model: Pick<Model, "provider" | "name">;
  readonly #content: AssistantPart[] = [];
  #finished: Extract<StreamPart, { type: "response.finished" }> | undefined;

  constructor(model: Pick<Model, "provider" | "name">) {
    this.#model = model;
  }

  push(part: StreamPart): void {
    switch (part.type) {
      case "text.delta":
        return addText(this.#content, part.text);
      case "reasoning.delta":
        return addReasoning(this.#content, part);
      case "tool.completed":
        return void this.#content.push({ type: "tool.call", id: part.id, name: part.name, input: part.input });
      case "response.restarted":
        this.#content.length = 0;
        return undefined;
      case "response.finished":
        this.#finished = part;
        return undefined;
      default:
        return undefined;
    }
  }

  get result(): Generation | undefined {
    if (this.#finished === undefined) return undefined;
    const { finishReason, usage, metadata, report } = this.#finished;
    const { provider, name } = this.#model;
    const thinker = report?.attempts.at(-1)?.provider ?? provider;
    const message: Generation["message"] = { role: "assistant", content: thoughtBy(thinker, this.#content) };
    return {
      message,
      text: textOf(message),
      toolCalls: message.content.filter((part) => part.type === "tool.call"),
      finishReason,
      usage,
      metadata,
      model: `${provider}/${name}`,
      ...(report !== undefined && { report }),
    };
  }
}

/** Thoughts belong to the provider that answered, which a group names only at the end. */
function thoughtBy(provider: string, content: readonly AssistantPart[]): readonly AssistantPart[] {
  return content.map((part) => (part.type === "reasoning" ? { ...part, provider } : part));
}

function addText(content: AssistantPart[], text: string): void {
  const last = content.at(-1);
  if (last?.type === "text") content[content.length - 1] = { type: "text", text: last.text + text };
  else content.push({ type: "text", text });
}

/** A signature ends its thought: what comes after it is another one. */
function addReasoning(content: AssistantPart[], part: { text: string; signature?: string }): void {
  const last = content.at(-1);
  const open = last?.type === "reasoning" && last.signature === undefined ? last : undefined;
  const joined: ReasoningPart = {
    type: "reasoning",
    text: (open?.text ?? "") + part.text,
    ...(part.signature !== undefined && { signature: part.signature }),
  };
  if (open === undefined) content.push(joined);
  else content[content.length - 1] = joined;
}
