import { stem } from "../base/index.ts";

const idle = new Set(
  "a an and are as at be but by can do does for from has have how i if in into is it its me my no not of on or our so that the their them then there these they this to us was we were what when where which who why will with would you your".split(
    " ",
  ),
);
const mark = /\[[a-z]\w*(?:\s*[,;]\s*[a-z]\w*)*\](?!\()/gi;

/** Gives the words of a text that say something, as stems, without marks of citations. */
export function wordsOf(text: string): ReadonlySet<string> {
  const words =
    text
      .replace(mark, " ")
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Set(words.filter((word) => !idle.has(word)).map((word) => stem(word)));
}

/** Measures how much two texts say with the same words. Units: 0 to 1, 1 for the same words. */
export function likeness(one: string, other: string): number {
  const a = wordsOf(one);
  const b = wordsOf(other);
  const shared = a.intersection(b).size;
  const all = a.union(b).size;
  return all === 0 ? 1 : shared / all;
}

/** Tells how much of the words of a text another one holds. Units: 0 to 1; 0 for a text without words. */
export function coverage(of: string, by: string): number {
  const wanted = wordsOf(of);
  return wanted.size === 0 ? 0 : wanted.intersection(wordsOf(by)).size / wanted.size;
}

/** Writes a text so that two that differ in case, marks of citations and punctuation alone are the same. */
export function plainText(text: string): string {
  return text
    .replace(mark, " ")
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Finds which of some names a text speaks of first, as whole words; the longer one where two begin at one place. */
export function namedIn(text: string, names: readonly string[]): string | undefined {
  const folded = ` ${plainText(text)} `;
  const found = names
    .map((name) => ({ name, at: folded.indexOf(` ${plainText(name)} `), length: name.length }))
    .filter(({ at, name }) => at >= 0 && plainText(name) !== "");
  return found.toSorted((a, b) => a.at - b.at || b.length - a.length)[0]?.name;
}
