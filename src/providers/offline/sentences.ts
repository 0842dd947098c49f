const abbreviation =
  /(?:^|[\s(])(?:[Ee]\.g|[Ii]\.e|etc|vs|cf|[Mm]rs?|Ms|Dr|Prof|[Nn]o|[Ff]ig|approx|resp|incl|[A-Z])\.$/;
const end = /[.!?…]+["'”’)\]*_]*(?=\s|$)|[。！？]+["'”’）」』]*/gu;

/** Cuts prose into sentences, each trimmed and otherwise as it stands. Ends inside `code` and after abbreviations do not count. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  for (const match of text.matchAll(end)) {
    const stop = match.index + match[0].length;
    const sentence = text.slice(start, stop);
    if (abbreviation.test(sentence) && /^\s+[^\s]/.test(text.slice(stop))) continue;
    if (/^\s+\p{Ll}/u.test(text.slice(stop))) continue;
    if ((sentence.split("`").length - 1) % 2 === 1) continue;
    if (sentence.trim().length < 3) continue;
    sentences.push(sentence.trim());
    start = stop;
  }
  const rest = text.slice(start).trim();
  if (rest !== "") sentences.push(rest);
  return sentences;
}
