import { isJsonObject } from "../base/index.ts";
import type { JsonValue } from "../base/index.ts";
import type { Message, Passage } from "../providers/index.ts";

/** Gathers the passages that retrieval tools returned in a conversation, each id once. Order: as they were first returned. */
export function passagesIn(messages: readonly Message[]): Passage[] {
  const found = new Map<string, Passage>();
  for (const message of messages) {
    if (message.role !== "tool") continue;
    for (const { output } of message.content) {
      if (!isJsonObject(output) || !Array.isArray(output["passages"])) continue;
      for (const passage of output["passages"] as JsonValue[]) {
        if (isPassage(passage) && !found.has(passage.id)) found.set(passage.id, passage);
      }
    }
  }
  return [...found.values()];
}

function isPassage(value: JsonValue): value is Passage {
  return (
    isJsonObject(value) &&
    typeof value["id"] === "string" &&
    typeof value["source"] === "string" &&
    typeof value["text"] === "string" &&
    typeof value["startLine"] === "number" &&
    typeof value["endLine"] === "number"
  );
}
