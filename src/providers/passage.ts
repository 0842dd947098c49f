import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";

/**
 * Is one piece of a document as a retrieval tool returns it and as an extractive model reads it.
 *
 * Units: lines count from 1, both ends included. `id` is how an answer cites it: `[id]` in the text.
 */
export type Passage = {
  readonly id: string;
  readonly source: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly score: number;
  readonly title?: string;
  readonly headings?: readonly string[];
  readonly text: string;
};

/** Reads what a retrieval tool returned, `{ passages }`: those without an id or a text are left out. Undefined for anything else. */
export function readPassages(output: JsonValue): readonly Passage[] | undefined {
  if (!isJsonObject(output) || !Array.isArray(output["passages"])) return undefined;
  return output["passages"].flatMap((item: JsonValue) => readPassage(item) ?? []);
}

function readPassage(value: JsonValue): Passage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { id, source, text, startLine, endLine, score, title, headings } = value;
  if (typeof id !== "string" || typeof text !== "string") return undefined;
  return {
    id,
    source: typeof source === "string" ? source : id,
    startLine: typeof startLine === "number" ? startLine : 1,
    endLine: typeof endLine === "number" ? endLine : 1,
    score: typeof score === "number" ? score : 0,
    text,
    ...(typeof title === "string" ? { title } : {}),
    ...(Array.isArray(headings) ? { headings: headings.filter((item: JsonValue) => typeof item === "string") } : {}),
  };
}
