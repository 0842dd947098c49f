import { stringifyJson } from "../../base/index.ts";
import type { Message } from "../message.ts";
import { textOf } from "../message.ts";

/** Is one turn as a chat format of a local model knows it: who speaks, and what. */
export interface PlainTurn {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
}

/** Is a conversation of turns, and whether the last one is an answer to go on from. */
export interface PlainConversation {
  readonly turns: readonly PlainTurn[];
  readonly continues: boolean;
}

/** Turns messages into turns of text. Results of tools become turns of the user; thoughts are left out. */
export function plainConversation(messages: readonly Message[]): PlainConversation {
  const turns = messages.map(turnOf);
  return { turns, continues: turns.at(-1)?.role === "assistant" };
}

function turnOf(message: Message): PlainTurn {
  switch (message.role) {
    case "tool":
      return {
        role: "user",
        text: message.content
          .map(({ name, output }) => `Result of ${name}: ${typeof output === "string" ? output : json(output)}`)
          .join("\n"),
      };
    case "assistant":
      return {
        role: "assistant",
        text: message.content
          .flatMap((part) => {
            if (part.type === "text") return [part.text];
            return part.type === "tool.call" ? [`Call of ${part.name}: ${json(part.input)}`] : [];
          })
          .join(""),
      };
    default:
      return { role: message.role, text: textOf(message) };
  }
}

function json(value: Parameters<typeof stringifyJson>[0]): string {
  return stringifyJson(value, "tool result");
}

const speakers = { system: "System", user: "User", assistant: "Assistant" } as const;

/** Writes a conversation for a base model that has no chat format, and the texts with which it would speak for the user. */
export function writePlainChat({ turns, continues }: PlainConversation): {
  readonly text: string;
  readonly stops: readonly string[];
} {
  const lines = turns.map(({ role, text }) => `${speakers[role]}: ${text}`);
  const text = continues ? lines.join("\n\n") : [...lines, `${speakers.assistant}:`].join("\n\n");
  return { text, stops: Object.values(speakers).map((speaker) => `\n${speaker}:`) };
}
