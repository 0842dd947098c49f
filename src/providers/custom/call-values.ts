import type { JsonObject, JsonValue } from "../../base/index.ts";
import type { FilePart, Message } from "../message.ts";
import { textOf } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import type { Values } from "./template.ts";

/** Lists the placeholders that stand for a part of a call. */
export const callPlaceholders = [
  "model",
  "prompt",
  "messages",
  "system",
  "temperature",
  "maxOutputTokens",
  "stop",
  "seed",
  "tools",
  "toolChoice",
  "schema",
  "schemaName",
] as const;

/** Is a placeholder that stands for a part of a call. */
export type CallPlaceholder = (typeof callPlaceholders)[number];

/** Says how a conversation is written: as a list of messages the way OpenAI does, or as one text; and whether system messages go apart. */
export interface ConversationForm {
  readonly messages: "list" | "text";
  readonly systemApart: boolean;
}

/** Makes the values of the placeholders for one call. What a call does not say has no value. */
export function callValues(model: string, request: ModelRequest, form: ConversationForm): Values<CallPlaceholder> {
  const { tools = [], toolChoice, responseFormat, stopSequences = [] } = request;
  const apart = form.systemApart;
  const told = (): readonly Message[] => request.messages.filter(({ role }) => !(apart && role === "system"));
  const values: Readonly<Record<CallPlaceholder, () => JsonValue | undefined>> = {
    model: () => model,
    prompt: () => asText(told()),
    messages: () => (form.messages === "text" ? asText(told()) : told().flatMap(writeMessage)),
    system: () =>
      request.messages.flatMap((each) => (each.role === "system" ? [textOf(each)] : [])).join("\n\n") || undefined,
    temperature: () => request.temperature,
    maxOutputTokens: () => request.maxOutputTokens,
    stop: () => (stopSequences.length > 0 ? [...stopSequences] : undefined),
    seed: () => request.seed,
    tools: () => (tools.length > 0 ? tools.map(writeTool) : undefined),
    toolChoice: () => (typeof toolChoice === "object" ? functionOf({ name: toolChoice.name }) : toolChoice),
    schema: () => responseFormat?.schema,
    schemaName: () => responseFormat?.name,
  };
  return (name) => values[name]();
}

const speakers = { system: "System", user: "User", assistant: "Assistant", tool: "Tool" } as const;

/** Writes a conversation as one text: a single message as it is, several with who says them and room for the answer. */
function asText(messages: readonly Message[]): string {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return spoken(only);
  return [...messages.map((message) => `${speakers[message.role]}: ${spoken(message)}`), "Assistant:"].join("\n\n");
}

function spoken(message: Message): string {
  if (message.role === "tool") {
    return message.content.map(({ name, output }) => `${name} answered ${JSON.stringify(output)}`).join("\n");
  }
  if (message.role !== "assistant") return textOf(message);
  const calls = message.content.flatMap((part) =>
    part.type === "tool.call" ? [`(calls ${part.name} with ${JSON.stringify(part.input)})`] : [],
  );
  return [textOf(message), ...calls].filter(Boolean).join("\n");
}

function functionOf(body: JsonObject): JsonObject {
  return { type: "function", function: body };
}

function writeTool({ name, description, inputSchema }: NonNullable<ModelRequest["tools"]>[number]): JsonObject {
  return functionOf({ name, description, parameters: inputSchema });
}

function writeMessage(message: Message): readonly JsonObject[] {
  if (message.role === "tool") {
    return message.content.map(({ id, output, failed }) => ({
      role: "tool",
      tool_call_id: id,
      content: JSON.stringify(failed === true ? { error: output } : output),
    }));
  }
  const content = textOf(message);
  if (message.role === "system") return [{ role: "system", content }];
  if (message.role === "user") {
    const files = message.content.filter((part) => part.type === "file");
    return [
      {
        role: "user",
        content: files.length === 0 ? content : [{ type: "text", text: content }, ...files.map(writeFile)],
      },
    ];
  }
  const calls = message.content.flatMap((part) =>
    part.type === "tool.call"
      ? [{ id: part.id, ...functionOf({ name: part.name, arguments: JSON.stringify(part.input) }) }]
      : [],
  );
  return [{ role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) }];
}

function writeFile({ url, mediaType, data = "", name = "file" }: FilePart): JsonObject {
  const address = url ?? `data:${mediaType};base64,${data}`;
  if (mediaType.startsWith("image/")) return { type: "image_url", image_url: { url: address } };
  return { type: "file", file: { filename: name, file_data: address } };
}
