import type { Message, Passage } from "../../providers/index.ts";
import { countTokens, readPassages } from "../../providers/index.ts";
import type { WindowPolicy, WindowSection } from "./window-policy.ts";
import { keepOf } from "./window-policy.ts";

/** Is a message of a conversation with the place of the run's log where it stands whole; 0 where it came before the run. */
export type PlacedMessage = { readonly message: Message; readonly seq: number };

/**
 * Is what is to leave a conversation. Units: tokens, of the messages alone.
 */
export interface WindowPlan {
  readonly kept: readonly PlacedMessage[];
  readonly dropped: readonly PlacedMessage[];
  readonly summarised: readonly PlacedMessage[];
  /** Where among `kept` a summary goes. */
  readonly summaryAt: number;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
}

/** Is what a plan is made for. Units: tokens; `fixedTokens` are instructions, facts and tools, which are sent whole. */
export interface WindowBounds {
  readonly policy: WindowPolicy;
  readonly maxTokens: number;
  readonly fixedTokens: number;
}

/** Is what belongs together: a call without its results, or results without their call, no provider takes. */
interface Turn {
  readonly items: readonly PlacedMessage[];
  readonly section: WindowSection;
  readonly tokens: number;
}

const counted = new WeakMap<Message, number>();

/** Counts the tokens of a message, as estimated for every model. Cost: once for each message. */
export function tokensOf(message: Message): number {
  const known = counted.get(message);
  if (known !== undefined) return known;
  const { tokens } = countTokens({ messages: [message] });
  counted.set(message, tokens);
  return tokens;
}

/** Counts the tokens of messages together. */
export function tokensOfAll(messages: readonly PlacedMessage[]): number {
  return messages.reduce((sum, { message }) => sum + tokensOf(message), 0);
}

/** Gives the passages of documents that a conversation's tool results hold, so that they can be cited when those are gone. */
export function passagesOf(messages: readonly PlacedMessage[]): readonly Passage[] {
  return messages.flatMap(({ message }) =>
    message.role === "tool" ? message.content.flatMap(({ output }) => readPassages(output) ?? []) : [],
  );
}

/** So many of the latest turns stay, whatever they hold: without them a model does not know what it is doing. */
const latest = 2;

/**
 * Finds what must leave a conversation so that it fits: the oldest of each section that is over its own bound, then the oldest of all
 * until the whole fits. `goalAt` is the message that says what is wanted, which stays. Undefined when all of it fits.
 *
 * Cost: the number of messages; each is counted once.
 */
export function planWindow(
  messages: readonly PlacedMessage[],
  goalAt: number,
  { policy, maxTokens, fixedTokens }: WindowBounds,
): WindowPlan | undefined {
  const sections = Object.values(policy.sections ?? {}).some(({ maxTokens: bound }) => bound !== undefined);
  if (maxTokens === Infinity && !sections) return undefined;
  const tokensBefore = tokensOfAll(messages);
  if (!sections && tokensBefore + fixedTokens <= maxTokens) return undefined;
  const turns = turnsOf(messages);
  const leaving = new Set<Turn>();
  const goal = messages[goalAt];
  const mayLeave = (turn: Turn, index: number): boolean =>
    index < turns.length - latest &&
    keepOf(policy, turn.section) !== "pin" &&
    (goal === undefined || !turn.items.includes(goal));
  const free = turns.filter(mayLeave);
  for (const section of ["documents", "history", "tools"] as const) {
    const bound = policy.sections?.[section]?.maxTokens;
    if (bound === undefined) continue;
    let used = turns.reduce((sum, turn) => sum + (turn.section === section ? turn.tokens : 0), 0);
    for (const turn of free) {
      if (used <= bound) break;
      if (turn.section !== section) continue;
      leaving.add(turn);
      used -= turn.tokens;
    }
  }
  let left = tokensBefore + fixedTokens - [...leaving].reduce((sum, turn) => sum + turn.tokens, 0);
  // More than is needed goes, so that the next call does not have to do it again.
  const target = left > maxTokens ? fixedTokens + (maxTokens - fixedTokens) * roomy : maxTokens;
  for (const turn of free) {
    if (left <= target) break;
    if (leaving.has(turn)) continue;
    leaving.add(turn);
    left -= turn.tokens;
  }
  return leaving.size === 0 ? undefined : planOf(messages, turns, { leaving, policy, tokensBefore });
}

const roomy = 0.7;

function planOf(
  messages: readonly PlacedMessage[],
  turns: readonly Turn[],
  { leaving, policy, tokensBefore }: { leaving: ReadonlySet<Turn>; policy: WindowPolicy; tokensBefore: number },
): WindowPlan {
  const chosen = (keep: "drop" | "summarise"): readonly PlacedMessage[] =>
    turns.filter((turn) => leaving.has(turn) && keepOf(policy, turn.section) === keep).flatMap(({ items }) => items);
  const kept = turns.filter((turn) => !leaving.has(turn)).flatMap(({ items }) => items);
  const first = turns.findIndex((turn) => leaving.has(turn));
  const summaryAt = turns.slice(0, first).reduce((sum, { items }) => sum + items.length, 0);
  return {
    kept,
    dropped: chosen("drop"),
    summarised: chosen("summarise"),
    summaryAt,
    tokensBefore,
    tokensAfter: tokensOfAll(kept),
  };
}

/** Puts together what belongs together: an assistant's message with the results of its calls. Order: as it was said. */
function turnsOf(messages: readonly PlacedMessage[]): readonly Turn[] {
  const groups: PlacedMessage[][] = [];
  for (const item of messages) {
    const open = groups.at(-1);
    if (item.message.role === "tool" && open?.at(-1)?.message.role !== "user" && open !== undefined) open.push(item);
    else groups.push([item]);
  }
  return groups.map((items) => ({ items, section: sectionOf(items), tokens: tokensOfAll(items) }));
}

function sectionOf(items: readonly PlacedMessage[]): WindowSection {
  const results = items.flatMap(({ message }) => (message.role === "tool" ? message.content : []));
  if (results.length === 0) return "history";
  return results.some(({ output }) => readPassages(output) !== undefined) ? "documents" : "tools";
}
