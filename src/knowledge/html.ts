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
const token =
  /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|<[!?][^>]*(?:>|$)|<(\/?)([a-zA-Z][^\s/>]*)(?:[^>"']|"[^"]*"|'[^']*')*(?:>|$)/g;

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
  token.lastIndex = 0;
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    html.tag(match, token.lastIndex);
    token.lastIndex = html.position;
  }
  return html.finish();
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

  tag(match: RegExpExecArray, end: number): void {
    this.put(decodeEntities(this.source.slice(this.position, match.index)));
    const name = (match[2] ?? "").toLowerCase();
    const closes = match[1] === "/";
    this.position = end;
    const lines = "\n".repeat(countLines(this.source, match.index, end));
    if (name === "title" || /^h[1-6]$/.test(name)) this.heading(name, closes);
    this.put(lines === "" && !inline.has(name) && name !== "" ? " " : lines);
    if (!closes && hidden.has(name) && !match[0].endsWith("/>")) this.skip(name);
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
