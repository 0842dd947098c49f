import { userMessage, type Message } from "../message.ts";
import type { Model, ModelRequest } from "../model.ts";

/**
 * Makes the request with which a model goes on from a broken answer: the text so far as the last message, where the model
 * has prefill, or followed by a prompt to go on. Undefined where it can not: then the answer must begin anew.
 */
export function continueRequest(
  request: ModelRequest,
  text: string,
  { model, continuePrompt }: { readonly model: Model; readonly continuePrompt: string | undefined },
): ModelRequest | undefined {
  // White space at the end of a last message is refused by models with prefill.
  const begun = text.trimEnd();
  const { prefill } = model.capabilities;
  if (begun === "" || model.managed === true || request.responseFormat !== undefined) return undefined;
  if (!prefill && continuePrompt === undefined) return undefined;
  const partial: Message = { role: "assistant", content: [{ type: "text", text: begun }] };
  const prompt = prefill || continuePrompt === undefined ? [] : [userMessage(continuePrompt)];
  return { ...request, messages: [...request.messages, partial, ...prompt] };
}
