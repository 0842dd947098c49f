const consonant = "[^aeiou]";
const vowel = "[aeiouy]";
const consonants = `${consonant}[^aeiouy]*`;
const vowels = `${vowel}[aeiou]*`;
const measureAbove0 = new RegExp(`^(${consonants})?${vowels}${consonants}`);
const measureIs1 = new RegExp(`^(${consonants})?${vowels}${consonants}(${vowels})?$`);
const measureAbove1 = new RegExp(`^(${consonants})?${vowels}${consonants}${vowels}${consonants}`);
const hasVowel = new RegExp(`^(${consonants})?${vowel}`);
const endsShort = new RegExp(`^${consonants}${vowel}[^aeiouwxy]$`);

const secondEndings: Readonly<Record<string, string>> = {
  ational: "ate",
  tional: "tion",
  enci: "ence",
  anci: "ance",
  izer: "ize",
  bli: "ble",
  alli: "al",
  entli: "ent",
  eli: "e",
  ousli: "ous",
  ization: "ize",
  ation: "ate",
  ator: "ate",
  alism: "al",
  iveness: "ive",
  fulness: "ful",
  ousness: "ous",
  aliti: "al",
  iviti: "ive",
  biliti: "ble",
  logi: "log",
};
const secondPattern = new RegExp(`^(.+?)(${Object.keys(secondEndings).join("|")})$`);
const thirdEndings: Readonly<Record<string, string>> = {
  icate: "ic",
  ative: "",
  alize: "al",
  iciti: "ic",
  ical: "ic",
  ful: "",
  ness: "",
};
const thirdPattern = /^(.+?)(icate|ative|alize|iciti|ical|ful|ness)$/;
const fourthPattern = /^(.+?)(al|ance|ence|er|ic|able|ible|ant|ement|ment|ent|ou|ism|ate|iti|ous|ive|ize)$/;

/**
 * Reduces an English word in lower case to its stem, so that `retries`, `retried` and `retry` meet.
 *
 * It is what the `porter` tokenizer of SQLite's full text does with the same word, so a stem found here is a term there;
 * only a word with anything but the letters a to z, which SQLite stems too, stays as it is here.
 *
 * Cost: words under 3 or over 64 letters stay as they are.
 * Source: M. F. Porter, "An algorithm for suffix stripping", 1980, with its author's later changes (bli, logi).
 *
 * @example
 * ```ts
 * stem("possibly"); // "possibl"
 * ```
 */
export function stem(word: string): string {
  if (word.length < 3 || word.length > 64 || !/^[a-z]+$/.test(word)) return word;
  let text = word.startsWith("y") ? `Y${word.slice(1)}` : word;
  text = stripInflection(text);
  const second = secondPattern.exec(text);
  if (second?.[1] !== undefined && measureAbove0.test(second[1]))
    text = second[1] + (secondEndings[second[2] ?? ""] ?? "");
  const third = thirdPattern.exec(text);
  if (third?.[1] !== undefined && measureAbove0.test(third[1])) text = third[1] + (thirdEndings[third[2] ?? ""] ?? "");
  const fourth = fourthPattern.exec(text) ?? /^(.+?[st])(ion)$/.exec(text);
  if (fourth?.[1] !== undefined && measureAbove1.test(fourth[1])) text = fourth[1];
  return stripFinalE(text).toLowerCase();
}

function stripInflection(word: string): string {
  let text = word;
  // Each ending needs a letter before it, as in SQLite.
  if (/.(ss|i)es$/.test(text)) text = text.slice(0, -2);
  else if (/[^s]s$/.test(text)) text = text.slice(0, -1);
  // The word "eed" itself falls to the rule of "ed", as it does in SQLite.
  if (text.length > 3 && text.endsWith("eed")) {
    if (measureAbove0.test(text.slice(0, -3))) text = text.slice(0, -1);
  } else {
    const past = /^(.+?)(ed|ing)$/.exec(text);
    if (past?.[1] !== undefined && hasVowel.test(past[1])) {
      text = past[1];
      if (/(at|bl|iz)$/.test(text)) text += "e";
      else if (/([^aeioulsz])\1$/i.test(text)) text = text.slice(0, -1);
      else if (endsShort.test(text)) text += "e";
    }
  }
  const base = text.endsWith("y") ? text.slice(0, -1) : "";
  return base !== "" && hasVowel.test(base) ? `${base}i` : text;
}

function stripFinalE(word: string): string {
  let text = word;
  const base = text.endsWith("e") ? text.slice(0, -1) : "";
  if (base !== "" && (measureAbove1.test(base) || (measureIs1.test(base) && !endsShort.test(base)))) text = base;
  if (text.endsWith("ll") && measureAbove1.test(text)) text = text.slice(0, -1);
  return text;
}
