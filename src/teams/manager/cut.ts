/** Cuts a text to a length, and shows that it did. Units: characters. */
export function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
