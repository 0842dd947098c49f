import type { Term } from "./terms.ts";
import { contentTerms } from "./terms.ts";

/** Says what kind of thing answers a question. */
export type QuestionKind =
  | "number"
  | "date"
  | "person"
  | "default"
  | "how"
  | "reason"
  | "definition"
  | "place"
  | "open";

/** Is a word that the answer should hold. `weight` is its share before the words' rarity is known. */
export interface KeyTerm {
  readonly stem: string;
  readonly word: string;
  readonly weight: number;
  /** True for identifiers, numbers, names and quoted words: without them a text is about something else. */
  readonly strong: boolean;
}

/** Is one part of a goal: a question with its key terms. */
export interface Question {
  readonly text: string;
  readonly kind: QuestionKind;
  readonly terms: readonly KeyTerm[];
  /** True when it comes after the part before it ("then", "after that"). */
  readonly follows: boolean;
  /** What it refers to without naming it ("its", "they"), taken from the part before it. */
  readonly topic: string;
}

const kinds: readonly (readonly [QuestionKind, RegExp])[] = [
  ["number", /\bhow (?:many|much|often)\b/i],
  ["default", /\bdefaults?\b/i],
  [
    "number",
    /\bhow (?:long|large|big|fast|old|deep|high)\b|\b(?:number|amount|percentage|size|limit|maximum|minimum|port|count)\b.*\?|\bwhat(?: is the| is)? (?:max|min)/i,
  ],
  ["date", /\bwhen\b|\bwhat (?:date|year|day)\b|\bwhich (?:year|version)\b|\bsince which\b|\bin what version\b/i],
  ["person", /\bwho(?:se|m)?\b|\bauthor\b/i],
  ["reason", /\bwhy\b|\breason\b/i],
  [
    "how",
    /\bhow (?:do|does|can|could|should|would|to|must)\b|\bexample|\bcommand\b|\bsnippet\b|\bsyntax\b|\bwhich (?:option|method|function|flag|command|setting|api)|\bwhat (?:option|method|function|flag|command|setting)/i,
  ],
  ["place", /\bwhere\b/i],
  ["definition", /^\s*(?:so |and |also |then )?(?:what(?:'s| is| are| does)|define|explain|describe)\b/i],
];

/** Each term is held against each unit of the documents: a goal of a thousand words would be that many times as slow. */
const maxTerms = 48;
const pronoun = /\b(?:it|its|they|their|them|this|these|those|that one)\b/i;

/** Words that shape a question more than they name its subject; they count less. */
const vague = new Set(
  (
    "default number value option options method methods function way ways work works working use used using uses set setting configure change " +
    "happen example command package library module tool document documents documentation docs doc file support supported supports available " +
    "mean means meaning name called call purpose kind type types specify possible make made provide provides take takes new old " +
    "long time times first last different difference best good recommended currently compare according user users want able contain contains " +
    "add run running enable disable turn create handle handling come comes returned return returns everything something anything project " +
    "list summarise summarize summary overview main important answer question"
  ).split(" "),
);

/** Is what stands before a question. */
export interface Before {
  /** Lends what a pronoun refers to. */
  readonly previous?: Question | undefined;
  readonly follows?: boolean;
  /** True when `previous` asks nothing but says what the question is about. */
  readonly isBackground?: boolean;
}

/** Reads a question: its kind and its key terms. */
export function questionOf(text: string, before: Before = {}): Question {
  const { previous, follows = false, isBackground = false } = before;
  const kind = kinds.find(([, pattern]) => pattern.test(text))?.[0] ?? "open";
  const own = contentTerms(text).map((term) => keyTerm(term, text));
  const solid = own.filter((term) => term.weight >= 1).length;
  const refers = previous !== undefined && (pronoun.test(text) || solid < (isBackground ? 3 : 1));
  const topic = refers ? topicOf(previous) : "";
  const known = new Set(own.map((term) => term.stem));
  const lent = contentTerms(topic)
    .map((term) => keyTerm(term, topic))
    .filter((term) => !known.has(term.stem))
    .map((term) => ({ ...term, weight: term.weight * 0.5 }));
  return { text: text.trim(), kind, terms: heaviest([...own, ...lent]), follows, topic };
}

/** Keeps the terms that say most when there are too many. Order: as they came. */
function heaviest(terms: readonly KeyTerm[]): readonly KeyTerm[] {
  if (terms.length <= maxTerms) return terms;
  const kept = new Set([...terms].sort((one, other) => other.weight - one.weight).slice(0, maxTerms));
  return terms.filter((term) => kept.has(term));
}

function keyTerm(term: Term, text: string): KeyTerm {
  const lower = term.word.toLowerCase();
  const isIdentifier = /\p{Ll}\p{Lu}|[\p{L}\p{N}]_[\p{L}\p{N}]|\p{Lu}\p{L}*\d/u.test(term.word);
  const isName = /^\p{Lu}/u.test(term.word) && !opensSentence(term.offset, text);
  const isQuoted =
    /[`"'“]/.test(text[term.offset - 1] ?? "") && /[`"'”.(]/.test(text[term.offset + term.word.length] ?? "");
  const isNumber = /^v?\p{N}[\p{N}.]+$/u.test(term.word);
  const strong = !term.part && !vague.has(lower) && (isIdentifier || isName || isQuoted || isNumber);
  const weight = vague.has(lower) ? 0.3 : term.part ? 0.4 : strong ? 1.3 : 1;
  return { stem: term.stem, word: term.word, weight, strong };
}

function opensSentence(offset: number, text: string): boolean {
  return /(?:^|[.?!:]\s+)["'(]?$/.test(text.slice(0, offset));
}

function topicOf(question: Question): string {
  const solid = question.terms.filter((term) => term.weight >= 1).map((term) => term.word);
  return [...new Set([...solid.slice(0, 4), ...(solid.length === 0 ? [question.topic] : [])])].join(" ").trim();
}
