/** Names what a block of a document is. */
export type BlockKind = "text" | "heading" | "code" | "table" | "record";

/**
 * Is a stretch of a document that reads as one. Blocks tile the text: each begins where the one before it ends.
 *
 * Units: UTF-16 code units in the text that was scanned.
 */
export interface Block {
  readonly start: number;
  readonly end: number;
  readonly kind: BlockKind;
  /** The headings, enclosing symbols or keys around it, outermost first. */
  readonly headings: readonly string[];
  /** What a piece of it needs to be understood alone, such as the header row of a table. */
  readonly context?: string;
  /** Whether a chunk had better begin here. */
  readonly opens: boolean;
}

/** Is what a scanner hands on from one part of a long document to the next. */
export interface ScanState {
  readonly headings: readonly string[];
  readonly levels: readonly number[];
  /** The marker that closes the code fence that is open. */
  readonly fence?: string | undefined;
  /** The header row of a table that goes on. */
  readonly header?: string | undefined;
  /** The first heading of the document. */
  readonly title?: string | undefined;
}

/** Is what a scanner made of one part. */
export interface Scanned {
  readonly blocks: readonly Block[];
  readonly state: ScanState;
}

/** Reads the blocks of one part of a document. Parts are cut at line ends. */
export type Scanner = (text: string, state: ScanState) => Scanned;

/** Is the state at the beginning of a document. */
export const initialState: ScanState = { headings: [], levels: [] };

/** Gives the range of the line that begins at `start`: the end of its text and the start of the next line. */
export function lineAt(text: string, start: number): { readonly end: number; readonly next: number } {
  const newline = text.indexOf("\n", start);
  if (newline === -1) return { end: text.length, next: text.length };
  return { end: newline > start && text.charCodeAt(newline - 1) === 13 ? newline - 1 : newline, next: newline + 1 };
}

/** Tells whether a stretch holds nothing but white space. */
export function isBlank(text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index++) if (text.charCodeAt(index) > 32) return false;
  return true;
}

/** Counts the line breaks in a stretch. */
export function countLines(text: string, start: number, end: number): number {
  // In the whole text, the search for a line break would go on beyond the end, up to the end of a text of one line.
  const stretch = text.slice(start, end);
  let count = 0;
  for (let at = stretch.indexOf("\n"); at !== -1; at = stretch.indexOf("\n", at + 1)) count++;
  return count;
}
