import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
  SharedV4Warning,
} from "@ai-sdk/provider";
import type { JsonObject, JsonValue } from "../../base/index.ts";
import { baseErrors, isJsonObject } from "../../base/index.ts";
import type { AssistantPart, FilePart, Message, ToolDefinition, ToolResultPart } from "../message.ts";
import type { ModelRequest, ToolChoice } from "../model.ts";

/** Is a call as Atlas knows it, and what of it Atlas cannot ask for. */
export interface ReadCall {
  readonly request: ModelRequest;
  readonly warnings: SharedV4Warning[];
}

/** Reads a call of the AI SDK for a model of `owner`. Errors: invalid_input for a file that can be read only by its own provider. */
export function readAiSdkCall(options: LanguageModelV4CallOptions, owner: string): ReadCall {
  const { prompt, tools = [], toolChoice, responseFormat, providerOptions } = options;
  const { maxOutputTokens, temperature, stopSequences, seed } = options;
  const functions = tools.flatMap((tool): ToolDefinition[] => {
    if (tool.type !== "function") return [];
    return [{ name: tool.name, description: tool.description ?? "", inputSchema: jsonObject(tool.inputSchema) }];
  });
  const request: ModelRequest = {
    messages: prompt.map((message) => messageOf(message, owner)),
    ...(functions.length > 0 && { tools: functions }),
    ...(toolChoice !== undefined && functions.length > 0 && { toolChoice: choiceOf(toolChoice) }),
    ...(responseFormat?.type === "json" && {
      responseFormat: {
        name: responseFormat.name ?? "answer",
        schema: responseFormat.schema === undefined ? { type: "object" } : jsonObject(responseFormat.schema),
      },
    }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(stopSequences !== undefined && { stopSequences }),
    ...(seed !== undefined && { seed }),
    ...(providerOptions !== undefined && { providerOptions: namedObjects(jsonObject(providerOptions)) }),
  };
  return { request, warnings: warningsOf(options) };
}

function warningsOf(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const features = (["topP", "topK", "presencePenalty", "frequencyPenalty"] as const).filter(
    (name) => options[name] !== undefined,
  );
  const others = (options.tools ?? []).filter((tool) => tool.type !== "function").map((tool) => `tool ${tool.name}`);
  return [...features, ...others].map((feature) => ({ type: "unsupported", feature }));
}

function choiceOf(choice: NonNullable<LanguageModelV4CallOptions["toolChoice"]>): ToolChoice {
  return choice.type === "tool" ? { name: choice.toolName } : choice.type;
}

function messageOf(message: LanguageModelV4Message, owner: string): Message {
  switch (message.role) {
    case "system":
      return { role: "system", content: [{ type: "text", text: message.content }] };
    case "user":
      return {
        role: "user",
        content: message.content.map((part) =>
          part.type === "text" ? { type: "text", text: part.text } : fileOf(part),
        ),
      };
    case "assistant":
      return { role: "assistant", content: message.content.flatMap((part) => assistantPart(part, owner)) };
    default:
      return {
        role: "tool",
        content: message.content.flatMap((part): ToolResultPart[] => {
          if (part.type !== "tool-result") return [];
          return [{ type: "tool.result", id: part.toolCallId, name: part.toolName, ...outputOf(part.output) }];
        }),
      };
  }
}

function assistantPart(
  part: Extract<LanguageModelV4Message, { role: "assistant" }>["content"][number],
  owner: string,
): AssistantPart[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if (part.type === "tool-call" && part.providerExecuted !== true) {
    return [{ type: "tool.call", id: part.toolCallId, name: part.toolName, input: jsonValue(part.input) }];
  }
  if (part.type !== "reasoning") return [];
  const signature = part.providerOptions?.["atlas"]?.["signature"];
  const signed = typeof signature === "string" ? { signature } : {};
  return [{ type: "reasoning", text: part.text, provider: owner, ...signed }];
}

function fileOf({ data, mediaType, filename }: LanguageModelV4FilePart): FilePart {
  const about = { type: "file", mediaType, ...(filename !== undefined && { name: filename }) } as const;
  switch (data.type) {
    case "url":
      return { ...about, url: data.originalUrl ?? data.url.href };
    case "text":
      return { ...about, data: Buffer.from(data.text, "utf8").toString("base64") };
    case "data":
      return { ...about, data: typeof data.data === "string" ? data.data : Buffer.from(data.data).toString("base64") };
    default:
      throw baseErrors.create("invalid_input", "A file was given by a reference that only its own provider can read.");
  }
}

function outputOf(output: LanguageModelV4ToolResultOutput): { readonly output: JsonValue; readonly failed?: boolean } {
  switch (output.type) {
    case "text":
      return { output: output.value };
    case "json":
      return { output: jsonValue(output.value) };
    case "error-text":
      return { output: output.value, failed: true };
    case "error-json":
      return { output: jsonValue(output.value), failed: true };
    case "execution-denied":
      return { output: output.reason ?? "The call was not allowed.", failed: true };
    default:
      return { output: output.value.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("\n") };
  }
}

/** Copies what came from outside, so that it is JSON and nothing else. */
function jsonValue(value: unknown): JsonValue {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as JsonValue);
}

function jsonObject(value: unknown): JsonObject {
  const copy = jsonValue(value);
  return isJsonObject(copy) ? copy : {};
}

function namedObjects(value: JsonObject): { readonly [name: string]: JsonObject } {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1])),
  );
}
