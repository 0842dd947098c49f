import { stem } from "../../base/index.ts";

/** Is a word of a text: its stem, what was written, and where its first letter stands. */
export interface Term {
  readonly stem: string;
  readonly word: string;
  readonly offset: number;
  /** True for a part of an identifier such as `max` in `maxRetries`; the whole identifier is a term of its own. */
  readonly part: boolean;
}

const wordPattern = /(?<![\p{L}\p{N}])v?\p{N}+(?:\.(?:\p{N}+|[xX*](?!\p{L})))+|[\p{L}\p{N}_$][\p{L}\p{M}\p{N}_$]*/gu;
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const identifierBreak = /_+|\$+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;
const stemCache = new Map<string, string>();
const maxCached = 20_000;
let segmenter: Intl.Segmenter | undefined;

const stopWords = new Set(
  (
    "a an and any are as at be been being but by can could did do does doing done for from get gets got had has have having he her here hers him his " +
    "how i if in into is it its itself just let like may me might mine more most much must my no nor not of off on once one only or other our out over " +
    "own please same shall she should so some such tell than that the their them then there these they thing things this those to too under until up us very via " +
    "want was we were what when where which while who whom whose why will with within without would yes you your about explain describe give show " +
    "know need there's don't doesn't i'm it's what's also between after before against during each both through find happen happens go goes many long often exactly actually really possible s t don doesn isn"
  ).split(" "),
);

/** Tells whether a lower-case word carries no content of its own. */
export function isStopWord(word: string): boolean {
  return stopWords.has(word);
}

/** Reduces a written word to the form in which words are compared. */
export function stemOf(word: string): string {
  const known = stemCache.get(word);
  if (known !== undefined) return known;
  const lower = word.normalize("NFKC").toLowerCase();
  const result = stem(lower.replace(/[_$]+|^v(?=\d)/g, ""));
  if (stemCache.size >= maxCached) stemCache.clear();
  stemCache.set(word, result);
  return result;
}

/**
 * Splits a text into terms. Identifiers count as a whole and in their parts; text without spaces between words (Chinese,
 * Japanese, Thai, …) is cut by the platform's word segmenter.
 *
 * Order: as in the text.
 */
export function termsOf(text: string): Term[] {
  const terms: Term[] = [];
  for (const match of text.matchAll(wordPattern)) {
    const word = match[0];
    if (unspaced.test(word)) {
      for (const piece of segment(word)) {
        terms.push({
          stem: stemOf(piece.segment),
          word: piece.segment,
          offset: match.index + piece.index,
          part: false,
        });
      }
      continue;
    }
    const whole = stemOf(word);
    if (whole === "") continue;
    terms.push({ stem: whole, word, offset: match.index, part: false });
    const pieces = word.split(identifierBreak).filter((piece) => piece.length > 1);
    if (pieces.length < 2) continue;
    for (const piece of pieces) terms.push({ stem: stemOf(piece), word: piece, offset: match.index, part: true });
  }
  return terms;
}

function segment(word: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "word" });
  return segmenter.segment(word);
}

/** Gives the stems of a text as a set. */
export function stemsOf(text: string): Set<string> {
  return new Set(termsOf(text).map((term) => term.stem));
}

/** Gives the terms of a text that carry content: no stop words, no lone letters. Order: as in the text; each stem once. */
export function contentTerms(text: string): Term[] {
  const seen = new Set<string>();
  return termsOf(text).filter((term) => {
    const lower = term.word.toLowerCase();
    if (seen.has(term.stem) || stopWords.has(lower) || (lower.length < 2 && /^[a-z]$/.test(lower))) return false;
    seen.add(term.stem);
    return true;
  });
}
