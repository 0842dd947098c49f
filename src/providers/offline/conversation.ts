import type { JsonValue } from "../../base/index.ts";
import type { Message, ToolResultPart } from "../message.ts";
import type { Passage } from "../passage.ts";
import { textOf } from "../message.ts";
import { readPassages } from "../passage.ts";

/** Is what the model needs to know of a conversation. */
export interface Conversation {
  /** What the user asks last, without a document pasted along with it. */
  readonly goal: string;
  /** Every passage that tools returned or the user pasted; each id once. */
  readonly passages: readonly Passage[];
  /** The tool calls since the user spoke last. Order: as made, one list for each turn. */
  readonly rounds: readonly (readonly { readonly name: string; readonly input: JsonValue }[])[];
  /** How many messages there are; makes the ids of calls differ from turn to turn. */
  readonly turn: number;
  /** True when tools failed since the user spoke last and none gave anything. */
  readonly onlyFailures: boolean;
}

const minPastedChars = 300;
const maxGoalChars = 4_000;

/** Reads a conversation. */
export function readConversation(messages: readonly Message[]): Conversation {
  const last = messages.findLastIndex((message) => message.role === "user");
  const passages = new Map<string, Passage>();
  let goal = "";
  messages.forEach((message, place) => {
    if (message.role === "user") {
      const parts = separate(textOf(message), place);
      if (place === last) goal = parts.goal;
      if (parts.pasted) passages.set(parts.pasted.id, parts.pasted);
    }
    if (message.role !== "tool") return;
    for (const part of message.content)
      for (const passage of passagesOf(part)) if (!passages.has(passage.id)) passages.set(passage.id, passage);
  });
  const since = messages.slice(last + 1);
  const rounds = since
    .filter((message) => message.role === "assistant")
    .map((message) =>
      message.content.filter((part) => part.type === "tool.call").map(({ name, input }) => ({ name, input })),
    )
    .filter((calls) => calls.length > 0);
  const results = since.filter((message) => message.role === "tool").flatMap((message) => message.content);
  const onlyFailures = results.length > 0 && results.every((part) => part.failed === true);
  return {
    goal: goal.slice(0, maxGoalChars),
    passages: [...passages.values()],
    rounds,
    turn: messages.length,
    onlyFailures,
  };
}

/** Tells the question from the document when a user pasted both into one message. */
function separate(text: string, place: number): { goal: string; pasted?: Passage } {
  const blocks = text
    .split(/\n\s*\n/)
    .map((block) => block.trim())
    .filter((block) => block !== "");
  const first = blocks[0] ?? "";
  const last = blocks.at(-1) ?? "";
  if (text.length < minPastedChars || blocks.length < 2) return { goal: text };
  const isGoal = (block: string): boolean => block.length < minPastedChars && /[?:]$/.test(block);
  const leads = isGoal(first) || (!isGoal(last) && first.length < minPastedChars && !first.startsWith("#"));
  const goal = leads ? first : last;
  if (goal.length >= minPastedChars) return { goal: text };
  const rest = leads ? text.slice(text.indexOf(first) + first.length) : text.slice(0, text.lastIndexOf(last));
  if (rest.trim().length < minPastedChars / 2) return { goal: text };
  return { goal, pasted: textPassage(`text${place + 1}`, "conversation", rest.trim()) };
}

function textPassage(id: string, source: string, text: string): Passage {
  return { id, source, startLine: 1, endLine: text.split("\n").length, score: 1, text };
}

function passagesOf(part: ToolResultPart): readonly Passage[] {
  if (part.failed === true) return [];
  const { output } = part;
  const passages = readPassages(output);
  if (passages !== undefined) return passages;
  const text = typeof output === "string" ? output : JSON.stringify(output, null, 1);
  return text.length < 2 ? [] : [textPassage(part.id, part.name, text)];
}
