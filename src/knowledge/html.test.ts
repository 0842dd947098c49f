import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Parser } from "htmlparser2";
import fc from "fast-check";
import { expect, test } from "vitest";
import { initialState } from "./block.ts";
import { htmlToText, scanHtml } from "./html.ts";

test("the text keeps the lines of its source and loses tags, scripts and comments", () => {
  const source =
    "<title>T &amp; U</title>\n<script>\nlet a = '<p>no</p>';\n</script>\n<p\n class='x>y'>One <b>bo</b>ld&#33;</p>\n<!-- no\n -->Two";
  const { text, title } = htmlToText(source);
  expect(text.split("\n").length).toBe(source.split("\n").length);
  expect(text.split("\n").map((line) => line.trim())).toEqual(["T & U", "", "", "", "", "One bold!", "", "Two"]);
  expect(title).toBe("T & U");
});

test("any text keeps its number of lines", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.constantFrom(
          "<p>",
          "</p>",
          "<b",
          ">",
          "\n",
          "a",
          "&lt;",
          "<!--",
          "-->",
          "<script>",
          "</script>",
          '"',
          "'",
          "<",
          "&#10;",
        ),
      ),
      (parts) => {
        const source = parts.join("");
        expect(htmlToText(source).text.split("\n").length).toBe(source.split("\n").length);
      },
    ),
  );
});

test("blocks follow the headings", () => {
  const html = htmlToText("<h1>A</h1>x<h2>B <i>c</i></h2>y<h2>D</h2>z");
  const { blocks } = scanHtml(html)(html.text, initialState);
  expect(blocks.map((block) => block.headings)).toEqual([["A"], ["A", "B c"], ["A", "D"]]);
});

test("the words are those of htmlparser2", () => {
  const root = join(import.meta.dirname, "../../node_modules");
  const pages = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".html"))
    .slice(0, 5);
  const samples = [
    ...pages.map((name) => readFileSync(join(root, name), "utf8").slice(0, 200_000)),
    "<ul><li>a<li>b &copy; c</ul><br/>d",
  ];
  for (const source of samples) expect(words(htmlToText(source).text)).toEqual(words(parsed(source)));
});

function parsed(source: string): string {
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
  const inline = new Set("a abbr b code em i span strong small sub sup u kbd label mark del".split(" "));
  let depth = 0;
  let text = "";
  const parser = new Parser({
    onopentag: (name) => void (hidden.has(name) ? depth++ : (text += inline.has(name) ? "" : " ")),
    onclosetag: (name) => void (hidden.has(name) ? depth-- : (text += inline.has(name) ? "" : " ")),
    ontext: (part) => void (depth === 0 ? (text += part) : undefined),
  });
  parser.end(source);
  return text;
}

function words(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

test("a quote that no other closes quotes nothing, so what follows its tag is kept", () => {
  expect(htmlToText('<p title=don\'t>kept</p><p title="x>y">and this</p>').text.split(/\s+/).filter(Boolean)).toEqual([
    "kept",
    "and",
    "this",
  ]);
  expect(htmlToText('<p title="open>kept').text.trim()).toBe("kept");
});
