import type { Block, Scanner } from "./block.ts";
import { isBlank, lineAt } from "./block.ts";

/** Reads plain text: a block is a paragraph, ended by blank lines. */
export const scanText: Scanner = (text, state) => {
  const blocks: Block[] = [];
  let start = 0;
  let blankBefore = false;
  for (let at = 0; at < text.length;) {
    const { end, next } = lineAt(text, at);
    const blank = isBlank(text, at, end);
    if (!blank && blankBefore && at > start) {
      blocks.push({ start, end: at, kind: "text", headings: state.headings, opens: false });
      start = at;
    }
    blankBefore = blank;
    at = next;
  }
  if (start < text.length)
    blocks.push({ start, end: text.length, kind: "text", headings: state.headings, opens: false });
  return { blocks, state };
};
