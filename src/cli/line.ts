/** Is a look of text. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Is a text with its look, which the screen gives it once it has made the text harmless. */
export interface Styled {
  readonly look: Style | readonly Style[];
  readonly text: string;
}

/** Is a part of a line. */
export type Piece = string | number | Styled;

/** Is what the screen can write: texts alone or in parts that have looks. It may have more than one line. */
export type Line = string | readonly Piece[];

/** Gives a text a look. */
export function styled(look: Style | readonly Style[], text: string): Styled {
  return { look, text };
}

/**
 * Puts a line together from texts, numbers and styled texts.
 *
 * @example line`${styled("bold", name)} took ${count} ms`
 */
export function line(texts: TemplateStringsArray, ...values: readonly (Piece | Line)[]): readonly Piece[] {
  return texts.flatMap((text, index) => [text, ...piecesOf(values[index] ?? "")]);
}

/** Lists the parts of a line. */
export function piecesOf(value: Piece | Line): readonly Piece[] {
  return typeof value === "object" && !("look" in value) ? value : [value];
}
