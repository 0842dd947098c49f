import type { Database } from "../storage/index.ts";
import type { Term } from "./words.ts";

/** Tells how many chunks hold a term, in all collections together. */
export interface TermCounts {
  /** Order: as the terms. `total` is the number of chunks: when it changes, what was remembered is forgotten. */
  of(terms: readonly Term[], total: number, signal?: AbortSignal): Promise<readonly number[]>;
}

const maxRemembered = 20_000;

/**
 * Makes the counts of terms, which remember what they looked up: a common term costs a walk over all that hold it.
 *
 * A count may be out of date when documents changed but not the number of chunks; it is a weight, so that hardly matters.
 */
export function createTermCounts(database: Database): TermCounts {
  let remembered = new Map<string, number>();
  let rememberedFor = -1;
  return {
    async of(terms, total, signal) {
      if (total !== rememberedFor || remembered.size > maxRemembered) {
        remembered = new Map();
        rememberedFor = total;
      }
      const counts = remembered;
      const unknown = terms.map((term) => term.stem).filter((stem) => !counts.has(stem));
      if (unknown.length > 0) {
        const rows = await database.read(
          {
            sql: `SELECT t.term AS term, t.doc AS rows FROM json_each(?) AS wanted CROSS JOIN knowledge_term AS t ON t.term = wanted.value`,
            params: [JSON.stringify(unknown)],
          },
          { signal },
        );
        for (const stem of unknown) counts.set(stem, 0);
        for (const row of rows) counts.set(String(row["term"]), Number(row["rows"]));
      }
      return terms.map((term) => counts.get(term.stem) ?? 0);
    },
  };
}
