import type { GraphParts } from "./compile.ts";
import type { GraphStructure } from "./structure.ts";
/** x */
/** y */
export const edgeProblems = problemsOf;
export function problemsOf(_structure: GraphStructure, _parts: GraphParts): readonly string[] {
  return [];
}
