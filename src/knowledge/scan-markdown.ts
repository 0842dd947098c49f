import type { Block, BlockKind, ScanState, Scanner } from "./block.ts";
import { isBlank, lineAt } from "./block.ts";

const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#*)?[ \t]*$/;
const fenceOpen = /^[ \t]*(?:[-*+>][ \t]+|\d{1,9}[.)][ \t]+)*(`{3,}(?=[^`]*$)|~{3,})/;
const setext = /^ {0,3}(=+|-+)[ \t]*$/;
const tableRule = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*(?:\|[ \t]*)?$/;
const notParagraph = /^(?: {4}|\t| {0,3}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|\|))/;

/**
 * Reads Markdown line by line: headings, code fences, tables and paragraphs.
 *
 * A scanner of its own because a syntax tree costs some hundred times more and only block edges are needed; a test compares
 * its headings and fences with those of mdast.
 */
export const scanMarkdown: Scanner = (text, before) => {
  const scan = new MarkdownScan(text, before);
  let at = scan.skipFrontMatter();
  while (at < text.length) at = scan.line(at);
  return scan.finish();
};

class MarkdownScan {
  private readonly blocks: Block[] = [];
  private readonly headings: string[];
  private readonly levels: number[];
  private readonly text: string;
  private fence: string | undefined;
  private title: string | undefined;
  private header: string | undefined;
  private start = 0;
  private kind: BlockKind = "text";
  private blank = true;
  private previous = { start: 0, text: "" };

  constructor(text: string, before: ScanState) {
    this.text = text;
    this.headings = [...before.headings];
    this.levels = [...before.levels];
    this.fence = before.fence;
    this.title = before.title;
    if (before.fence !== undefined) this.kind = "code";
  }

  /** Leaves out YAML between `---` lines at the very top; its title is the document's. */
  skipFrontMatter(): number {
    if (this.title !== undefined || this.fence !== undefined || !/^---[ \t]*\r?\n/.test(this.text)) return 0;
    const close = /\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(this.text.slice(0, 20_000));
    if (close === null) return 0;
    const title = /^title:(.*)$/m.exec(this.text.slice(0, close.index))?.[1]?.trim() ?? "";
    const bare = /^(["'])(.+)\1$/.exec(title)?.[2] ?? title;
    if (bare !== "") this.title = bare;
    return close.index + close[0].length;
  }

  line(at: number): number {
    const { end, next } = lineAt(this.text, at);
    if (isBlank(this.text, at, end)) {
      if (this.fence === undefined) this.blank = true;
      return next;
    }
    const line = this.text.slice(at, Math.min(end, at + 2000));
    if (this.fence !== undefined) this.insideFence(line, next);
    else this.outsideFence(line, at, next);
    this.previous = { start: at, text: line };
    return next;
  }

  private insideFence(line: string, next: number): void {
    const trimmed = line.trim();
    const fence = this.fence ?? "";
    if (trimmed.length < fence.length || !trimmed.startsWith(fence) || trimmed.replaceAll(fence[0] ?? "", "") !== "")
      return;
    this.fence = undefined;
    this.cut(next, "text");
  }

  private outsideFence(line: string, at: number, next: number): void {
    const afterBlank = this.blank;
    this.blank = false;
    const heading = line.trimStart().startsWith("#") ? atx.exec(line) : null;
    if (heading) return this.heading(at, next, { level: heading[1]?.length ?? 1, raw: heading[2] ?? "" });
    const fence = fenceOpen.exec(line);
    if (fence?.[1] !== undefined && !/^(?: {4}|\t)/.test(line)) {
      this.fence = fence[1];
      return this.cut(at, "code");
    }
    if (fence?.[1] !== undefined && !afterBlank) {
      this.fence = fence[1];
      return this.cut(at, "code");
    }
    const under = afterBlank || this.kind !== "text" ? null : setext.exec(line);
    if (under?.[1] !== undefined && this.previous.start >= this.start && !notParagraph.test(this.previous.text)) {
      return this.heading(this.start, next, {
        level: under[1].startsWith("=") ? 1 : 2,
        raw: this.text.slice(this.start, at),
      });
    }
    this.plain(line, at, afterBlank);
  }

  private plain(line: string, at: number, afterBlank: boolean): void {
    if (
      this.kind === "text" &&
      !afterBlank &&
      line.includes("-") &&
      this.previous.text.includes("|") &&
      tableRule.test(line)
    ) {
      const header = `${this.previous.text.trim()}\n${line.trim()}`;
      this.cut(this.previous.start, "table");
      this.header = header.slice(0, 600);
    } else if (this.kind === "table" && (afterBlank || !line.includes("|"))) this.cut(at, "text");
    else if (afterBlank) this.cut(at, "text");
  }

  private heading(at: number, next: number, { level, raw }: { readonly level: number; readonly raw: string }): void {
    this.cut(at, "heading");
    const text = plainHeading(raw);
    while ((this.levels.at(-1) ?? 0) >= level) {
      this.levels.pop();
      this.headings.pop();
    }
    if (text !== "") {
      this.levels.push(level);
      this.headings.push(text);
      this.title ??= text;
    }
    this.cut(next, "text", level <= 3);
  }

  /** Ends the block that is open at `at` and opens one of this kind. */
  private cut(at: number, kind: BlockKind, opens = false): void {
    if (at > this.start) {
      this.blocks.push({
        start: this.start,
        end: at,
        kind: this.kind,
        headings: [...this.headings],
        opens: opens || this.kind === "heading",
        ...(this.header !== undefined && this.kind === "table" ? { context: this.header } : {}),
      });
    }
    this.start = at;
    this.kind = kind;
    this.header = undefined;
  }

  finish(): { blocks: readonly Block[]; state: ScanState } {
    this.cut(this.text.length, "text");
    const { headings, levels, fence, title } = this;
    return { blocks: this.blocks, state: { headings, levels, fence, title } };
  }
}

/** Takes the marks of links, images, code and emphasis off a heading. */
function plainHeading(raw: string): string {
  return raw
    .slice(0, 600)
    .replace(/<[^>]{1,200}>/g, "")
    .replace(/!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])/g, "$1")
    .replace(/[`*]+|(?<!\w)_+|_+(?!\w)/g, "")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200);
}
