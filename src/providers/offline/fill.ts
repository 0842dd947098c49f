import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import { writeAnswer, writeQuotes } from "./answer.ts";
import { alternativesOf, resolveSchema } from "./schema.ts";
import type { Finding, Quote } from "./select.ts";
import { stemsOf } from "./terms.ts";
import { dateIn, enumIn, fits, numberIn, truthIn } from "./values.ts";

/** Is what a schema is filled from. `fromGoal` reads what the user wrote (a tool's input), otherwise what was found. */
export interface FillSource {
  readonly goal: string;
  readonly findings: readonly Finding[];
  readonly fromGoal: boolean;
}

/** Is the outcome of filling a schema; `path` names the first required place that could not be filled. */
export type Filled = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly path: string };

interface Filling {
  /** Dotted path of the place that is filled now. */
  readonly path: string;
  readonly depth: number;
  readonly root: JsonObject;
  readonly source: FillSource;
  readonly quotes: readonly Quote[];
}

const wholeAnswer =
  /^(?:answer|text|result|output|response|content|report|summary|message|final_?answer|conclusion|explanation)$/i;
const sources = /^(?:sources?|citations?|references?|files?|documents?|evidence|quotes?)$/i;
const certainty = /^(?:confidence|score|certainty|probability)$/i;
const outcome = /^(?:is_?)?(?:answered|found|known|available|has_?answer)$/i;
const maxDepth = 8;

/** Fills a JSON Schema with what was found; every value stands in the text, and the whole follows required, type and enum. */
export function fillSchema(schema: JsonObject, source: FillSource): Filled {
  const quotes = source.findings.flatMap((finding) => finding.quotes);
  return fill(schema, { path: "", depth: 0, root: schema, source, quotes });
}

function fill(raw: JsonObject, filling: Filling): Filled {
  const { path, depth } = filling;
  const schema = resolveSchema(raw, filling.root);
  const missing: Filled = { ok: false, path };
  if (depth > maxDepth) return missing;
  if (schema["const"] !== undefined) return { ok: true, value: schema["const"] };
  if (isJsonObject(schema["properties"]) || schema["type"] === "object") return fillObject(schema, filling);
  if (schema["type"] === "array") return fillArray(schema, filling);
  const value = scalar(schema, filling);
  if (value !== undefined && fits(value, schema)) return { ok: true, value };
  if (schema["default"] !== undefined) return { ok: true, value: schema["default"] };
  if (allowsNull(raw)) return { ok: true, value: null };
  return missing;
}

function fillObject(schema: JsonObject, filling: Filling): Filled {
  const { path, depth } = filling;
  const required: readonly JsonValue[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const value: Record<string, JsonValue> = {};
  for (const [name, each] of Object.entries(isJsonObject(schema["properties"]) ? schema["properties"] : {})) {
    if (!isJsonObject(each)) continue;
    const inner = path === "" ? name : `${path}.${name}`;
    const filled = fill(each, { ...filling, path: inner, depth: depth + 1 });
    if (filled.ok) value[name] = filled.value;
    else if (required.includes(name)) return filled;
  }
  return { ok: true, value };
}

function fillArray(schema: JsonObject, filling: Filling): Filled {
  const { path, depth } = filling;
  const items = isJsonObject(schema["items"]) ? schema["items"] : {};
  const item = resolveSchema(items, filling.root);
  const values: JsonValue[] = [];
  for (const quote of candidates(filling)) {
    const filled = fill(items, { ...filling, quotes: [quote], depth: depth + 1 });
    if (filled.ok && filled.value !== null) values.push(filled.value);
  }
  const unique = [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
  const most = typeof schema["maxItems"] === "number" ? schema["maxItems"] : unique.length;
  const least = typeof schema["minItems"] === "number" ? schema["minItems"] : 0;
  const kept = unique.slice(0, most);
  if (kept.length < least || (item["type"] === undefined && kept.length === 0 && least > 0)) return { ok: false, path };
  return { ok: true, value: kept };
}

/** Gives the quotes that become items of a list: list items and rows when there are any, else every sentence. */
function candidates({ path, quotes }: Filling): readonly Quote[] {
  if (sources.test(nameOf(path))) return quotes;
  const listed = quotes.filter((quote) => quote.unit.kind === "item" || quote.unit.kind === "row");
  return listed.length > 0 ? listed : quotes;
}

function scalar(schema: JsonObject, filling: Filling): JsonValue | undefined {
  const { source, path } = filling;
  const name = nameOf(path);
  const text = nearest(schema, name, filling);
  if (Array.isArray(schema["enum"]))
    return enumIn(schema["enum"], source.fromGoal ? source.goal : `${text}\n${allText(filling)}`);
  switch (schema["type"]) {
    case "boolean":
      return outcome.test(name) ? source.findings.some((finding) => finding.answered) : truthIn(text);
    case "integer":
    case "number":
      return numberFor(schema, filling, text);
    case "string":
      return stringFor(schema, filling, text);
    default:
      return schema["type"] === undefined && text !== "" ? text : undefined;
  }
}

function numberFor(schema: JsonObject, filling: Filling, text: string): number | undefined {
  const name = nameOf(filling.path);
  const cited = filling.quotes[0]?.passage;
  if (cited !== undefined && /^start_?line$/i.test(name)) return cited.startLine;
  if (cited !== undefined && /^(?:end_?line)$/i.test(name)) return cited.endLine;
  if (certainty.test(name)) return Math.max(0, ...filling.source.findings.map((finding) => finding.confidence));
  return numberIn(
    text,
    `${name} ${typeof schema["description"] === "string" ? schema["description"] : ""} ${filling.source.goal}`,
    schema["type"] === "integer",
  );
}

function stringFor(schema: JsonObject, filling: Filling, text: string): string | undefined {
  const { source, quotes, path } = filling;
  const name = nameOf(path);
  const format = schema["format"];
  if (format === "date" || format === "date-time") return dateIn(text, format);
  if (source.fromGoal) return fromGoal(name, source.goal);
  const cited = quotes[0];
  if (/^(?:source|file|path|document|uri|url)s?$/i.test(name) && cited) return cited.passage.source;
  if (/^(?:id|passage_?id|citation_?id)$/i.test(name) && cited) return cited.passage.id;
  if (/^(?:question|goal|query)$/i.test(name)) return source.goal;
  if (wholeAnswer.test(name)) return writeAnswer(source.findings).text || undefined;
  if (cited && sources.test(name)) return path.includes(".") ? cited.unit.text : cited.passage.source;
  if (text === "") return undefined;
  return typeof schema["maxLength"] === "number" && text.length > schema["maxLength"] ? undefined : text;
}

/** Reads a tool's text argument from the goal: what is quoted, a `name: value`, else the goal as it stands for a free text. */
function fromGoal(name: string, goal: string): string | undefined {
  const spoken = name.replace(/(?<=\p{Ll})(?=\p{Lu})|_/gu, " ").toLowerCase();
  const named = new RegExp(
    `\\b${spoken.replace(/[^\p{L}\p{N}]+/gu, "\\W+")}\\b\\s*(?:is|=|:|of|to)?\\s*["'\`“]?([^"'\`”,;.?!\\n]+)`,
    "i",
  )
    .exec(goal)?.[1]
    ?.trim();
  if (named !== undefined && named !== "") return named;
  if (/^(?:query|question|text|prompt|goal|task|message|input)$/i.test(name)) return goal.trim() || undefined;
  return /["“`]([^"”`]+)["”`]/.exec(goal)?.[1];
}

/** Finds the quote whose words are nearest to a field's name and description. */
function nearest(schema: JsonObject, name: string, filling: Filling): string {
  if (filling.source.fromGoal) return filling.source.goal;
  const description = typeof schema["description"] === "string" ? schema["description"] : "";
  const wanted = stemsOf(`${name} ${description}`);
  let best: { text: string; shared: number } = { text: "", shared: -1 };
  for (const { unit } of filling.quotes) {
    const own = stemsOf(unit.text);
    const shared = [...wanted].filter((stem) => own.has(stem)).length;
    if (shared > best.shared) best = { text: unit.text, shared };
  }
  return best.text;
}

function allText({ quotes }: Filling): string {
  return writeQuotes(quotes);
}

function nameOf(path: string): string {
  return path.split(".").at(-1) ?? "";
}

function allowsNull(schema: JsonObject): boolean {
  if (schema["nullable"] === true || schema["type"] === "null") return true;
  if (Array.isArray(schema["type"])) return schema["type"].includes("null");
  return alternativesOf(schema).some((each) => isJsonObject(each) && each["type"] === "null");
}
