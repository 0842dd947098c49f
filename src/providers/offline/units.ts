import type { Passage } from "../passage.ts";
import { sentencesOf } from "./sentences.ts";

/** Says what a unit is: prose, an item of a list, a row of a table, or a block of code. */
export type UnitKind = "sentence" | "item" | "row" | "code";

/** Is the smallest piece of a passage that an answer can quote. `text` stands in the passage character for character. */
export interface Unit {
  readonly kind: UnitKind;
  readonly text: string;
  /** Place in the passage's sequence of units. */
  readonly index: number;
  /** What surrounds and explains it: headings above it in the passage, the item it hangs under, the head of its table. */
  readonly context: string;
}

/** Is a line of a passage with the place of its first character. */
interface Line {
  readonly text: string;
  readonly start: number;
}

interface Reading {
  readonly lines: readonly Line[];
  readonly source: string;
  readonly units: Unit[];
  readonly headings: { level: number; text: string }[];
  /** The list items that the next one may hang under. */
  readonly parents: { indent: number; text: string }[];
  lead: string;
  /** True once a comment was found to have no end: then no later one has. */
  tornComment: boolean;
}

/*
 * Lines come from documents that nobody has looked at, and may be as long as these. Each pattern reads a line in linear time:
 * no two neighbouring repetitions match the same character, and none is tried again from every place of a run.
 */
const fence = /^\s*(`{3,}|~{3,})/;
const heading = /^(#{1,6})\s+(.*)$/s;
const listItem = /^(\s*)(?:[-*+]|\d{1,3}[.)])\s+\S/;
const ruleMarks = /^[\s:|-]*$/;
const noise =
  /^\s*(?:<!--.*|-->\s*|\[[^\]]+\]:\s.*|[-=*_]{3,}\s*|(?:\[?!\[[^\]]*\]\([^)]*\)(?:\]\([^)]*\))?\s*)+|<\/?[a-z][^>]*>\s*)$/is;
const decoration = /<[^<>]*>|\[?!\[[^[\]]{0,400}\]\([^()]{0,2000}\)(?:\]\([^()]{0,2000}\))?/g;
const linkItem = /^\s*(?:[-*+]|\d+[.)])\s+\[[^\]]*\]\(#[^)]*\)\s*$/;
const codeSource = /\.(?:[cm]?[jt]sx?|json|ya?ml|toml|py|rb|go|rs|java|kt|c|h|cc|cpp|cs|php|sh|sql|css)$/i;
const maxItemChars = 700;
const maxBlockLines = 24;
const maxContextChars = 1_000;
const maxParents = 8;

/** Cuts a passage into units; Markdown in prose files, blocks between blank lines in source code. */
export function unitsOf(passage: Passage): Unit[] {
  const reading: Reading = {
    lines: linesOf(passage.text),
    source: passage.text,
    units: [],
    headings: [],
    parents: [],
    lead: "",
    tornComment: false,
  };
  let at = 0;
  const isCode = codeSource.test(passage.source);
  if (!isCode) at = readTornFence(reading);
  while (at < reading.lines.length) at = isCode ? readBlock(reading, at) : readMarkdown(reading, at);
  return reading.units;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const line of text.split("\n")) {
    lines.push({ text: line.replace(/\r$/, ""), start });
    start += line.length + 1;
  }
  return lines;
}

function readMarkdown(reading: Reading, at: number): number {
  const text = reading.lines[at]?.text ?? "";
  if (text.trim() === "") return at + 1;
  if (/^\s*<!--/.test(text)) return readComment(reading, at);
  if (fence.test(text)) return readFence(reading, at);
  const title = heading.exec(text);
  if (title) return readHeading(reading, at, title);
  if (noise.test(text) || linkItem.test(text)) return at + 1;
  if (isTableRow(text)) return readTable(reading, at);
  if (listItem.test(text)) return readItem(reading, at);
  return readParagraph(reading, at);
}

function readHeading(reading: Reading, at: number, title: RegExpExecArray): number {
  const level = title[1]?.length ?? 1;
  while ((reading.headings.at(-1)?.level ?? 0) >= level) reading.headings.pop();
  reading.headings.push({ level, text: bounded(title[2] ?? "") });
  reading.lead = "";
  return at + 1;
}

function readComment(reading: Reading, at: number): number {
  let last = at;
  while (!reading.tornComment && last < reading.lines.length && !(reading.lines[last]?.text ?? "").includes("-->"))
    last++;
  reading.tornComment ||= last === reading.lines.length;
  // A comment whose end was cut off hides its own line only.
  return reading.tornComment ? at + 1 : last + 1;
}

function readFence(reading: Reading, at: number): number {
  const mark = fence.exec(reading.lines[at]?.text ?? "")?.[1] ?? "```";
  let last = at + 1;
  while (last < reading.lines.length && !(reading.lines[last]?.text ?? "").trim().startsWith(mark)) last++;
  add(reading, "code", { from: at, to: Math.min(last, reading.lines.length - 1) });
  return last + 1;
}

/** Reads a block of code whose beginning was cut off: an odd number of fences, the first of which opens nothing. */
function readTornFence(reading: Reading): number {
  const fences = reading.lines.flatMap((line, place) => (fence.test(line.text) ? [place] : []));
  const first = fences[0];
  if (first === undefined || fences.length % 2 === 0 || !/^\s*[`~]+\s*$/.test(reading.lines[first]?.text ?? ""))
    return 0;
  // A block at the very beginning, or after prose that announces it, is one whose end was cut off.
  if (
    first === 0 ||
    /:\s*$/.test(reading.lines.slice(0, first).findLast((line) => line.text.trim() !== "")?.text ?? "")
  )
    return 0;
  if (reading.lines.slice(0, first).some((line) => heading.test(line.text))) return 0;
  add(reading, "code", { from: 0, to: first });
  return first + 1;
}

function readTable(reading: Reading, at: number): number {
  const head = reading.lines[at]?.text ?? "";
  let row = at;
  const hasHead = isTableRule(reading.lines[at + 1]?.text ?? "");
  if (hasHead) row = at + 2;
  for (; row < reading.lines.length && isTableRow(reading.lines[row]?.text ?? ""); row++) {
    if (!isTableRule(reading.lines[row]?.text ?? ""))
      add(reading, "row", { from: row, to: row, above: hasHead ? bounded(head) : "" });
  }
  return Math.max(row, at + 1);
}

function isTableRow(line: string): boolean {
  const text = line.trim();
  return text.length > 1 && text.startsWith("|") && text.endsWith("|");
}

function isTableRule(line: string): boolean {
  return line.includes("--") && ruleMarks.test(line);
}

function readItem(reading: Reading, at: number): number {
  const indent = indentOf(reading.lines[at]?.text ?? "");
  let last = at;
  while (continues(reading.lines[last + 1]?.text, indent)) last++;
  const { parents } = reading;
  while ((parents.at(-1)?.indent ?? -1) >= indent) parents.pop();
  const above = parents.slice(-maxParents).map((each) => each.text);
  parents.push({ indent, text: bounded(reading.lines[at]?.text ?? "") });
  add(reading, "item", { from: at, to: last, above: [reading.lead, ...above].join(" ") });
  return last + 1;
}

function continues(next: string | undefined, indent: number): boolean {
  if (next === undefined || next.trim() === "") return false;
  if (listItem.test(next) || fence.test(next) || heading.test(next) || isTableRow(next)) return false;
  return indentOf(next) > indent || !/^\s/.test(next);
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}

function readParagraph(reading: Reading, at: number): number {
  let last = at;
  for (let next = reading.lines[last + 1]?.text; next !== undefined; next = reading.lines[last + 1]?.text) {
    if (
      next.trim() === "" ||
      fence.test(next) ||
      heading.test(next) ||
      isTableRow(next) ||
      listItem.test(next) ||
      noise.test(next)
    )
      break;
    last++;
  }
  const before = reading.units.length;
  add(reading, "sentence", { from: at, to: last });
  const lead = reading.units.at(-1)?.text ?? "";
  reading.lead = reading.units.length > before && lead.trimEnd().endsWith(":") ? bounded(lead) : "";
  return last + 1;
}

function readBlock(reading: Reading, at: number): number {
  let last = at;
  if ((reading.lines[at]?.text ?? "").trim() === "") return at + 1;
  while (
    last + 1 < reading.lines.length &&
    last - at < maxBlockLines &&
    (reading.lines[last + 1]?.text ?? "").trim() !== ""
  )
    last++;
  add(reading, "code", { from: at, to: last });
  return last + 1;
}

/** Keeps of a text that explains others what fits beside each of them. */
function bounded(text: string): string {
  return text.slice(0, maxContextChars);
}

/** Tells text from decoration: badges, images and tags alone are nothing to quote. */
function saysSomething(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text.replace(decoration, ""));
}

/** Adds the lines as one unit, or prose as its sentences. */
function add(reading: Reading, kind: UnitKind, span: { from: number; to: number; above?: string }): void {
  const first = reading.lines[span.from];
  const last = reading.lines[span.to];
  if (first === undefined || last === undefined) return;
  const raw = reading.source.slice(first.start, last.start + last.text.length);
  const context = bounded([...reading.headings.map((each) => each.text), span.above ?? ""].join(" ").trim());
  const isProse = kind === "sentence" || (kind === "item" && raw.length > maxItemChars);
  const pieces = isProse ? sentencesOf(raw) : [kind === "code" ? raw.trimEnd() : raw.trim()];
  for (const piece of pieces) {
    const text = kind === "sentence" ? piece.replace(/^(?:>\s?(?:\[![A-Z]+\]\s*)?)+/, "").trim() : piece;
    if (saysSomething(text)) reading.units.push({ kind, text, index: reading.units.length, context });
  }
}
