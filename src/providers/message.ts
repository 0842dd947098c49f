import type { JsonObject, JsonValue } from "../base/index.ts";

/** Is text. */
export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

/** Is an image or another file, inline (`data`, base64) or by address. `mediaType` is a MIME type such as image/png. */
export interface FilePart {
  readonly type: "file";
  readonly mediaType: string;
  readonly data?: string;
  readonly url?: string;
  readonly name?: string;
}

/** Is what a model thought aloud. `signature` is opaque and belongs to `provider` alone: it is dropped on a switch. */
export interface ReasoningPart {
  readonly type: "reasoning";
  readonly text: string;
  readonly provider?: string;
  readonly signature?: string;
}

/** Is a model's wish to call a tool. `input` is parsed JSON; not yet checked against the tool's schema. */
export interface ToolCallPart {
  readonly type: "tool.call";
  readonly id: string;
  readonly name: string;
  readonly input: JsonValue;
}

/** Is a tool's answer to the call with this id. */
export interface ToolResultPart {
  readonly type: "tool.result";
  readonly id: string;
  readonly name: string;
  readonly output: JsonValue;
  readonly failed?: boolean;
}

/** Are the things a message of each role can hold. */
export type UserPart = TextPart | FilePart;

/** Is what an assistant message can hold. */
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart;

/** Is one turn of a conversation, in the one shape that every provider's codec translates. */
export type Message =
  | { readonly role: "system"; readonly content: readonly TextPart[]; readonly cache?: CacheMark }
  | { readonly role: "user"; readonly content: readonly UserPart[]; readonly cache?: CacheMark }
  | { readonly role: "assistant"; readonly content: readonly AssistantPart[]; readonly cache?: CacheMark }
  | { readonly role: "tool"; readonly content: readonly ToolResultPart[]; readonly cache?: CacheMark };

/** Marks the end of what a provider should keep in its prompt cache, for a short or a long time. Ignored where caching needs no marks. */
export type CacheMark = "short" | "long";

/** Describes a tool to a model. `inputSchema` is JSON Schema (draft 2020-12). */
export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  /** `retrieval` marks a tool that searches documents: it takes `{ query }` and returns `{ passages: Passage[] }` (see Passage in passage.ts). */
  readonly purpose?: "retrieval" | "action";
}

/** Makes a user message from text. */
export function userMessage(text: string): Message {
  return { role: "user", content: [{ type: "text", text }] };
}

/** Makes a system message from text. */
export function systemMessage(text: string): Message {
  return { role: "system", content: [{ type: "text", text }] };
}

/** Joins the text parts of a message. */
export function textOf(message: Message): string {
  return message.content
    .filter((part): part is TextPart => part.type === "text")
    .map((part) => part.text)
    .join("");
}
