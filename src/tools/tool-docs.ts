import type { JsonObject, JsonValue } from "../base/index.ts";
import { isJsonObject, jsonSchemaOf } from "../base/index.ts";
import { exampleProblems } from "./invoke.ts";
import type { AnyTool, ToolExample } from "./tool.ts";

/** Is one field of what a tool takes or gives. */
export interface ToolField {
  /** Dotted; `[]` behind a list whose items it is a part of. */
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** What its schema says in words, with its limits. */
  readonly description: string;
}

/** Is the documentation of one tool, as data. Units: `timeoutMs` milliseconds. */
export interface ToolDoc {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly agents: readonly string[];
  readonly permissions: readonly string[];
  readonly requires: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly idempotent: boolean | null;
  readonly approval: "never" | "always" | "sometimes";
  /** JSON Schemas; null where the library that made a schema cannot write it so. */
  readonly input: JsonObject | null;
  readonly output: JsonObject | null;
  readonly examples: readonly ToolExample[];
  /** Are sentences about examples that the tool's own schemas refuse. */
  readonly problems: readonly string[];
}

/** Describes a tool from its own definition. `agents` are those that have it. */
export async function describeTool(tool: AnyTool, agents: readonly string[] = []): Promise<ToolDoc> {
  const { name, version, description, permissions, requires, timeoutMs, idempotent = null, approval, examples } = tool;
  const input = schemaOf(tool, "input");
  const output = schemaOf(tool, "output");
  const problems = await exampleProblems(tool);
  const said = { name, version, description, agents, permissions, requires, timeoutMs, idempotent, approval };
  return { ...said, input, output, examples, problems };
}

function schemaOf(tool: AnyTool, part: "input" | "output"): JsonObject | null {
  const schema = tool[part];
  if (schema === undefined) return null;
  try {
    return jsonSchemaOf(schema, `the ${part} of ${tool.name}`);
  } catch {
    // A schema by hand, or of a library without the trait: the tool works, only its form cannot be told.
    return null;
  }
}

/** Lists the fields of a JSON Schema, those inside others after them. */
export function fieldsOf(schema: JsonObject): readonly ToolField[] {
  const found: ToolField[] = [];
  const visit = (value: JsonObject, prefix: string, depth: number): void => {
    const { properties, required } = value;
    const names = Array.isArray(required) ? required : [];
    for (const [name, field] of Object.entries(isJsonObject(properties) ? properties : {})) {
      if (!isJsonObject(field)) continue;
      const path = `${prefix}${name}`;
      found.push({ name: path, type: typeOf(field), required: names.includes(name), description: wordsOf(field) });
      if (depth >= 8) continue;
      visit(field, `${path}.`, depth + 1);
      if (isJsonObject(field["items"])) visit(field["items"], `${path}[].`, depth + 1);
    }
  };
  visit(schema, "", 0);
  return found;
}

function typeOf(field: JsonObject): string {
  const { type, items, anyOf, oneOf, enum: values, const: constant } = field;
  if (Array.isArray(values)) return values.map(asJson).join(" or ");
  if (constant !== undefined) return asJson(constant);
  const choices = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : undefined;
  if (choices) return [...new Set(choices.map((each) => (isJsonObject(each) ? typeOf(each) : "any")))].join(" or ");
  if (type === "array") return `list of ${isJsonObject(items) ? typeOf(items) : "any"}`;
  if (Array.isArray(type)) return type.map(String).join(" or ");
  return typeof type === "string" ? type : "any";
}

const limits: readonly (readonly [key: string, words: string])[] = [
  ["minimum", "at least"],
  ["exclusiveMinimum", "above"],
  ["maximum", "at most"],
  ["exclusiveMaximum", "below"],
  ["minLength", "characters at least"],
  ["maxLength", "characters at most"],
  ["minItems", "items at least"],
  ["maxItems", "items at most"],
  ["pattern", "matches"],
  ["format", "format"],
  ["default", "default"],
];

function wordsOf(field: JsonObject): string {
  const { description } = field;
  const said = limits.flatMap(([key, words]) => {
    const value = field[key];
    // Every whole number of a schema has these two: they say nothing.
    const isNoLimit = typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER;
    return value === undefined || isNoLimit ? [] : [`${words} ${asJson(value)}`];
  });
  return [
    ...(typeof description === "string" ? [description] : []),
    ...(said.length > 0 ? [said.join(", ")] : []),
  ].join("; ");
}

/** Writes the documentation of tools as a page of Markdown. Order: as given. */
export function renderToolDocs(docs: readonly ToolDoc[]): string {
  const index = docs.map(
    ({ name, version, description }) =>
      `| [${name}](#${anchor(name)}) | ${version} | ${cell(firstLine(description))} |`,
  );
  return (
    [
      "# Tools",
      ...(docs.length === 0
        ? ["There are none."]
        : [["| tool | version | what it does |", "| --- | --- | --- |", ...index].join("\n")]),
      ...docs.map(renderTool),
      "",
    ]
      .join("\n\n")
      .trimEnd() + "\n"
  );
}

function renderTool(doc: ToolDoc): string {
  const { name, version, description, permissions, requires, timeoutMs, idempotent, approval, agents } = doc;
  const needs = Object.entries(requires).map(([other, range]) => `\`${other}\` ${range}`);
  const facts = [
    ["version", version],
    ["permissions", permissions.map((each) => `\`${each}\``).join(", ") || "none"],
    ["time limit", `${timeoutMs.toLocaleString("en-US")} ms`],
    ["approval by a person", approval],
    ["may be repeated", idempotent === null ? "not said" : idempotent ? "yes" : "no"],
    ["requires", needs.join(", ") || "nothing"],
    ["agents that have it", agents.join(", ") || "none"],
  ].map(([what, value]) => `| ${what} | ${cell(value ?? "")} |`);
  return [
    `## ${name}`,
    ...(description === "" ? [] : [text(description)]),
    ["| | |", "| --- | --- |", ...facts].join("\n"),
    "### Input",
    renderSchema(doc.input, "The form of the input is checked, but cannot be told."),
    ...(doc.output === null ? [] : ["### Output", renderSchema(doc.output, "")]),
    ...doc.examples.map(renderExample),
    ...(doc.problems.length === 0 ? [] : [doc.problems.map((each) => `> ${text(each)}.`).join("\n")]),
  ].join("\n\n");
}

function renderSchema(schema: JsonObject | null, otherwise: string): string {
  if (schema === null) return otherwise;
  const rows = fieldsOf(schema).map(
    (field) =>
      `| \`${field.name}\` | ${cell(field.type)} | ${field.required ? "yes" : "no"} | ${cell(field.description)} |`,
  );
  if (rows.length > 0) return ["| field | type | needed | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
  const type = typeOf(schema);
  return type === "object"
    ? "It has no fields."
    : `${[cell(type), cell(wordsOf(schema))].filter((part) => part !== "").join("; ")}.`;
}

function renderExample({ title, input, output }: ToolExample): string {
  const data = (what: string, value: unknown): string => `${what}:\n\n${fenced(JSON.stringify(value, undefined, 2))}`;
  return [
    `### Example${title === undefined ? "" : `: ${text(firstLine(title))}`}`,
    data("Input", input),
    ...(output === undefined ? [] : [data("Output", output)]),
  ].join("\n\n");
}

/** Puts a text in a fence that is longer than any inside it. */
function fenced(body: string): string {
  const longest = Math.max(2, ...[...body.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}json\n${body}\n${fence}`;
}

function anchor(name: string): string {
  return name.toLowerCase();
}

function firstLine(description: string): string {
  return description.split("\n", 1)[0] ?? "";
}

/** Keeps words of a tool from being read as headings, fences or HTML. */
function text(words: string): string {
  return words
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll("<", "&lt;")
    .replaceAll(/^([ \t]*)(?=#|>|`{3}|~{3}|=+[ \t]*$|-+[ \t]*$)/gm, "$1\\");
}

function cell(words: string): string {
  return words
    .replaceAll("<", "&lt;")
    .replaceAll("|", "\\|")
    .replaceAll(/\s*[\r\n]\s*/g, " ");
}

function asJson(value: JsonValue): string {
  return JSON.stringify(value);
}
