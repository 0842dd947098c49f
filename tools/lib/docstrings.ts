import type { ParseResult, Statement } from "oxc-parser";
import type { Source } from "./sources.ts";
import { lineAt, parse } from "./sources.ts";

/** Is one thing that a check found at one symbol of a source. */
export interface Fault {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly message: string;
}

/** Lists words that end in s and are no verb, seen at the start of docstrings. */
const nouns = new Set(["options", "settings", "this", "errors", "always", "arguments", "details", "events", "units"]);

/** Lists verbs in the third person that do not end in s. */
const verbs = new Set(["are"]);

/** Finds the exports of a source that have no docstring, or one that does not begin with a verb. Order: by line. */
export function findFaults(source: Source): readonly Fault[] {
  const parsed = parse(source);
  return exportsOf(parsed.program.body).flatMap(({ name, start }) => {
    const message = faultOf(docstringBefore(source.text, parsed, start));
    return message === undefined ? [] : [{ path: source.path, line: lineAt(source.text, start), name, message }];
  });
}

interface Exported {
  readonly name: string;
  readonly start: number;
}

/** Lists what a module exports with its own hands; what it passes on from elsewhere is documented there. */
function exportsOf(body: readonly Statement[]): readonly Exported[] {
  const local = new Map<string, number>();
  const found: Exported[] = [];
  for (const statement of body) {
    for (const name of namesOf(statement)) local.set(name, statement.start);
    if (statement.type === "ExportDefaultDeclaration") found.push({ name: "default", start: statement.start });
    if (statement.type !== "ExportNamedDeclaration") continue;
    if (statement.declaration) {
      for (const name of namesOf(statement.declaration)) found.push({ name, start: statement.start });
    }
  }
  for (const statement of body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.source !== null || statement.declaration) continue;
    for (const { local: item } of statement.specifiers) {
      const start = item.type === "Identifier" ? local.get(item.name) : undefined;
      if (item.type === "Identifier" && start !== undefined) found.push({ name: item.name, start });
    }
  }
  return dropOverloads(found);
}

/** Keeps the first of several declarations of one name: the docstring stands before the first overload. */
function dropOverloads(found: readonly Exported[]): readonly Exported[] {
  const seen = new Set<string>();
  return found.filter(({ name }) => !seen.has(name) && seen.add(name));
}

function namesOf(statement: Statement): readonly string[] {
  switch (statement.type) {
    case "VariableDeclaration":
      return statement.declarations.flatMap(({ id }) => (id.type === "Identifier" ? [id.name] : []));
    case "FunctionDeclaration":
    case "TSDeclareFunction":
    case "ClassDeclaration":
      return statement.id ? [statement.id.name] : [];
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSEnumDeclaration":
      return [statement.id.name];
    default:
      return [];
  }
}

function docstringBefore(text: string, parsed: ParseResult, start: number): string | undefined {
  const comment = parsed.comments.findLast((item) => item.end <= start);
  if (!comment || comment.type !== "Block" || !comment.value.startsWith("*")) return undefined;
  if (text.slice(comment.end, start).trim() !== "") return undefined;
  return comment.value
    .split("\n")
    .map((line) => line.replace(/^\s*\*+ ?/, ""))
    .join("\n")
    .trim();
}

function faultOf(docstring: string | undefined): string | undefined {
  if (docstring === undefined) return "has no docstring";
  const word = /^[A-Z][A-Za-z-]*(?=[\s,:;.])/.exec(docstring)?.[0].toLowerCase();
  if (word === undefined) return "has a docstring that does not begin with a capitalised word";
  const isVerb = verbs.has(word) || (word.endsWith("s") && !nouns.has(word));
  return isVerb ? undefined : `has a docstring that begins with "${word}", which is no verb in the third person`;
}
