import { passagesIn } from "../knowledge/index.ts";
import type { Message, Passage } from "../providers/index.ts";

/** Gathers the passages that retrieval tools returned in a conversation, each id once. Order: as they were first returned. */
export function retrievedPassages(messages: readonly Message[]): Passage[] {
  const found = new Map<string, Passage>();
  for (const message of messages) {
    if (message.role !== "tool") continue;
    for (const { output } of message.content) {
      for (const passage of passagesIn(output)) if (!found.has(passage.id)) found.set(passage.id, passage);
    }
  }
  return [...found.values()];
}
