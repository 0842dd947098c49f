const abbreviation =
  /(?:^|[\s(])(?:[Ee]\.g|[Ii]\.e|etc|vs|cf|[Mm]rs?|Ms|Dr|Prof|[Nn]o|[Ff]ig|approx|resp|incl|[A-Z])\.$/;
// The end is looked for once in a run of marks, not again from each of them.
const end = /(?<![.!?…])[.!?…]+["'”’)\]*_]*(?=\s|$)|[。！？]+["'”’）」』]*/gu;
const maxAbbreviationChars = 12;

/** Cuts prose into sentences, each trimmed and otherwise as it stands. Ends inside `code` and after abbreviations do not count. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  let ticks = 0;
  let counted = 0;
  for (const match of text.matchAll(end)) {
    const stop = match.index + match[0].length;
    ticks += ticksIn(text.slice(counted, stop));
    counted = stop;
    const sentence = text.slice(start, stop);
    const tail = text.slice(Math.max(start, stop - maxAbbreviationChars), stop);
    if (abbreviation.test(tail) && /^\s+[^\s]/.test(text.slice(stop))) continue;
    if (/^\s+\p{Ll}/u.test(text.slice(stop))) continue;
    if (ticks % 2 === 1) continue;
    if (sentence.trim().length < 3) continue;
    sentences.push(sentence.trim());
    start = stop;
    ticks = 0;
  }
  const rest = text.slice(start).trim();
  if (rest !== "") sentences.push(rest);
  return sentences;
}

function ticksIn(text: string): number {
  return text.split("`").length - 1;
}
