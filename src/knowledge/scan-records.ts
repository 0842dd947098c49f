import type { Block, Scanner } from "./block.ts";
import { lineAt } from "./block.ts";

const quote = 34;
const newline = 10;

/** Reads CSV and TSV: a block is a record, which may hold line breaks within quotes; the first record is every record's context. */
export const scanCsv: Scanner = (text, before) => {
  const delimiter = text.slice(0, lineAt(text, 0).end).includes("\t")
    ? 9
    : text.slice(0, lineAt(text, 0).end).includes(";")
      ? 59
      : 44;
  const blocks: Block[] = [];
  let header = before.header;
  let start = 0;
  let quoted = false;
  let fieldStart = true;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? newline : text.charCodeAt(at);
    if (code === quote && (quoted || fieldStart)) {
      quoted = !quoted;
      fieldStart = false;
    } else if (code === quote) {
      // The second quote of a doubled one opens the field again.
      quoted = text.charCodeAt(at - 1) === quote;
    } else if (code === newline && (!quoted || at === text.length)) {
      const end = Math.min(at + 1, text.length);
      if (end > start)
        blocks.push({
          start,
          end,
          kind: "record",
          headings: [],
          opens: false,
          ...(header === undefined ? {} : { context: header }),
        });
      header ??= text.slice(start, Math.min(at, start + 600)).trim();
      start = end;
      fieldStart = true;
      quoted = false;
    } else fieldStart = code === delimiter && !quoted;
  }
  return { blocks, state: { ...before, header } };
};

/** Reads JSON and JSON Lines: a block ends where a value of one of the outer three levels ends; headings are the keys around it. */
export const scanJson: Scanner = (text, before) => {
  const blocks: Block[] = [];
  const keys: string[] = [];
  let start = 0;
  let headings: readonly string[] = [];
  let depth = 0;
  let lastString = "";
  const cut = (end: number): void => {
    if (end <= start) return;
    blocks.push({ start, end, kind: "record", headings, opens: false });
    start = end;
    headings = keys.slice(0, Math.max(0, depth)).filter((key) => key !== "");
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = stringEnd(text, at);
      lastString = text.slice(at + 1, Math.min(end, at + 120));
      at = end;
    } else if (code === 58 && depth > 0 && depth <= 3) keys[depth - 1] = lastString;
    else if (code === 123 || code === 91) keys.length = Math.min(keys.length, ++depth);
    else if (code === 125 || code === 93) depth = Math.max(0, depth - 1);
    else if ((code === 44 && depth <= 3) || (code === newline && depth === 0)) {
      if (code === 44) keys.length = Math.min(keys.length, Math.max(0, depth - 1));
      cut(text.charCodeAt(at + 1) === newline ? at + 2 : at + 1);
    }
  }
  cut(text.length);
  return { blocks, state: before };
};

/** Finds the closing quote of a string; a string that never closes ends at its line's end. */
function stringEnd(text: string, at: number): number {
  for (let index = at + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 92) index++;
    else if (code === quote) return index;
    else if (code === newline) return index - 1;
  }
  return text.length;
}
