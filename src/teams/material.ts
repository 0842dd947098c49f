/** Marks a text that somebody else wrote, so that a model can tell it from what it is asked: no text can end its own mark. */
export function asMaterial(text: string): string {
  return `<data>\n${text.replaceAll(/<(?=[\s/]*data\b)/gi, "&lt;")}\n</data>`;
}
