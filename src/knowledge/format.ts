import { basename, extname } from "node:path";
import type { Scanner } from "./block.ts";
import { scanCode } from "./scan-code.ts";
import { scanMarkdown } from "./scan-markdown.ts";
import { scanCsv, scanJson } from "./scan-records.ts";
import { scanText } from "./scan-text.ts";

/** Names the ways in which documents are read. */
export type Format = "markdown" | "text" | "html" | "code" | "json" | "csv";

const extensions: Readonly<Record<Exclude<Format, "text">, string>> = {
  markdown: "md markdown mdx mdown mkd mdc",
  html: "html htm xhtml",
  json: "json jsonl ndjson json5 jsonc geojson ipynb webmanifest",
  csv: "csv tsv",
  code:
    "ts tsx mts cts js jsx mjs cjs py pyi rb go rs java kt kts scala swift c h cc cpp cxx hpp hh m mm cs fs php pl pm lua r jl dart ex exs erl hs clj cljs " +
    "sh bash zsh fish ps1 bat sql graphql gql proto vue svelte astro css scss sass less groovy gradle zig nim v sol tf hcl cmake mk elm ml mli vb pas asm s",
};
const byExtension = new Map<string, Format>();
for (const format of ["markdown", "html", "json", "csv", "code"] as const) {
  for (const extension of extensions[format].split(" ")) byExtension.set(`.${extension}`, format);
}

/** Tells how a file is read, by its name; what is not known is read as text. */
export function formatOf(path: string): Format {
  const name = basename(path).toLowerCase();
  if (/^(?:dockerfile|makefile|gnumakefile|rakefile|gemfile|jenkinsfile)$/.test(name)) return "code";
  return byExtension.get(extname(name)) ?? "text";
}

/** Gives the scanner of a format. HTML needs its text first; see `scanHtml`. */
export function scannerOf(format: Exclude<Format, "html">): Scanner {
  return { markdown: scanMarkdown, text: scanText, code: scanCode, json: scanJson, csv: scanCsv }[format];
}
