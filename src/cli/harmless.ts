// What a terminal may obey or what turns text around: control characters but tab and newline, and the marks of direction.
const unruly = /(?![\t\n])\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Makes a text harmless for a terminal: characters that it would obey are written as `\x1b`. */
export function harmless(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(unruly, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** Makes JSON harmless for a terminal, and leaves it the same JSON. */
export function harmlessJson(json: string): string {
  return json.replaceAll(unruly, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Makes a text, as the name of a file, harmless and keeps it whole on one line. */
export function unbroken(text: string): string {
  return harmless(text.replaceAll("\r", "\\r").replaceAll("\n", "\\n").replaceAll("\t", "\\t"));
}

/** Makes a text harmless and keeps it on one line. */
export function oneLine(text: string, length = 160): string {
  const line = harmless(text.replaceAll(/\s+/g, " ")).trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}
