import type { Block, ScanState, Scanner } from "./block.ts";
import { countLines } from "./block.ts";

/**
 * Is a piece of a document that is indexed and found as one.
 *
 * Units: offsets are UTF-16 code units of the document's text; lines count from 1, both ends included.
 */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly startLine: number;
  readonly endLine: number;
  readonly text: string;
  readonly headings: readonly string[];
  /** What it needs to be understood alone, such as the header row of its table. */
  readonly context: string;
}

/** Bounds the size of chunks. Units: UTF-16 code units. */
export interface ChunkLimits {
  /** The size that is aimed at. */
  readonly target: number;
  /** The size that is never passed. */
  readonly max: number;
}

/** Is the size that measured best: smaller chunks find less, overlap costs more than it gives. */
export const defaultChunkLimits: ChunkLimits = { target: 1500, max: 2000 };

/** Says where a part of a document begins. */
export interface PartOrigin {
  readonly offset: number;
  readonly line: number;
}

/** Is what a part of a document gave. */
export interface ChunkedPart {
  readonly chunks: readonly Chunk[];
  readonly state: ScanState;
}

/**
 * Cuts one part of a document into chunks. Every character but white space is in exactly one chunk; a chunk begins and ends
 * with a character that is none, and its text is the text between its offsets.
 */
export function chunkPart(
  text: string,
  options: { scan: Scanner; state: ScanState; limits?: ChunkLimits; origin?: PartOrigin },
): ChunkedPart {
  const { scan, state, limits = defaultChunkLimits, origin = { offset: 0, line: 1 } } = options;
  const scanned = scan(text, state);
  const pieces = scanned.blocks.flatMap((block) => splitBlock(text, block, limits));
  const chunks: Chunk[] = [];
  let line = origin.line;
  let counted = 0;
  for (const group of groupPieces(pieces, limits)) {
    const range = trim(text, group.start, group.end);
    if (range.start >= range.end) continue;
    line += countLines(text, counted, range.start);
    const startLine = line;
    line += countLines(text, range.start, range.end);
    counted = range.end;
    chunks.push({
      start: origin.offset + range.start,
      end: origin.offset + range.end,
      startLine,
      endLine: line,
      text: text.slice(range.start, range.end),
      headings: group.headings,
      context: group.context ?? "",
    });
  }
  return { chunks, state: scanned.state };
}

/** Puts pieces together up to the target; a heading stays with what follows it. */
function groupPieces(pieces: readonly Block[], limits: ChunkLimits): readonly Block[] {
  const groups: Block[] = [];
  let current: Block | undefined;
  for (const [index, piece] of pieces.entries()) {
    if (current !== undefined) {
      const size = current.end - current.start;
      const follower = piece.kind === "heading" ? pieces[index + 1] : undefined;
      const wanted = (follower ?? piece).end - current.start;
      const goodPlace = piece.opens && size >= limits.target / 3;
      const room = current.kind === "heading" ? limits.max : limits.target;
      const fits = piece.end - current.start <= limits.max && wanted <= room;
      if (fits && !goodPlace) {
        const context = current.context ?? piece.context;
        current = { ...current, kind: piece.kind, end: piece.end, ...(context === undefined ? {} : { context }) };
        continue;
      }
      groups.push(current);
    }
    current = piece;
  }
  if (current !== undefined) groups.push(current);
  return groups;
}

/** Splits a block that is over the limit at the best places there are: blank lines, line ends, sentences, spaces. */
function splitBlock(text: string, block: Block, limits: ChunkLimits): readonly Block[] {
  if (block.end - block.start <= limits.max) return [block];
  const pieces: Block[] = [];
  let start = block.start;
  while (block.end - start > limits.max) {
    const end = bestCut(text, start + Math.floor(limits.target / 2), start + limits.target);
    pieces.push({ ...block, start, end, opens: block.opens && pieces.length === 0 });
    start = end;
  }
  pieces.push({ ...block, start, end: block.end, opens: false });
  return pieces;
}

const breaks: readonly ((window: string) => number)[] = [
  (window) => lastMatchEnd(window, /\n[ \t\r]*\n/g),
  (window) => window.lastIndexOf("\n") + 1,
  (window) => lastMatchEnd(window, /[.!?。！？][)"'”’\]]*\s/g),
  (window) => lastMatchEnd(window, /[\s,;]/g),
];

/** Finds the best place to cut in (low, high]; never within a surrogate pair. */
function bestCut(text: string, low: number, high: number): number {
  const window = text.slice(low, high);
  for (const find of breaks) {
    const at = find(window);
    if (at > 0) return low + at;
  }
  const code = text.charCodeAt(high - 1);
  return code >= 0xd800 && code <= 0xdbff ? high - 1 : high;
}

function lastMatchEnd(text: string, pattern: RegExp): number {
  let end = 0;
  for (const match of text.matchAll(pattern)) end = match.index + match[0].length;
  return end;
}

function trim(text: string, from: number, to: number): { readonly start: number; readonly end: number } {
  let start = from;
  let end = to;
  while (start < end && text.charCodeAt(start) <= 32) start++;
  while (end > start && text.charCodeAt(end - 1) <= 32) end--;
  return { start, end };
}
