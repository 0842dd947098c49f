import type { Language, Token } from "./scan-tokens.ts";

/** Is a function with its cyclomatic complexity: 1 and one more for each decision. `line` is where its body begins. */
export interface FunctionComplexity {
  readonly line: number;
  readonly complexity: number;
}

const decisions = new Set([
  "if",
  "for",
  "foreach",
  "while",
  "case",
  "catch",
  "elif",
  "except",
  "and",
  "or",
  "guard",
  "until",
  "&&",
  "||",
  "??",
  "&&=",
  "||=",
  "??=",
]);
const onlyIndented = new Set(["elif", "except", "and", "or", "until", "guard"]);
const controls = new Set(["if", "for", "foreach", "while", "switch", "catch", "with", "await", "elseif"]);
/** Where these are words of the language; elsewhere they are names. */
const otherControls = new Set(["synchronized", "lock", "using", "fixed", "match"]);
const functionWords = new Set(["func", "fn", "fun", "init", "deinit"]);
/** What may stand between a list of parameters and the body, beside words and strings: parts of a type. */
const afterParameters = new Set([":", "<", ">", ".", ",", "|", "&", "[", "]", "*", "?", "->", "::", "=>"]);
const beforeBody = new Set([")", ">", "]", "}", "&"]);
/** What stands before braces that are a type. */
const beforeType = new Set([":", "<", "|", "&", ",", "=>"]);
const maxTypeTokens = 120;
const notAfterParameters = new Set([
  "as",
  "satisfies",
  "return",
  "else",
  "do",
  "try",
  "finally",
  "in",
  "of",
  "new",
  "class",
  "interface",
  "enum",
]);
/** What shows that a question mark marks a type or a parameter as one that may be missing. */
const afterOptional = new Set([":", ")", ",", "=", ";", "}", "]", ">", ".", "{"]);

/**
 * Measures each function. An arrow function that is an expression belongs to the function around it; what is outside of all functions
 * is not counted.
 */
export function complexities(tokens: readonly Token[], language: Language): readonly FunctionComplexity[] {
  if (language.functions === "indentation") return byIndentation(tokens, language);
  return language.functions === "none" ? [] : byBraces(tokens, language);
}

interface Open {
  readonly line: number;
  /** Of a function; undefined for any other block. */
  complexity: number | undefined;
}

function byBraces(tokens: readonly Token[], language: Language): readonly FunctionComplexity[] {
  const found: FunctionComplexity[] = [];
  const open: Open[] = [];
  let pending = false;
  for (const [index, token] of tokens.entries()) {
    const { text, line, kind } = token;
    if (kind === "string") continue;
    if (functionWords.has(text)) pending = true;
    if (text === ";" || text === "}") pending = false;
    if (text === "{") {
      const begins = language.functions === "keyword" ? pending : beginsBody(tokens, index, language);
      pending = false;
      open.push({ line, complexity: begins ? 1 : undefined });
    } else if (text === "}") {
      const closed = open.pop();
      if (closed?.complexity !== undefined) found.push({ line: closed.line, complexity: closed.complexity });
    } else if (isDecision(tokens, index, language)) {
      const around = open.findLast(({ complexity }) => complexity !== undefined);
      if (around?.complexity !== undefined) around.complexity++;
    }
  }
  return found;
}

/** Tells whether a brace opens the body of a function: after an arrow, or after a list of parameters and what may follow one. */
function beginsBody(tokens: readonly Token[], brace: number, { script }: Language): boolean {
  const last = tokens[brace - 1];
  if (last?.text === "=>") return true;
  if (last === undefined || (last.kind === "mark" && !beforeBody.has(last.text))) return false;
  const end = endOfParameters(tokens, brace);
  const start = end === undefined ? 0 : openingOf(tokens, end, "()");
  const name = tokens[start - 1];
  return (
    start > 0 &&
    name !== undefined &&
    (!(controls.has(name.text) || (!script && otherControls.has(name.text))) || tokens[start - 2]?.text === ".")
  );
}

/** Walks back over a type, or words such as `const` and `throws`, to the end of a list of parameters. */
function endOfParameters(tokens: readonly Token[], brace: number): number | undefined {
  for (let at = brace - 1; at > 0 && at > brace - maxTypeTokens; at--) {
    const { kind, text } = tokens[at] ?? { kind: "mark", text: "" };
    const next = tokens[at + 1]?.text ?? "";
    if (text === ")" && next === "=>") at = openingOf(tokens, at, "()");
    else if (text === ")") return next === "," || next === "|" || next === "&" || next === "." ? undefined : at;
    else if (text === "}") {
      at = openingOf(tokens, at, "{}");
      if (!beforeType.has(tokens[at - 1]?.text ?? "")) return undefined;
    } else if (kind === "word" ? notAfterParameters.has(text) : kind === "mark" && !afterParameters.has(text))
      return undefined;
  }
  return undefined;
}

function openingOf(tokens: readonly Token[], closing: number, pair: "()" | "{}"): number {
  const [open, close] = pair;
  let depth = 0;
  for (let at = closing; at >= 0; at--) {
    if (tokens[at]?.text === close) depth++;
    if (tokens[at]?.text === open && --depth === 0) return at;
  }
  return -1;
}

function isDecision(tokens: readonly Token[], index: number, language: Language): boolean {
  const token = tokens[index];
  const [before, after] = [tokens[index - 1], tokens[index + 1]];
  if (token === undefined) return false;
  if (token.text === "?") return isTernary(token, before, after);
  if (token.kind === "mark" && token.text === "||" && language.functions === "keyword")
    return !["(", ",", "="].includes(before?.text ?? "(");
  if (!decisions.has(token.text)) return false;
  if (token.kind !== "word") return true;
  if (onlyIndented.has(token.text) && language.functions === "braces") return false;
  return before?.text !== "." && before?.text !== "?." && ![":", ",", "=", ")"].includes(after?.text ?? "");
}

function isTernary(token: Token, before: Token | undefined, after: Token | undefined): boolean {
  if (
    after === undefined ||
    before === undefined ||
    (after.kind === "mark" && afterOptional.has(after.text) && !(after.text === "{" && token.spaced))
  )
    return false;
  // `name?(` is a method that may be missing.
  return token.spaced || after.spaced || after.text !== "(";
}

function byIndentation(tokens: readonly Token[], language: Language): readonly FunctionComplexity[] {
  const found: FunctionComplexity[] = [];
  const open: { readonly line: number; readonly column: number; complexity: number }[] = [];
  let [depth, line] = [0, 0];
  const close = (column: number): void => {
    for (let last = open.at(-1); last !== undefined && column <= last.column; last = open.at(-1)) {
      open.pop();
      found.push({ line: last.line, complexity: last.complexity });
    }
  };
  for (const [index, token] of tokens.entries()) {
    const first = depth === 0 && token.line !== line;
    line = token.line;
    if (first) close(token.column);
    if (["(", "[", "{"].includes(token.text)) depth++;
    if ([")", "]", "}"].includes(token.text)) depth = Math.max(0, depth - 1);
    if (token.text === "def" && token.kind === "word") {
      const column = tokens[index - 1]?.text === "async" ? (tokens[index - 1]?.column ?? 0) : token.column;
      open.push({ line, column, complexity: 1 });
    }
    const around = open.at(-1);
    if (around && token.text !== "?" && isDecision(tokens, index, language)) around.complexity++;
  }
  close(-1);
  return found;
}
