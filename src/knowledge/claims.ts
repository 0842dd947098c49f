import { answerSentences } from "./sentences.ts";
import { queryTerms, splitIdentifier, wordsOf } from "./words.ts";

/** Is what a mark of an answer stands for: the sentences before it, back to the mark before. */
export interface Claims {
  /** The last sentence that says something: what the mark vouches for. Empty when there is none. */
  readonly last: string;
  /** What else the passage may hold word for word. Order: what tells most first. */
  readonly others: readonly string[];
}

/** A sentence of less weight beside another would be a citation that tells the reader nothing. */
const leastWeight = 3;
/** Is how many other sentences are looked for in the passage. */
const mostOthers = 32;
/** Is how much of a text is looked at: what stands further from its mark belongs to something else. Units: UTF-16 code units. */
const reach = 16_000;

/** Chooses what a mark stands for in the text before it: not mere tags, links and pictures while there is something else. */
export function claimsOf(text: string): Claims {
  const sentences = [...answerSentences(text.slice(-reach))];
  const telling = sentences.filter((sentence) => !isMarkup(sentence));
  const others = telling
    .slice(0, -1)
    .map((sentence) => ({ sentence, weight: weightOf(sentence) }))
    .filter(({ weight }) => weight >= leastWeight)
    .sort((a, b) => b.weight - a.weight)
    .slice(0, mostOthers);
  return {
    last: telling.at(-1) ?? sentences.at(-1) ?? "",
    others: others.map(({ sentence }) => sentence),
  };
}

/** Tells whether a sentence is little more than tags, pictures and links. */
function isMarkup(sentence: string): boolean {
  const bare = sentence.replace(/!?\[[^[\]]*\]\([^()]*\)|<[^<>]*>/g, " ");
  return bare !== sentence && weightOf(bare) < leastWeight;
}

/** Counts what a sentence tells: its words but for the most common ones; identifiers and numbers tell twice as much. */
function weightOf(sentence: string): number {
  const special = wordsOf(sentence).filter((word) => /\p{N}/u.test(word) || splitIdentifier(word).length > 0);
  return queryTerms(sentence).length + new Set(special).size;
}
