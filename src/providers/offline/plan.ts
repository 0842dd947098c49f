import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { Question } from "./question.ts";
import { resolveSchema } from "./schema.ts";

const listName =
  /^(?:tasks?|sub_?tasks?|questions?|sub_?questions?|steps?|plan|todos?|goals|queries|nodes|work_?items)$/i;
const textName =
  /^(?:question|title|goal|description|task|query|objective|prompt|instructions?|name|text|input|summary|what)$/i;
const idName = /^(?:id|key|ref)$/i;
const dependsName = /depends|after|needs|requires|prerequisites|blocked/i;

/** Fills a plan's schema (a list of tasks, questions or steps) with the parts of a goal; nothing when the schema is no plan's. */
export function planOf(schema: JsonObject, goal: string, questions: readonly Question[]): JsonValue | undefined {
  const root = resolveSchema(schema, schema);
  if (root["type"] === "array" || isJsonObject(root["items"])) return listOf(root, schema, questions);
  const properties = isJsonObject(root["properties"]) ? root["properties"] : {};
  const required = Array.isArray(root["required"]) ? root["required"] : [];
  const filled: Record<string, JsonValue> = {};
  let found = false;
  for (const [name, each] of Object.entries(properties)) {
    if (!isJsonObject(each)) continue;
    const property = resolveSchema(each, schema);
    const list: JsonValue | undefined = listName.test(name) ? listOf(property, schema, questions) : undefined;
    if (list !== undefined) {
      filled[name] = list;
      found = true;
    } else if (required.includes(name)) {
      const value = plain(property, goal);
      if (value === undefined) return undefined;
      filled[name] = value;
    }
  }
  return found ? filled : undefined;
}

function listOf(list: JsonObject, root: JsonObject, questions: readonly Question[]): JsonValue | undefined {
  if (!isJsonObject(list["items"])) return undefined;
  const item = resolveSchema(list["items"], root);
  const max = typeof list["maxItems"] === "number" ? list["maxItems"] : questions.length;
  const least = typeof list["minItems"] === "number" ? list["minItems"] : 0;
  const kept = questions.slice(0, max);
  if (kept.length < least) return undefined;
  if (item["type"] === "string") return kept.map(selfContained);
  if (!isJsonObject(item["properties"]) || !Object.keys(item["properties"]).some((name) => textName.test(name)))
    return undefined;
  const made = kept.map((_, index) => taskOf(item, root, { questions: kept, index }));
  return made.includes(undefined) ? undefined : made.filter((task) => task !== undefined);
}

function taskOf(
  item: JsonObject,
  root: JsonObject,
  at: { questions: readonly Question[]; index: number },
): JsonObject | undefined {
  const question = at.questions[at.index];
  if (question === undefined) return undefined;
  const required = Array.isArray(item["required"]) ? item["required"] : [];
  const task: Record<string, JsonValue> = {};
  for (const [name, each] of Object.entries(isJsonObject(item["properties"]) ? item["properties"] : {})) {
    if (!isJsonObject(each)) continue;
    const property = resolveSchema(each, root);
    const value = fieldOf(name, property, { question, index: at.index });
    if (value !== undefined) task[name] = value;
    else if (required.includes(name)) return undefined;
  }
  return task;
}

function fieldOf(name: string, property: JsonObject, at: { question: Question; index: number }): JsonValue | undefined {
  const isNumeric = property["type"] === "integer" || property["type"] === "number";
  if (idName.test(name)) return isNumeric ? at.index + 1 : `q${at.index + 1}`;
  if (property["type"] === "array") {
    if (!dependsName.test(name) || !at.question.follows) return [];
    const items = property["items"];
    return [
      isJsonObject(items) && (items["type"] === "integer" || items["type"] === "number") ? at.index : `q${at.index}`,
    ];
  }
  return plain(property, selfContained(at.question));
}

/** Gives a value that says nothing of its own: the text, the first of an enumeration, the schema's default. */
function plain(property: JsonObject, text: string): JsonValue | undefined {
  if (property["default"] !== undefined) return property["default"];
  if (property["const"] !== undefined) return property["const"];
  if (Array.isArray(property["enum"])) {
    const lower = text.toLowerCase();
    const options: readonly JsonValue[] = property["enum"];
    return options.find((option) => typeof option === "string" && lower.includes(option.toLowerCase())) ?? options[0];
  }
  switch (property["type"]) {
    case "string":
      return typeof property["maxLength"] === "number" ? text.slice(0, property["maxLength"]) : text;
    case "boolean":
      return false;
    case "integer":
    case "number":
      return typeof property["minimum"] === "number" ? property["minimum"] : 1;
    case "array":
      return typeof property["minItems"] === "number" && property["minItems"] > 0 ? undefined : [];
    default:
      return undefined;
  }
}

function selfContained(question: Question): string {
  return question.topic === "" ? question.text : `${question.text} (${question.topic})`;
}
