import type {
  LanguageModelV2,
  LanguageModelV2StreamPart,
  LanguageModelV3,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolChoice,
  SharedV4FileData,
} from "@ai-sdk/provider";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { refusal, type RequestTarget } from "../codecs/target.ts";
import type { AssistantPart, CacheMark, FilePart, Message, ToolResultPart } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest, ToolChoice } from "../model.ts";

/** Is a language model of the AI SDK, of any version of its interface that is in use. */
export type AiSdkModel = LanguageModelV2 | LanguageModelV3 | LanguageModelV4;

/** Is a part of the stream of such a model. */
export type AiSdkPart = LanguageModelV2StreamPart | LanguageModelV3StreamPart | LanguageModelV4StreamPart;

/** Starts a call in the words of the model's own version. `owner` is the provider whose thoughts may be shown to it. */
export async function startAiSdk(
  model: AiSdkModel,
  request: ModelRequest,
  { owner, signal }: { readonly owner: string; readonly signal: AbortSignal },
): Promise<ReadableStream<AiSdkPart>> {
  checkFiles(request, { provider: owner, model: model.modelId, files: [] });
  const options = { ...optionsOf(request), abortSignal: signal };
  if (model.specificationVersion === "v4") {
    return (await model.doStream({ ...options, prompt: promptOf(request.messages, owner, fileData) })).stream;
  }
  const prompt = promptOf(request.messages, owner, bareFileData);
  if (model.specificationVersion === "v3") return (await model.doStream({ ...options, prompt })).stream;
  return (await model.doStream({ ...options, prompt })).stream;
}

function optionsOf(request: ModelRequest) {
  const { tools, toolChoice, responseFormat, stopSequences, providerOptions } = request;
  const { maxOutputTokens, temperature, seed } = request;
  return {
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(seed !== undefined && { seed }),
    ...(stopSequences !== undefined && { stopSequences: [...stopSequences] }),
    ...(responseFormat !== undefined && {
      responseFormat: { type: "json" as const, name: responseFormat.name, schema: { ...responseFormat.schema } },
    }),
    ...(tools !== undefined &&
      tools.length > 0 && {
        tools: tools.map(({ name, description, inputSchema }) => {
          return { type: "function" as const, name, description, inputSchema: { ...inputSchema } };
        }),
        ...(toolChoice !== undefined && { toolChoice: toolChoiceOf(toolChoice) }),
      }),
    ...(providerOptions !== undefined && { providerOptions: { ...providerOptions } }),
  };
}

function toolChoiceOf(choice: ToolChoice): LanguageModelV4ToolChoice {
  return typeof choice === "string" ? { type: choice } : { type: "tool", toolName: choice.name };
}

function fileData(part: FilePart): SharedV4FileData {
  return part.url === undefined ? { type: "data", data: part.data ?? "" } : { type: "url", url: new URL(part.url) };
}

function bareFileData(part: FilePart): string | URL {
  return part.url === undefined ? (part.data ?? "") : new URL(part.url);
}

/** Errors: provider_invalid_request for a file whose address is none. */
function checkFiles({ messages }: ModelRequest, target: RequestTarget): void {
  for (const { content } of messages) {
    for (const part of content) {
      if (part.type !== "file" || part.url === undefined || URL.canParse(part.url)) continue;
      throw refusal(target, "was given a file whose url is no address", "files");
    }
  }
}

interface TextTurn {
  type: "text";
  text: string;
}

interface FileTurn<Data> {
  type: "file";
  mediaType: string;
  data: Data;
  filename?: string;
}

interface ReasoningTurn {
  type: "reasoning";
  text: string;
  providerOptions?: Record<string, JsonObject>;
}

interface CallTurn {
  type: "tool-call";
  toolCallId: string;
  toolName: string;
  input: JsonValue;
}

interface ResultTurn {
  type: "tool-result";
  toolCallId: string;
  toolName: string;
  output: { type: "text" | "error-text"; value: string } | { type: "json" | "error-json"; value: JsonValue };
}

/** Is a message as all versions know it; they differ in how a file holds its data. */
type Turn<Data> = (
  | { role: "system"; content: string }
  | { role: "user"; content: (TextTurn | FileTurn<Data>)[] }
  | { role: "assistant"; content: (TextTurn | ReasoningTurn | CallTurn)[] }
  | { role: "tool"; content: ResultTurn[] }
) & { providerOptions?: Record<string, JsonObject> };

function promptOf<Data>(messages: readonly Message[], owner: string, data: (part: FilePart) => Data): Turn<Data>[] {
  return messages.map((message) => ({ ...turnOf(message, owner, data), ...cacheOptions(message.cache) }));
}

function turnOf<Data>(message: Message, owner: string, data: (part: FilePart) => Data): Turn<Data> {
  switch (message.role) {
    case "system":
      return { role: "system", content: textOf(message) };
    case "user":
      return {
        role: "user",
        content: message.content.map((part) => (part.type === "text" ? { ...part } : fileOf(part, data))),
      };
    case "assistant":
      return { role: "assistant", content: message.content.flatMap((part) => assistantTurn(part, owner)) };
    default:
      return { role: "tool", content: message.content.map(resultOf) };
  }
}

function fileOf<Data>(part: FilePart, data: (part: FilePart) => Data): FileTurn<Data> {
  const { mediaType, name } = part;
  return { type: "file", mediaType, data: data(part), ...(name !== undefined && { filename: name }) };
}

function assistantTurn(part: AssistantPart, owner: string): (TextTurn | ReasoningTurn | CallTurn)[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if (part.type === "tool.call") {
    return [{ type: "tool-call", toolCallId: part.id, toolName: part.name, input: part.input }];
  }
  // What another provider has thought is nothing to this one, and its signature is refused.
  return part.provider === owner ? [{ type: "reasoning", text: part.text, ...readSignature(part.signature) }] : [];
}

function resultOf({ id, name, output, failed = false }: ToolResultPart): ResultTurn {
  const told: ResultTurn["output"] =
    typeof output === "string"
      ? { type: failed ? "error-text" : "text", value: output }
      : { type: failed ? "error-json" : "json", value: output };
  return { type: "tool-result", toolCallId: id, toolName: name, output: told };
}

/** Anthropic alone has marks of its own; the AI SDK passes them on by its name. */
function cacheOptions(mark: CacheMark | undefined): { readonly providerOptions?: Record<string, JsonObject> } {
  if (mark === undefined) return {};
  const cacheControl = { type: "ephemeral", ...(mark === "long" && { ttl: "1h" }) };
  return { providerOptions: { anthropic: { cacheControl } } };
}

/** Writes what a model says of its thought into a signature; Atlas's own stays as it is. */
export function writeSignature(metadata: JsonObject): string {
  const atlas = metadata["atlas"];
  const own = isJsonObject(atlas) ? atlas["signature"] : undefined;
  return typeof own === "string" ? own : JSON.stringify(metadata);
}

function readSignature(signature: string | undefined): { readonly providerOptions?: Record<string, JsonObject> } {
  if (signature === undefined) return {};
  try {
    const value = JSON.parse(signature) as JsonValue;
    if (isJsonObject(value)) {
      const named = Object.entries(value).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]));
      if (named.length > 0) return { providerOptions: Object.fromEntries(named) };
    }
  } catch {
    // It is none that was written here: it belongs to a model of Atlas behind the bridge.
  }
  return { providerOptions: { atlas: { signature } } };
}
