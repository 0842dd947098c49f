import { stem } from "../base/index.ts";
import { fold } from "./words.ts";

/** Is a term of a query with its weight: how much finding it tells. */
export interface WeightedTerm {
  readonly stem: string;
  readonly idf: number;
}

/** Is a passage that full text found. */
export interface Candidate {
  readonly text: string;
  /** Title, path, headings and context: a term that stands only here counts as covered, not as near. */
  readonly heading: string;
  /** The BM25 score; greater is better. */
  readonly bm25: number;
}

/** Weighs what makes a passage answer a query beside BM25. Tuned on the train queries of SciFact alone. */
export interface RankWeights {
  readonly coverage: number;
  readonly proximity: number;
}

/** Is the setting that was best on the train queries of SciFact. */
export const defaultRankWeights: RankWeights = { coverage: 0.3, proximity: 0.1 };

const nearWords = 8;

/**
 * Scores candidates by BM25 relative to the best, by the share of the query's weight that they cover, and by how near to each
 * other its terms stand.
 *
 * Units: the scores are comparable within one query only; the best possible is the sum of the weights plus 1.
 * Order: as the candidates.
 */
export function rankCandidates(
  terms: readonly WeightedTerm[],
  candidates: readonly Candidate[],
  weights = defaultRankWeights,
): number[] {
  const best = Math.max(...candidates.map((candidate) => candidate.bm25), Number.MIN_VALUE);
  const total = terms.reduce((sum, term) => sum + term.idf, 0);
  const finder = createFinder(terms);
  const near = candidates.map((candidate) => {
    const places = finder(candidate.text);
    const seen = new Set([
      ...places.map((place) => place.term),
      ...finder(candidate.heading).map((place) => place.term),
    ]);
    const covered = [...seen].reduce((sum, index) => sum + (terms[index]?.idf ?? 0), 0);
    return { coverage: total === 0 ? 0 : covered / total, proximity: proximityOf(places, terms) };
  });
  const nearest = Math.max(...near.map((item) => item.proximity), Number.MIN_VALUE);
  return candidates.map((candidate, index) => {
    const { coverage = 0, proximity = 0 } = near[index] ?? {};
    return candidate.bm25 / best + weights.coverage * coverage + (weights.proximity * proximity) / nearest;
  });
}

interface Place {
  readonly term: number;
  /** Counts words. */
  readonly at: number;
}

/** Sums, over each pair of terms, the lesser weight divided by their least distance, for pairs at most `nearWords` apart. */
function proximityOf(places: readonly Place[], terms: readonly WeightedTerm[]): number {
  const least = new Map<number, number>();
  for (let index = 0; index < places.length; index++) {
    const place = places[index];
    if (place === undefined) continue;
    for (let back = index - 1; back >= 0; back--) {
      const other = places[back];
      if (other === undefined || place.at - other.at > nearWords) break;
      if (other.term === place.term) continue;
      const pair = Math.min(place.term, other.term) * 64 + Math.max(place.term, other.term);
      const distance = Math.max(1, place.at - other.at);
      if (distance < (least.get(pair) ?? Infinity)) least.set(pair, distance);
    }
  }
  let sum = 0;
  for (const [pair, distance] of least) {
    sum += Math.min(terms[Math.floor(pair / 64)]?.idf ?? 0, terms[pair % 64]?.idf ?? 0) / distance;
  }
  return sum;
}

/**
 * Makes a function that finds the places of the terms in a text.
 *
 * Cost: words whose first two letters begin no term are passed over without being cut out; a stem keeps the first two letters.
 */
function createFinder(terms: readonly WeightedTerm[]): (text: string) => Place[] {
  const byStem = new Map(terms.map((term, index) => [term.stem, index]));
  const known = new Map<string, number>();
  const beginnings = new Set(
    terms.map((term) => beginning(term.stem.charCodeAt(0), term.stem.length > 1 ? term.stem.charCodeAt(1) : 0)),
  );
  const termOf = (word: string): number => {
    let term = known.get(word);
    if (term === undefined) {
      term = byStem.get(stem(fold(word))) ?? -1;
      known.set(word, term);
    }
    return term;
  };
  return (text) => {
    const places: Place[] = [];
    let words = 0;
    for (let at = 0; at < text.length; at++) {
      const first = lower(text.charCodeAt(at));
      if (!isWord(first)) continue;
      const start = at;
      while (at + 1 < text.length && isWord(text.charCodeAt(at + 1))) at++;
      words++;
      const second = at > start ? lower(text.charCodeAt(start + 1)) : 0;
      if (first < 128 && second < 128 && !beginnings.has(beginning(first, second))) continue;
      const term = termOf(text.slice(start, at + 1));
      if (term >= 0) places.push({ term, at: words });
    }
    return places;
  };
}

function beginning(first: number, second: number): number {
  return first * 65_536 + second;
}

function lower(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

function isWord(code: number): boolean {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90);
  // General and CJK punctuation, and the signs of Latin-1.
  return code >= 0xc0 && (code < 0x2000 || code > 0x206f) && (code < 0x3000 || code > 0x303f);
}
