/** Is a word, a number, a string or a mark of a program. Units: `line` from 1; `column` from 0; `spaced` tells of blanks before it. */
export interface Token {
  readonly kind: "word" | "number" | "string" | "mark";
  readonly text: string;
  readonly line: number;
  readonly column: number;
  readonly spaced: boolean;
}

/** Is what a scan of a program finds. */
export interface Scan {
  readonly tokens: readonly Token[];
  readonly comments: readonly string[];
}

/** Tells how a language writes comments, strings and functions: with braces, with a keyword and braces, by indentation, or otherwise. */
export interface Language {
  readonly functions: "braces" | "keyword" | "indentation" | "none";
  readonly comments: "slash" | "hash";
  /** Has templates with code in them, and patterns between slashes. */
  readonly script: boolean;
}

const braces: Language = { functions: "braces", comments: "slash", script: false };
const keyword: Language = { functions: "keyword", comments: "slash", script: false };
const script: Language = { functions: "braces", comments: "slash", script: true };
const languages: readonly (readonly [extensions: string, language: Language])[] = [
  ["js mjs cjs jsx ts mts cts tsx", script],
  ["java c h cc cpp cxx hpp hh cs php dart scala m mm groovy", braces],
  ["go rs swift kt kts", keyword],
  ["py pyi", { functions: "indentation", comments: "hash", script: false }],
  ["rb sh bash pl r jl ex exs", { functions: "none", comments: "hash", script: false }],
];

/** Gives the language of a file by the end of its name; undefined for what is no program. */
export function languageOf(path: string): Language | undefined {
  const extension = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
  return languages.find(([extensions]) => extensions.split(" ").includes(extension))?.[1];
}

const space = /\s+/y;
const word = /[\p{L}_$@][\p{L}\p{N}_$]*/uy;
const number = /\d[\w.]*/y;
const slashComment = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
const hashComment = /#[^\n]*/y;
const longString = /"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)/y;
// A quote that is not closed on its line is no string: an apostrophe in a text, a lifetime.
const quoted = /"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'/y;
const rawString = /`[^`]*`?/y;
const pattern = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const mark = /&&=|\|\|=|\?\?=|===|!==|&&|\|\||\?\?|\?\.(?!\d)|=>|->|::|[^]/y;

/** Finds the tokens and the comments of a program. It never fails: what it does not know is a mark. */
export function scanTokens(text: string, language: Language): Scan {
  const tokens: Token[] = [];
  const comments: string[] = [];
  /** How deep in braces each template is that is open. */
  const templates: number[] = [];
  let [at, line, lineStart, depth, spaced] = [0, 1, 0, 0, true];
  const take = (form: RegExp): string | undefined => {
    form.lastIndex = at;
    return form.exec(text)?.[0];
  };
  const pass = (piece: string): void => {
    at += piece.length;
    const breaks = piece.split("\n").length - 1;
    if (breaks === 0) return;
    line += breaks;
    lineStart = at - (piece.length - piece.lastIndexOf("\n") - 1);
  };
  const add = (kind: Token["kind"], piece: string): void => {
    tokens.push({ kind, text: piece, line, column: at - lineStart, spaced });
    spaced = false;
    pass(piece);
  };
  const comment = language.comments === "slash" ? slashComment : hashComment;
  const template = (): void => {
    const rest = templateText(text, at);
    add("string", text.slice(at, rest.end));
    if (rest.opens) templates.push(depth);
  };
  while (at < text.length) {
    const blank = take(space);
    const remark = blank === undefined ? take(comment) : undefined;
    if (blank !== undefined || remark !== undefined) {
      spaced = true;
      if (remark !== undefined) comments.push(remark);
      pass(blank ?? remark ?? "");
      continue;
    }
    if (language.script && text[at] === "`") {
      template();
      continue;
    }
    if (templates.length > 0 && text[at] === "}" && templates.at(-1) === depth) {
      templates.pop();
      template();
      continue;
    }
    const found = literal(language, tokens, take) ?? { kind: "mark" as const, piece: take(mark) ?? "" };
    if (found.piece === "{") depth++;
    if (found.piece === "}") depth--;
    add(found.kind, found.piece);
  }
  return { tokens, comments };
}

function literal(
  language: Language,
  before: readonly Token[],
  take: (form: RegExp) => string | undefined,
): { readonly kind: Token["kind"]; readonly piece: string } | undefined {
  const text =
    (language.comments === "hash" ? take(longString) : undefined) ??
    take(quoted) ??
    (language.script ? undefined : take(rawString)) ??
    (language.script && mayBePattern(before.at(-1)) ? take(pattern) : undefined);
  if (text !== undefined) return { kind: "string", piece: text };
  const name = take(word);
  if (name !== undefined) return { kind: "word", piece: name };
  const digits = take(number);
  return digits === undefined ? undefined : { kind: "number", piece: digits };
}

/** Finds where the text of a template ends: with it, or where code begins in it. The first character is what opened it. */
function templateText(text: string, from: number): { readonly end: number; readonly opens: boolean } {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "`") return { end: at + 1, opens: false };
    else if (text[at] === "$" && text[at + 1] === "{") return { end: at + 2, opens: true };
  }
  return { end: text.length, opens: false };
}

const beforePattern = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "new",
  "else",
  "do",
  "await",
  "yield",
]);

/** A slash divides after a value, and begins a pattern elsewhere. */
function mayBePattern(before: Token | undefined): boolean {
  if (before === undefined) return true;
  if (before.kind === "word") return beforePattern.has(before.text);
  return before.kind === "mark" && ![")", "]", "}"].includes(before.text);
}
