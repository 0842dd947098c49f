import type { JsonObject, JsonValue } from "../../base/index.ts";
import { isJsonObject } from "../../base/index.ts";
import type { ToolDefinition } from "../message.ts";
import type { Question } from "./question.ts";
import { contentTerms } from "./terms.ts";

const maxQueryChars = 1_000;
const searches = /search|retriev|look\s?up|knowledge|documents|query/i;

/** Finds the tool that searches documents: the one that says so, or one that takes a `query` and tells of searching. */
export function retrievalTool(tools: readonly ToolDefinition[]): ToolDefinition | undefined {
  return (
    tools.find((tool) => tool.purpose === "retrieval") ??
    tools.find(
      (tool) =>
        tool.purpose !== "action" && takesQuery(tool.inputSchema) && searches.test(`${tool.name} ${tool.description}`),
    )
  );
}

function takesQuery(schema: JsonObject): boolean {
  const { required, properties } = schema;
  if (!Array.isArray(required) || !required.includes("query") || required.length !== 1 || !isJsonObject(properties))
    return false;
  const query = properties["query"];
  return isJsonObject(query) && query["type"] === "string";
}

/** Gives one query for each question; what a pronoun refers to is added. Order: that of the questions; each query once. */
export function queriesOf(questions: readonly Question[]): string[] {
  const queries = questions
    .map((question) => `${question.text} ${question.topic}`.trim().slice(0, maxQueryChars))
    .filter((query) => query !== "");
  return [...new Set(queries)];
}

/** Words the questions anew as bare keywords, names first; leaves out what was searched already. */
export function keywordQueries(questions: readonly Question[], searched: ReadonlySet<string>): string[] {
  const queries = questions.map((question) => {
    const words = [...question.terms].sort((one, other) => other.weight - one.weight).map((term) => term.word);
    const wide = [...new Set(words)].slice(0, 6).join(" ");
    // Fewer words find more where the search asks for all of them.
    return searched.has(normal(wide)) ? [...new Set(words)].slice(0, 3).join(" ") : wide;
  });
  return [...new Set(queries)].filter((query) => query !== "" && !searched.has(normal(query)));
}

/** Gives the queries of earlier calls in the form in which `keywordQueries` compares them. */
export function searchedQueries(calls: readonly { readonly input: JsonValue }[]): Set<string> {
  const queries = calls.map(({ input }) =>
    isJsonObject(input) && typeof input["query"] === "string" ? normal(input["query"]) : "",
  );
  return new Set(queries);
}

function normal(query: string): string {
  return contentTerms(query)
    .map((term) => term.stem)
    .sort()
    .join(" ");
}
