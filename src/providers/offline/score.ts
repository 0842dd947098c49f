import type { Entry, Evidence } from "./evidence.ts";
import { creditOf, weigh } from "./evidence.ts";
import type { KeyTerm, Question, QuestionKind } from "./question.ts";

/** Is a unit measured against a question. */
export interface Scored {
  readonly entry: Entry;
  /** Share of the question's words that the unit and its surroundings hold, in [0, 1]. */
  readonly coverage: number;
  /** Share that its own text holds. */
  readonly own: number;
  /** Weight of names, identifiers and numbers that are missing. */
  readonly missing: number;
  /** True when it has the form that the question asks for: a number, a date, a command. */
  readonly fits: boolean;
  /** What it is ordered by. */
  readonly score: number;
}

const date =
  /\b(?:19|20)\d{2}\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d|\bv?\d+\.\d+|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:when|once|after|before|until|while|if)\b/i;
const number =
  /\p{N}|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|once|twice|infinity|unlimited|no limit|null)\b/iu;
const quantity = /\b(?:number of|maximum|minimum|at most|at least|up to|count|times|twice|limit)\b|max[A-Z]/;
const imperative =
  /`[^`]+`|^\s*(?:[-*+]|\d+[.)])?\s*(?:use|call|pass|set|run|add|create|import|install|define|provide|specify|enable|disable|to )\b|\bcan\b|\byou (?:may|must|should|need)\b|\bby (?:using|passing|setting|calling)\b/i;
const fitting: { readonly [kind in QuestionKind]: (text: string, isCode: boolean) => boolean } = {
  number: (text) => number.test(text),
  date: (text) => date.test(text),
  person: (text) => /(?<!\p{L})\p{Lu}\p{L}+\s+\p{Lu}\p{L}|@\p{L}|\bby\b/u.test(text),
  default: (text) => /\bdefault/i.test(text),
  how: (text, isCode) => isCode || imperative.test(text),
  reason: (text) =>
    /\b(?:because|since|so that|due to|reason|therefore|otherwise|avoid|in order|to (?:prevent|ensure|allow)|as)\b/i.test(
      text,
    ),
  definition: (text, isCode) =>
    !isCode && /\b(?:is|are|means|refers|lets|allows|provides|returns)\b|[:–—-]\s/i.test(text),
  place: (text) => /\b(?:in|at|under|from|to|on)\b|\/|https?:/i.test(text),
  open: () => true,
};

/** Measures every unit against a question. Order: best first; equal scores as in the evidence. */
export function scoreUnits(question: Question, evidence: Evidence): Scored[] {
  const terms = weigh(question, evidence);
  const best = Math.max(...evidence.passages.map((passage) => passage.score), 0);
  const scored: Scored[] = [];
  for (const entry of evidence.entries) {
    const one = scoreUnit(terms, entry, question);
    if (one === undefined) continue;
    const rank = best > 0 ? Math.max(0, entry.passage.score) / best : 0;
    scored.push({ ...one, score: one.score + 0.06 * rank });
  }
  return scored.sort((one, other) => other.score - one.score);
}

function scoreUnit(terms: readonly KeyTerm[], entry: Entry, question: Question): Scored | undefined {
  let coverage = 0;
  let own = 0;
  let missing = 0;
  for (const term of terms) {
    const credit = creditOf(term, entry);
    coverage += term.weight * credit;
    if (credit >= 0.75 && !(credit > 0.75 && credit < 1)) own += term.weight * credit;
    if (credit === 0 && term.strong) missing += term.weight;
  }
  if (coverage < 0.2) return undefined;
  const { text, kind } = entry.unit;
  const isCode = kind === "code";
  const fits = fitting[question.kind](text, isCode);
  let score =
    0.7 * coverage + 0.45 * own + (fits && question.kind !== "open" ? 0.12 : 0) + 0.1 * adjacency(terms, text);
  if (question.kind === "definition" && opensWithSubject(terms, text)) score += 0.1;
  if (
    /\bdefault/i.test(question.text) &&
    /default\W{1,8}(?:value |is |to )*\S{0,40}[\d`'"]|\bdefaults?\b.{0,200}\d/i.test(text)
  )
    score += 0.08;
  if (terms.some((term) => term.weight >= 0.1 && entry.named.has(term.stem))) score += 0.08;
  if (question.kind === "number" && quantity.test(text)) score += 0.06;
  if (question.kind === "number" && !fits) score -= 0.2;
  if (isCode) score -= question.kind === "how" && !importsOnly(text) ? 0.1 : 0.3;
  if (question.kind === "how" && kind !== "item" && kind !== "row" && isNamedAfter(question, entry)) score += 0.15;
  if (text.length < 25) score -= 0.1;
  if (text.length > 600) score -= 0.08;
  if (text.endsWith(":")) score -= 0.12;
  if (text.endsWith("?")) score -= 0.2;
  return { entry, coverage, own, missing, fits, score };
}

/** Says how much of the question's order of words the text keeps, in [0, 1]. */
function adjacency(terms: readonly KeyTerm[], text: string): number {
  if (terms.length < 2) return 0;
  const lower = text.toLowerCase();
  let close = 0;
  for (let index = 1; index < terms.length; index++) {
    const one = lower.indexOf(terms[index - 1]?.word.toLowerCase() ?? "");
    const other = lower.indexOf(terms[index]?.word.toLowerCase() ?? "");
    if (one >= 0 && other >= 0 && Math.abs(one - other) < 40) close++;
  }
  return close / (terms.length - 1);
}

/** Tells whether code only names what it takes from elsewhere, which shows how to do nothing. */
function importsOnly(code: string): boolean {
  const lines = code.split("\n").map((line) => line.trim());
  return lines.every((line) => line === "" || /^(?:```|~~~|import\b|from\b|#include\b|use\b)|=\s*require\(/.test(line));
}

/** Tells whether the section is named after what is asked: `deleteCookie(headers)` for "delete a cookie". */
function isNamedAfter({ terms }: Question, { section }: Entry): boolean {
  const solid = terms.filter((term) => term.weight >= 1);
  // "Set a cookie" has one solid word only: then the vague one must be there too.
  const wanted = solid.length > 1 ? solid : terms;
  return wanted.length > 1 && wanted.every((term) => section.has(term.stem));
}

function opensWithSubject(terms: readonly KeyTerm[], text: string): boolean {
  const opening = text.slice(0, 60).toLowerCase();
  return terms.some((term) => term.weight > 0.25 && opening.includes(term.word.toLowerCase()));
}
