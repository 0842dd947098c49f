import type { AgentResult } from "../agents/index.ts";
import type { Citation } from "../knowledge/index.ts";

/** Joins the citations of several results, each place once. Order: as they first came. */
export function mergeCitations(results: readonly Pick<AgentResult<unknown>, "citations">[]): readonly Citation[] {
  const merged = new Map<string, Citation>();
  for (const { citations } of results) {
    for (const citation of citations) {
      const { source, startLine, endLine, quote } = citation;
      const key = JSON.stringify([source, startLine, endLine, quote]);
      if (!merged.has(key)) merged.set(key, citation);
    }
  }
  return [...merged.values()];
}
