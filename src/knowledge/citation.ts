import { stem } from "../base/index.ts";
import type { Claims } from "./claims.ts";
import { claimsOf } from "./claims.ts";
import type { Range } from "./sentences.ts";
import { sentencesOf, trimEndOf } from "./sentences.ts";
import { fold, queryTerms, wordsOf } from "./words.ts";

/** Points at the place in a file that supports a statement. Units: lines count from 1, both ends included. */
export type Citation = {
  readonly source: string;
  readonly startLine: number;
  readonly endLine: number;
  /** The words of the file at these lines, its white space collapsed. */
  readonly quote: string;
};

/** Is a passage that an answer may cite. */
export interface CitablePassage {
  readonly id: string;
  readonly source: string;
  readonly startLine: number;
  readonly text: string;
}

/** Is what the citations of an answer are. */
export interface CitedAnswer {
  readonly citations: readonly Citation[];
  /** The marks that name no passage or whose sentence no passage supports. */
  readonly unverified: readonly {
    readonly id: string;
    readonly reason: "unknown" | "unsupported";
    readonly sentence: string;
  }[];
}

const mark = /\[((?:[a-z]\w*)(?:\s*[,;]\s*[a-z]\w*)*)\](?!\()/gi;
/** How much of a sentence's weight a sentence of the passage must hold to count as its source. */
const supportShare = 0.5;
/** A longer sentence is looked for by its words alone. Units: UTF-16 code units. */
const maxSentence = 4000;

/** Is how many places one mark cites at most. */
const mostPlaces = 4;

/**
 * Finds the `[id]` marks of an answer and the words of the passages that they stand for: of the sentences before the mark those
 * that the passage holds, and for the last of them, if it is none of these, the sentence of the passage that holds most of its words.
 *
 * Order: marks as in the answer, places of one mark as in the file; each place once. Marks whose last sentence cannot be verified are named apart.
 */
export function checkCitations(answer: string, passages: readonly CitablePassage[]): CitedAnswer {
  const byId = new Map(passages.map((passage) => [passage.id.toLowerCase(), passage]));
  const citations = new Map<string, Citation>();
  const unverified: CitedAnswer["unverified"][number][] = [];
  for (const { ids, claims } of marksOf(answer)) {
    for (const id of ids) {
      const passage = byId.get(id.toLowerCase());
      // A word in square brackets that is no passage's id is only a mark if it looks like one.
      if (passage === undefined) {
        if (/^p\d+/i.test(id)) unverified.push({ id, reason: "unknown", sentence: claims.last });
        continue;
      }
      const { places, holds } = placesOf(claims, passage.text);
      if (!holds) unverified.push({ id, reason: "unsupported", sentence: claims.last });
      for (const citation of places.map((range) => citationAt(passage, range)))
        citations.set(JSON.stringify(citation), citation);
    }
  }
  return { citations: [...citations.values()], unverified };
}

/** Splits an answer at its marks; adjoining marks share the sentences before them. */
function* marksOf(answer: string): Generator<{ readonly ids: readonly string[]; readonly claims: Claims }> {
  let from = 0;
  let claims: Claims = { last: "", others: [] };
  for (const match of answer.matchAll(mark)) {
    const between = claimsOf(answer.slice(from, match.index));
    from = match.index + match[0].length;
    if (between.last !== "") claims = between;
    yield { ids: (match[1] ?? "").split(/\s*[,;]\s*/), claims };
  }
}

/** Finds where a passage holds what a mark stands for; `holds` tells whether it holds the last sentence. */
function placesOf(claims: Claims, text: string): { readonly places: readonly Range[]; readonly holds: boolean } {
  const last = locate(claims.last, text) ?? nearest(claims.last, text);
  const places = last === undefined ? [] : [last];
  for (const sentence of claims.others) {
    if (places.length === mostPlaces) break;
    const place = locate(sentence, text);
    if (place !== undefined) places.push(place);
  }
  return { places: places.sort((a, b) => a.start - b.start), holds: last !== undefined };
}

/** Finds a sentence in a text, whatever the white space between its words. */
function locate(sentence: string, text: string): Range | undefined {
  const words = sentence.split(/\s+/).filter((word) => word !== "");
  if (wordsOf(sentence).length === 0 || words.length > 400 || sentence.length > maxSentence) return undefined;
  for (const pattern of [words, bare(words)]) {
    if (pattern.length === 0) continue;
    const match = new RegExp(pattern.map((word) => RegExp.escape(word)).join("\\s+"), "i").exec(text);
    if (match !== null) return { start: match.index, end: match.index + match[0].length };
  }
  return undefined;
}

/** Takes the end mark off the last word: an answer may close a sentence that goes on in its source. */
function bare(words: readonly string[]): readonly string[] {
  const last = trimEndOf(words.at(-1) ?? "", ".,;:!?…");
  return last === "" ? words.slice(0, -1) : [...words.slice(0, -1), last];
}

/** Finds the sentence of a text that holds most of a sentence's telling words; undefined when none holds half of them. */
function nearest(sentence: string, text: string): Range | undefined {
  const wanted = new Set(queryTerms(sentence).map((term) => term.stem));
  let best: (Range & { readonly share: number }) | undefined;
  for (const range of sentencesOf(text)) {
    const held = new Set(wordsOf(text.slice(range.start, range.end)).map((word) => stem(fold(word))));
    const share = [...wanted].filter((word) => held.has(word)).length / Math.max(1, wanted.size);
    if (share >= supportShare && share > (best?.share ?? 0)) best = { ...range, share };
  }
  return best;
}

function citationAt(passage: CitablePassage, range: Range): Citation {
  const raw = passage.text.slice(range.start, range.end);
  const start = range.start + (raw.length - raw.trimStart().length);
  const end = range.start + raw.trimEnd().length;
  const startLine = passage.startLine + newlines(passage.text.slice(0, start));
  const quote = passage.text.slice(start, end);
  return { source: passage.source, startLine, endLine: startLine + newlines(quote), quote: collapse(quote) };
}

function newlines(text: string): number {
  return text.split("\n").length - 1;
}

/** Writes each run of white space as one space, and none at the ends. */
export function collapse(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
