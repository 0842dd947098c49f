import { wordsOf } from "./words.ts";

/** Is a stretch of a text. Units: UTF-16 code units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Finds the sentences of a text: they end at an end mark before white space, at one of CJK, and at a blank line. Cost: linear. */
export function* sentencesOf(text: string): Generator<Range> {
  let start = 0;
  for (const match of text.matchAll(/[.!?](?=\s|$)|[。！？]+|\n\s*\n/g)) {
    const end = match[0].startsWith("\n") ? match.index : match.index + match[0].length;
    if (end > start) yield { start, end };
    start = match.index + match[0].length;
  }
  if (start < text.length) yield { start, end: text.length };
}

/** Gives the sentences of an answer that hold a word, without the marks of lists, quotations and emphasis around them. Cost: linear. */
export function* answerSentences(text: string): Generator<string> {
  for (const block of text.trimEnd().split(/\n\s*\n|\n(?=\s*(?:[-*+#>]|\d+[.)])\s)/)) {
    let start = 0;
    const ends = Array.from(block.matchAll(/[.!?。！？]["”’)\]*_]*\s+/g), (match) => match.index + match[0].length);
    for (const end of [...ends, block.length]) {
      const sentence = block.slice(start, end);
      if (hasWord(sentence)) yield withoutMarks(sentence);
      start = end;
    }
  }
}

function hasWord(text: string): boolean {
  return wordsOf(text).length > 0;
}

function withoutMarks(text: string): string {
  const bare = text.trim().replace(/^(?:[-*+>#]+\s+|\d+[.)]\s+|["“”„'(])+/, "");
  return trimEndOf(bare, '"“”(').trim();
}

/** Takes any of these characters off the end of a text. A regular expression would look at each of their runs again and again. */
export function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1] ?? "")) end--;
  return text.slice(0, end);
}
