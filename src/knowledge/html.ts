import type { Block, Scanner } from "./block.ts";
import { countLines } from "./block.ts";
import { decodeEntities } from "./entities.ts";

const inline = new Set(
  "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strike strong sub sup time tt u var wbr".split(
    " ",
  ),
);
const hidden = new Set([
  "script",
  "style",
  "template",
  "noscript",
  "svg",
  "math",
  "iframe",
  "object",
  "textarea",
  "select",
]);
const tagStart = /<(\/?)([a-zA-Z][^\s/>]*)/y;

/** Is a heading found in HTML; `at` is its offset in the text. */
export interface HtmlHeading {
  readonly at: number;
  readonly level: number;
  readonly text: string;
}

/** Is the readable text of an HTML document. */
export interface HtmlText {
  /** Has exactly the lines of the source: line n of it comes from line n of the file. */
  readonly text: string;
  readonly title: string | undefined;
  readonly headings: readonly HtmlHeading[];
}

/**
 * Takes the markup off HTML, line for line, so that a place in the text is a place in the file.
 *
 * A scanner of its own because a parser gives the text without its lines; a test compares the words with those of htmlparser2.
 */
export function htmlToText(source: string): HtmlText {
  const html = new HtmlReader(source);
  const tags = new TagFinder(source);
  for (let tag = tags.next(0); tag !== undefined; tag = tags.next(html.position)) html.tag(tag);
  return html.finish();
}

interface Tag {
  readonly start: number;
  readonly end: number;
  /** In lower case; empty for a comment or a declaration. */
  readonly name: string;
  readonly closes: boolean;
}

/** Finds tags by hand: a regular expression would look at an open quote's rest of the text again from each `<`. */
class TagFinder {
  private readonly source: string;
  /** The quotes of which no other comes any more: they quote nothing. */
  private readonly lastOf: { [quote: string]: number };

  constructor(source: string) {
    this.source = source;
    this.lastOf = { '"': source.lastIndexOf('"'), "'": source.lastIndexOf("'") };
  }

  next(from: number): Tag | undefined {
    const { source } = this;
    for (let start = source.indexOf("<", from); start !== -1; start = source.indexOf("<", start + 1)) {
      const end = this.markupEnd(start);
      if (end !== undefined) return { start, end, name: "", closes: false };
      tagStart.lastIndex = start;
      const match = tagStart.exec(source);
      if (match === null) continue;
      const name = (match[2] ?? "").toLowerCase();
      return { start, end: this.tagEnd(tagStart.lastIndex), name, closes: match[1] === "/" };
    }
    return undefined;
  }

  /** Gives the end of a comment, a CDATA section or a declaration; undefined where none begins. */
  private markupEnd(start: number): number | undefined {
    if (this.source.startsWith("<!--", start)) return this.after("-->", start + 4);
    if (this.source.startsWith("<![CDATA[", start)) return this.after("]]>", start + 9);
    const second = this.source[start + 1];
    return second === "!" || second === "?" ? this.after(">", start + 2) : undefined;
  }

  /** Gives the end of a tag: the next `>` that stands in no quotes. */
  private tagEnd(from: number): number {
    const stop = /[>"']/g;
    stop.lastIndex = from;
    for (let match = stop.exec(this.source); match !== null; match = stop.exec(this.source)) {
      if (match[0] === ">") return stop.lastIndex;
      if (match.index < (this.lastOf[match[0]] ?? -1)) stop.lastIndex = this.after(match[0], stop.lastIndex);
    }
    return this.source.length;
  }

  private after(text: string, from: number): number {
    const at = this.source.indexOf(text, from);
    return at === -1 ? this.source.length : at + text.length;
  }
}

class HtmlReader {
  position = 0;
  private readonly source: string;
  private readonly parts: string[] = [];
  private length = 0;
  private readonly headings: HtmlHeading[] = [];
  private title: string | undefined;
  private open: { readonly name: string; readonly at: number; readonly part: number } | undefined;

  constructor(source: string) {
    this.source = source;
  }

  tag({ start, end, name, closes }: Tag): void {
    this.put(decodeEntities(this.source.slice(this.position, start)));
    this.position = end;
    const lines = "\n".repeat(countLines(this.source, start, end));
    if (name === "title" || /^h[1-6]$/.test(name)) this.heading(name, closes);
    this.put(lines === "" && !inline.has(name) && name !== "" ? " " : lines);
    if (!closes && hidden.has(name) && !this.source.startsWith("/>", end - 2)) this.skip(name);
  }

  /** Passes over an element whose content is not for reading; its lines are kept. */
  private skip(name: string): void {
    const close = new RegExp(`</${name}(?=[\\s/>]|$)`, "gi");
    close.lastIndex = this.position;
    const end = close.exec(this.source)?.index ?? this.source.length;
    this.put("\n".repeat(countLines(this.source, this.position, end)));
    this.position = end;
  }

  private heading(name: string, closes: boolean): void {
    const open = this.open;
    this.open = undefined;
    if (!closes) this.open = { name, at: this.length, part: this.parts.length };
    else if (open?.name === name) {
      const text = this.parts.slice(open.part).join("").replace(/\s+/g, " ").trim().slice(0, 200);
      if (text === "") return;
      if (name === "title") this.title ??= text;
      else this.headings.push({ at: open.at, level: Number(name[1]), text });
    }
  }

  private put(text: string): void {
    if (text === "") return;
    this.parts.push(text);
    this.length += text.length;
  }

  finish(): HtmlText {
    this.put(decodeEntities(this.source.slice(this.position)));
    return { text: this.parts.join(""), title: this.title ?? this.headings[0]?.text, headings: this.headings };
  }
}

/** Makes the scanner of one HTML text: a block runs from one heading to the next. */
export function scanHtml(html: HtmlText): Scanner {
  return (text, before) => {
    const blocks: Block[] = [];
    const path: { readonly level: number; readonly text: string }[] = [];
    let start = 0;
    const cut = (end: number): void => {
      if (end > start)
        blocks.push({
          start,
          end,
          kind: "text",
          headings: path.map((heading) => heading.text),
          opens: path.length > 0,
        });
      start = end;
    };
    for (const heading of html.headings) {
      cut(heading.at);
      while ((path.at(-1)?.level ?? 0) >= heading.level) path.pop();
      path.push(heading);
    }
    cut(text.length);
    return { blocks, state: { ...before, title: html.title } };
  };
}
