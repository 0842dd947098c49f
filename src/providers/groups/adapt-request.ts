import type { AssistantPart, Message, ToolResultPart } from "../message.ts";
import type { Model, ModelRequest } from "../model.ts";
import { withSchemaInstruction } from "../structured-output.ts";

/** Is a form of tool ids that a provider takes, and a way to make one of 14 letters and digits. */
interface IdForm {
  readonly pattern: RegExp;
  readonly make: (digits: string) => string;
}

const commonForm: IdForm = { pattern: /^[A-Za-z0-9_-]{1,40}$/, make: (digits) => `call_${digits}` };

/** Are the forms of providers that do not take the common one. */
const idForms: Readonly<Record<string, IdForm>> = {
  mistral: { pattern: /^[A-Za-z0-9]{9}$/, make: (digits) => digits.slice(-9) },
};

/**
 * Makes a request fit the model that gets it, which may be another than the one whose answers it holds: reasoning and
 * signatures of other providers are dropped, tool ids that it would refuse are mapped (a call and its result alike), a bound
 * on the answer above its own is lowered, and a JSON Schema that it has no native way for is asked for in words.
 *
 * Gives the request itself where nothing is to be changed. A managed model gets it unchanged: it does the same for its own members.
 */
export function adaptRequest(
  request: ModelRequest,
  model: Pick<Model, "provider" | "capabilities" | "managed">,
): ModelRequest {
  if (model.managed === true) return request;
  const { provider, capabilities } = model;
  const ids = toolIds(idForms[provider] ?? commonForm);
  let messages = mapSame(request.messages, (message) => adaptMessage(message, provider, ids));
  const { responseFormat, maxOutputTokens, ...rest } = request;
  const inWords = responseFormat !== undefined && capabilities.structuredOutput === "none";
  const most = capabilities.maxOutputTokens;
  const lower = maxOutputTokens !== undefined && most !== null && maxOutputTokens > most;
  if (messages === request.messages && !inWords && !lower) return request;
  if (inWords) messages = withSchemaInstruction(messages, responseFormat.schema);
  const bound = lower ? most : maxOutputTokens;
  return {
    ...rest,
    messages,
    ...(responseFormat !== undefined && !inWords && { responseFormat }),
    ...(bound !== undefined && { maxOutputTokens: bound }),
  };
}

function adaptMessage(message: Message, provider: string, id: (given: string) => string): Message {
  if (message.role === "assistant") {
    const kept = message.content.some((part) => isForeign(part, provider))
      ? message.content.filter((part) => !isForeign(part, provider))
      : message.content;
    const content = mapSame(kept, (part) => (part.type === "tool.call" ? withId(part, id(part.id)) : part));
    return content === message.content ? message : { ...message, content };
  }
  if (message.role !== "tool") return message;
  const content = mapSame(message.content, (part: ToolResultPart) => withId(part, id(part.id)));
  return content === message.content ? message : { ...message, content };
}

/** What was thought elsewhere means nothing here, and its signature would be refused. */
function isForeign(part: AssistantPart, provider: string): boolean {
  return part.type === "reasoning" && part.provider !== undefined && part.provider !== provider;
}

function withId<Part extends { readonly id: string }>(part: Part, id: string): Part {
  return id === part.id ? part : { ...part, id };
}

/** Maps ids of another form by what they are, so that the same id becomes the same one in every request. */
function toolIds({ pattern, make }: IdForm): (id: string) => string {
  return (id) => (pattern.test(id) ? id : make(digestOf(id)));
}

/** Makes 14 letters and digits from a text. Two ids of one conversation must differ; it keeps nothing secret. */
function digestOf(text: string): string {
  let first = 0x811c9dc5;
  let second = 0x9e3779b9;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    first = Math.imul(first ^ unit, 0x01000193);
    second = Math.imul(second ^ unit, 0x85ebca6b) ^ (second >>> 13);
  }
  return [first, second].map((half) => (half >>> 0).toString(36).padStart(7, "0")).join("");
}

/** Maps a list, and gives the list itself where no entry changes. */
function mapSame<T>(list: readonly T[], map: (entry: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (const [index, entry] of list.entries()) {
    const mapped = map(entry);
    if (mapped !== entry) (changed ??= [...list])[index] = mapped;
  }
  return changed ?? list;
}
