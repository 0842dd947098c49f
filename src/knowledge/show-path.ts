/** Writes a path so that it can be shown: control characters, which a terminal would obey, are escaped. */
export function showPath(path: string): string {
  return path.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
