const vowelGroup = /[aeiouy]/;
const plainWord = /^[a-z]{3,}$/;

const secondStep: readonly (readonly [string, string])[] = [
  ["ational", "ate"],
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["abli", "able"],
  ["alli", "al"],
  ["entli", "ent"],
  ["eli", "e"],
  ["ousli", "ous"],
  ["ization", "ize"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["biliti", "ble"],
];
const thirdStep: readonly (readonly [string, string])[] = [
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
];
const fourthStep = [
  "ement",
  "ance",
  "ence",
  "able",
  "ible",
  "ment",
  "ant",
  "ent",
  "ism",
  "ate",
  "iti",
  "ous",
  "ive",
  "ize",
  "al",
  "er",
  "ic",
  "ou",
];

/** Counts the vowel-consonant sequences of a stem (Porter's m). */
function measure(stem: string): number {
  const shape = Array.from(stem, (_, index) => (isVowel(stem, index) ? "v" : "c")).join("");
  return shape.replace(/(.)\1+/g, "$1").split("vc").length - 1;
}

function isVowel(word: string, index: number): boolean {
  const letter = word[index] ?? "";
  if ("aeiou".includes(letter)) return true;
  return letter === "y" && index > 0 && !isVowel(word, index - 1);
}

function hasVowel(stem: string): boolean {
  return vowelGroup.test(stem.slice(0, 1) === "y" ? stem.slice(1) : stem);
}

function endsInShortSyllable(stem: string): boolean {
  const last = stem.length - 1;
  return (
    last >= 2 && !isVowel(stem, last) && isVowel(stem, last - 1) && !isVowel(stem, last - 2) && !/[wxy]$/.test(stem)
  );
}

function plural(word: string): string {
  if (word.endsWith("sses") || word.endsWith("ies")) return word.slice(0, -2);
  return word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

function past(word: string): string {
  if (word.endsWith("eed")) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const stem = word.endsWith("ed") ? word.slice(0, -2) : word.endsWith("ing") ? word.slice(0, -3) : word;
  if (stem === word || !hasVowel(stem)) return word;
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (/([^aeioulsz])\1$/.test(stem)) return stem.slice(0, -1);
  return measure(stem) === 1 && endsInShortSyllable(stem) ? `${stem}e` : stem;
}

function swap(word: string, table: readonly (readonly [string, string])[]): string {
  for (const [suffix, other] of table) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, -suffix.length);
    return measure(stem) > 0 ? stem + other : word;
  }
  return word;
}

function strip(word: string): string {
  if (/[st]ion$/.test(word) && measure(word.slice(0, -3)) > 1) return word.slice(0, -3);
  for (const suffix of fourthStep) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, -suffix.length);
    return measure(stem) > 1 ? stem : word;
  }
  return word;
}

function tidy(word: string): string {
  let stem = word;
  if (stem.endsWith("e")) {
    const shorter = stem.slice(0, -1);
    const length = measure(shorter);
    if (length > 1 || (length === 1 && !endsInShortSyllable(shorter))) stem = shorter;
  }
  return stem.endsWith("ll") && measure(stem) > 1 ? stem.slice(0, -1) : stem;
}

/**
 * Reduces an English word to its stem, so that `retries`, `retried` and `retry` meet. Words with other letters stay as they are.
 *
 * Source: M. F. Porter, "An algorithm for suffix stripping", 1980.
 */
export function stem(word: string): string {
  if (!plainWord.test(word)) return word;
  let result = past(plural(word));
  if (result.endsWith("y") && hasVowel(result.slice(0, -1))) result = `${result.slice(0, -1)}i`;
  return tidy(strip(swap(swap(result, secondStep), thirdStep)));
}
