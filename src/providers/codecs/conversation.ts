import type { AtlasError } from "../../base/index.ts";
import type { Message } from "../message.ts";
import { refusal, type RequestTarget } from "./target.ts";
import { writtenName } from "./tool-names.ts";

/**
 * Checks what hosted providers demand of a conversation, so that its maker is told what is wrong with it, and not only that it
 * was refused: there is something to answer, and each call of a tool has its result before the user speaks, and each result its call.
 *
 * Errors: provider_invalid_request.
 */
export function checkConversation(messages: readonly Message[], target: RequestTarget): void {
  if (messages.length === 0) throw nothingToAnswer(target);
  /** Are the names of the tools whose results are due, by the ids of the calls. */
  const due = new Map<string, string>();
  for (const message of messages) {
    switch (message.role) {
      case "assistant":
        for (const part of message.content) if (part.type === "tool.call") due.set(part.id, part.name);
        break;
      case "tool":
        for (const part of message.content) if (!due.delete(part.id)) throw noCall(part.name, target);
        break;
      case "user":
        checkNothingDue(due, target);
        break;
      default:
    }
  }
  checkNothingDue(due, target);
}

/** Makes the error of a conversation that has nothing for the model to answer. */
export function nothingToAnswer(target: RequestTarget): AtlasError {
  const message = "was given nothing to answer; add a message of the user that is not empty";
  return refusal(target, message, "messages");
}

function checkNothingDue(due: ReadonlyMap<string, string>, target: RequestTarget): void {
  const [name] = due.values();
  if (name === undefined) return;
  const message = `was given a call of the tool ${writtenName(name)} without its result; put a tool message with the result after it`;
  throw refusal(target, message, "messages");
}

function noCall(name: string, target: RequestTarget): AtlasError {
  const message = `was given a result of the tool ${writtenName(name)} without its call; keep the assistant's message with the call before it`;
  return refusal(target, message, "messages");
}
