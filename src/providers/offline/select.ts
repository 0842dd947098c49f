import type { Passage } from "../passage.ts";
import type { Entry, Evidence } from "./evidence.ts";
import type { Question } from "./question.ts";
import type { Scored } from "./score.ts";
import { scoreUnits } from "./score.ts";
import { isStopWord } from "./terms.ts";
import type { Unit } from "./units.ts";

/** Is a unit that an answer quotes, with the passage it is cited by. */
export interface Quote {
  readonly passage: Passage;
  readonly unit: Unit;
  readonly coverage: number;
}

/** Is what the documents say to one question; no quotes when they do not answer it. */
export interface Finding {
  readonly question: Question;
  readonly quotes: readonly Quote[];
  readonly answered: boolean;
  /** How sure the judgement is, in [0, 1]: the coverage of the best unit. */
  readonly confidence: number;
}

/** Bounds on what counts as an answer; calibrated with tools/eval-offline.ts. */
const enough = { coverage: 0.6, own: 0.28, missing: 0.12 };
const maxQuotes = 3;
const maxListed = 6;
const asksForList = /\b(?:list|which|what are|all|kinds|types)\b/i;
const maxOverlap = 0.6;
const maxLookAhead = 4;

/** Decides whether the evidence answers a question, and with which units. Order: passages by their best unit, units as in the text. */
export function answerQuestion(question: Question, evidence: Evidence): Finding {
  const scored = scoreUnits(question, evidence);
  const fit = scored.filter((one) => holds(one, question));
  const best = fit[0];
  if (best === undefined || question.terms.length === 0)
    return { question, quotes: [], answered: false, confidence: scored[0]?.coverage ?? 0 };
  const most = asksForList.test(question.text) ? maxListed : maxQuotes;
  const chosen: Scored[] = [];
  for (const one of fit) {
    if (chosen.length >= most || one.score < best.score * 0.78) break;
    if (one.entry.unit.kind === "code" && question.kind !== "how" && chosen.length > 0) continue;
    if (chosen.every((other) => areSiblings(one, other) || overlap(one.entry.own, other.entry.own) < maxOverlap))
      chosen.push(one);
  }
  const quotes = inReadingOrder(withCode(chosen, evidence, question.kind === "how"));
  return { question, quotes, answered: true, confidence: best.coverage };
}

/** Tells whether a unit is about the question at all: enough of its words, none of its names missing, the form that was asked for. */
function holds(one: Scored, question: Question): boolean {
  if (one.missing > enough.missing) return false;
  const needsForm = question.kind === "number" || question.kind === "person" || question.kind === "default";
  const bar = enough.coverage + (needsForm && !one.fits ? 0.15 : 0);
  return one.coverage >= bar && one.own >= enough.own;
}

/** Tells whether two units are items of one list or rows of one table: alike in their words and still not the same. */
function areSiblings(one: Scored, other: Scored): boolean {
  const isListed = one.entry.unit.kind === "item" || one.entry.unit.kind === "row";
  return (
    isListed &&
    one.entry.passage === other.entry.passage &&
    one.entry.unit.kind === other.entry.unit.kind &&
    one.entry.unit.text !== other.entry.unit.text
  );
}

/** Adds the code that a chosen sentence introduces, or the sentence that introduces chosen code. */
function withCode(chosen: readonly Scored[], evidence: Evidence, wanted: boolean): Quote[] {
  const quotes = new Map<string, Quote>();
  const put = (quote: Quote): void => {
    const key = `${quote.passage.id}#${quote.unit.index}`;
    if (!quotes.has(key)) quotes.set(key, quote);
  };
  for (const { entry, coverage } of chosen) {
    put({ passage: entry.passage, unit: entry.unit, coverage });
    const place = evidence.entries.indexOf(entry);
    const next = evidence.entries[place + 1];
    const before = evidence.entries[place - 1];
    const introduces = wanted || entry.unit.text.endsWith(":");
    if (wanted && chosen[0]?.entry === entry)
      for (const each of upToCode(evidence, place)) put({ passage: each.passage, unit: each.unit, coverage });
    if (introduces && next?.passage === entry.passage && next.unit.kind === "code" && entry.unit.kind !== "code") {
      put({ passage: next.passage, unit: next.unit, coverage });
    }
    if (entry.unit.kind === "code" && before?.passage === entry.passage && before.unit.kind !== "code") {
      put({ passage: before.passage, unit: before.unit, coverage });
    }
  }
  return [...quotes.values()];
}

/** Gives what follows a unit in its passage up to the first code block, when one is near. */
function upToCode(evidence: Evidence, place: number): Entry[] {
  const here = evidence.entries[place];
  const following = evidence.entries
    .slice(place + 1, place + 1 + maxLookAhead)
    .filter((each) => each.passage === here?.passage && each.above === here.above);
  const code = following.findIndex((each) => each.unit.kind === "code");
  return here?.unit.kind === "sentence" && code >= 0 ? following.slice(0, code + 1) : [];
}

function inReadingOrder(quotes: readonly Quote[]): Quote[] {
  const order = [...new Set(quotes.map((quote) => quote.passage.id))];
  return [...quotes].sort(
    (one, other) =>
      order.indexOf(one.passage.id) - order.indexOf(other.passage.id) || one.unit.index - other.unit.index,
  );
}

function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let shared = 0;
  const [mine, theirs] = [one, other].map((stems) => new Set([...stems].filter((stem) => !isStopWord(stem))));
  if (mine === undefined || theirs === undefined) return 0;
  for (const stem of mine) if (theirs.has(stem)) shared++;
  return shared / Math.max(1, Math.min(mine.size, theirs.size));
}

/** Answers every question; a unit already quoted for one question is not quoted again for the next, but still answers it. */
export function answerAll(questions: readonly Question[], evidence: Evidence): Finding[] {
  return questions.map((question) => answerQuestion(question, evidence));
}
