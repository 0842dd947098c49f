import { stem } from "../base/index.ts";

const stopWords = new Set(
  (
    "a about above after again against all also am an and any are as at be because been before being below between both but by can cannot could did do does " +
    "doing down during each few for from further had has have having he her here hers herself him himself his how i if in into is it its " +
    "itself just let me more most my myself no nor not of off on once only or other our ours ourselves out over own same she should so some such " +
    "than that the their theirs them themselves then there these they this those through to too under until up very was we were what when " +
    "where which while who whom whose why will with would you your yours yourself"
  ).split(" "),
);

/** Is one thing to look for: the word as full text sees it, and its stem. */
export interface Term {
  readonly word: string;
  readonly stem: string;
}

/** Brings a text to the form that the index compares: lower case, without marks on letters. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  // A text of plain ASCII, by far the most common, needs no normalisation.
  return /[\u0080-\uffff]/.test(lower) ? lower.normalize("NFD").replace(/\p{M}+/gu, "") : lower;
}

/** Splits a text into its words: runs of letters and digits. */
export function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{Co}\p{M}]+/gu) ?? [];
}

/** Splits an identifier at its capitals: `parseHTMLText2` gives parse, HTML, Text2; a plain word gives nothing. */
export function splitIdentifier(word: string): string[] {
  if (!hump.test(word)) return [];
  return word.split(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).filter((part) => part.length > 1);
}

const hump = /[a-z\d][A-Z]|[A-Z][A-Z][a-z]/;

/** Joins the parts of all identifiers in a text: full text sees an identifier as one word, and only splits it at `_` and `-`. */
export function subtokensOf(text: string): string {
  const found = new Set<string>();
  let done = 0;
  // The pattern is of fixed length and the word around it is found by hand: one pattern for both would be quadratic.
  for (const match of text.matchAll(/[a-z\d][A-Z]|[A-Z][A-Z][a-z]/g)) {
    if (match.index < done) continue;
    let start = match.index;
    while (start > done && isAsciiWord(text.charCodeAt(start - 1))) start--;
    done = match.index + 1;
    while (done < text.length && isAsciiWord(text.charCodeAt(done))) done++;
    if (done - start <= 80) for (const part of splitIdentifier(text.slice(start, done))) found.add(part);
  }
  return [...found].join(" ");
}

function isAsciiWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
}

/**
 * Reads the terms of a query: its words and the parts of its identifiers, without stop words unless nothing else is left.
 *
 * Order: as in the query; each stem once; at most 64.
 */
export function queryTerms(query: string): readonly Term[] {
  const words = wordsOf(query.slice(0, 4000)).flatMap((word) => [word, ...splitIdentifier(word)]);
  const all = new Map<string, Term>();
  for (const raw of words) {
    const word = fold(raw);
    if (word !== "" && word.length <= 80) all.set(stem(word), { word, stem: stem(word) });
  }
  const telling = [...all.values()].filter((term) => !stopWords.has(term.word));
  return (telling.length > 0 ? telling : [...all.values()]).slice(0, 64);
}
