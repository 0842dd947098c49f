import type { JsonObject, JsonValue, Schema } from "../base/index.ts";
import { schemaByHand } from "../base/index.ts";
import { readPassages } from "../providers/index.ts";
import type { Passage } from "../providers/index.ts";
import { tool } from "../tools/index.ts";
import type { Tool } from "../tools/index.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Hit } from "./search.ts";

/** Is what a retrieval tool is asked. */
export type RetrievalInput = { readonly query: string; readonly limit?: number };

/** Is what a retrieval tool answers. */
export type RetrievalOutput = { readonly passages: readonly Passage[] };

/** Are the options of `retrievalTool`. */
export interface RetrievalToolOptions {
  /** `search_documents` by default. */
  readonly name?: string;
  readonly description?: string;
  readonly collections?: readonly string[];
  /** How many passages a call gives unless it asks for another number; 8 by default. */
  readonly limit?: number;
}

const maxPassages = 50;
const maxQueryLength = 4000;

/** Makes the tool by which an agent searches the knowledge. */
export function retrievalTool(
  knowledge: Knowledge,
  options: RetrievalToolOptions = {},
): Tool<Schema<RetrievalInput>, RetrievalOutput> {
  const { collections, limit = 8 } = options;
  return tool({
    name: options.name ?? "search_documents",
    description:
      options.description ??
      "Searches the documents for passages about a query. Cite a passage that you use by its id in square brackets, such as [p12], right after the sentence it supports.",
    input: retrievalInput,
    purpose: "retrieval",
    idempotent: true,
    async run(input, context) {
      const hits = await knowledge.search({
        query: input.query,
        limit: input.limit ?? limit,
        signal: context.signal,
        ...(collections === undefined ? {} : { collections }),
      });
      return { passages: hits.map(passageOf) };
    },
  });
}

/** Gives a hit in the shape of a passage. */
export function passageOf(hit: Hit): Passage {
  const { id, source, startLine, endLine, score, title, headings, text } = hit;
  return { id, source, startLine, endLine, score, title, headings, text };
}

const inputJsonSchema: JsonObject = {
  type: "object",
  properties: {
    query: {
      type: "string",
      minLength: 1,
      maxLength: maxQueryLength,
      description: "What to look for, in the words the documents would use.",
    },
    limit: { type: "integer", minimum: 1, maximum: maxPassages, description: "How many passages to return at most." },
  },
  required: ["query"],
  additionalProperties: false,
};

const retrievalInput = schemaByHand<RetrievalInput>(inputJsonSchema, (value) => {
  const { query, limit } = fieldsOf(value);
  if (typeof query !== "string" || query.trim() === "" || query.length > maxQueryLength) {
    return { issues: [{ message: `expected a text of 1 to ${maxQueryLength} characters`, path: ["query"] }] };
  }
  if (limit === undefined || limit === null) return { value: { query } };
  if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > maxPassages) {
    return { issues: [{ message: `expected a whole number from 1 to ${maxPassages}`, path: ["limit"] }] };
  }
  return { value: { query, limit } };
});

function fieldsOf(value: unknown): { readonly query?: unknown; readonly limit?: unknown } {
  return typeof value === "object" && value !== null ? value : {};
}

/** Reads the passages in a retrieval tool's answer, as it stands in an event log or a message; none in anything else. */
export function passagesIn(output: JsonValue | undefined): readonly Passage[] {
  return output === undefined ? [] : (readPassages(output) ?? []);
}
