import { expect, test } from "vitest";
import { initialState } from "./block.ts";
import { chunkPart } from "./chunk.ts";
import { checkCitations } from "./citation.ts";
import { decodeEntities } from "./entities.ts";
import { scannerOf } from "./format.ts";
import { htmlToText, scanHtml } from "./html.ts";
import { fold, queryTerms, subtokensOf, wordsOf } from "./words.ts";

const size = 200_000;
/** Is what any of these texts may take; the slow ones took seconds to hours. Units: milliseconds. */
const most = 700;
const beginnings = ["", "a", "# ", "|", "-", ".", "---\ntitle: ", "<a ", "  m(", "impl<", "pub(", "const a: "];
const units = (
  "a|A|1| |\t|\n|\n |\r\n|.|!|?|\"|'|`|~|(|)|): |): :|{|}|[|]|[a,|[a |[a](|<|>|<a |<a \"|<a '|<a \"'|<a>|</a|<!--|<![CDATA[|<?|<script>|<h1>|<title>|" +
  '&|&#|&amp|#|# |-|--|- |= |:|; |\\|\\\\|/*|* |_|__|\u201d|。|aB|ABc|class a\n|class a {\n|function f( |  m() {\n|x\n class a\n|/// x\n|a(b) |a,|"a":|,\n'
).split("|");
const endings = ["", "x", '"', "=", "\n---\n", "{"];
const lengths = [size, 1990, 290];
const known = [
  `# ${" ".repeat(1980)}x`,
  `${"`".repeat(1980)}x\``,
  `a|b\n-${" ".repeat(1900)}x`,
  `---\ntitle: a${" ".repeat(19_000)}x\n---`,
  `  a(): ${" ".repeat(280)}= {`,
  `x.${")".repeat(size)} y`,
  `# ${"[".repeat(600)}`,
];

/** Gives each unit repeated, behind and before other text, as one line and as lines just below the readers' limits. */
function* hostileTexts(): Generator<{ readonly name: string; readonly text: string }> {
  for (const [index, line] of known.entries())
    yield { name: `known ${index}`, text: `${line}\n`.repeat(Math.ceil(size / line.length)) };
  for (const [index, unit] of [...units, "|", "|-", "| - ", "-|", "a|"].entries()) {
    for (const [turn, length] of lengths.entries()) {
      const beginning = beginnings[(index + turn) % beginnings.length] ?? "";
      const ending = endings[(index * 5 + turn) % endings.length] ?? "";
      const line = beginning + unit.repeat(Math.ceil(length / unit.length)) + ending;
      const text = `${line}\n`.repeat(Math.ceil(size / line.length));
      yield { name: JSON.stringify([beginning, unit, ending, length]), text };
    }
  }
}

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  html: (text) => {
    const html = htmlToText(text);
    return chunkPart(html.text, { scan: scanHtml(html), state: initialState });
  },
  markdown: (text) => chunkPart(text, { scan: scannerOf("markdown"), state: initialState }),
  code: (text) => chunkPart(text, { scan: scannerOf("code"), state: initialState }),
  json: (text) => chunkPart(text, { scan: scannerOf("json"), state: initialState }),
  csv: (text) => chunkPart(text, { scan: scannerOf("csv"), state: initialState }),
  text: (text) => chunkPart(text, { scan: scannerOf("text"), state: initialState }),
  words: (text) => [queryTerms(text), subtokensOf(text), wordsOf(fold(text)), decodeEntities(text)],
  answer: (text) => checkCitations(`${text} [p1]`, [{ id: "p1", source: "/a", startLine: 1, text: "a a a b" }]),
  marks: (text) => checkCitations(text, []),
  passage: (text) =>
    checkCitations("The word of the walnut (a). [p1]", [{ id: "p1", source: "/a", startLine: 1, text }]),
};

test.each(Object.keys(readers))(
  "no text of 200 KB takes the reader of %s long",
  (name) => {
    const slow: string[] = [];
    for (const { name: text, text: hostile } of hostileTexts()) {
      const begin = performance.now();
      readers[name]?.(hostile);
      const took = performance.now() - begin;
      if (took > most) slow.push(`${text}: ${Math.round(took)} ms`);
    }
    expect(slow).toEqual([]);
  },
  60_000,
);
