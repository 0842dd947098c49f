import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { IngestProgress, IngestReport } from "./ingest.ts";
import type { Knowledge } from "./knowledge.ts";

/** Are the options of `ingestPaths`. */
export interface IngestPathsOptions {
  readonly maxFileBytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: IngestProgress) => void;
}

/** Is what taking in some paths gave: the collections to search, and a report of each. */
export interface IngestedPaths {
  readonly collections: readonly string[];
  readonly reports: readonly IngestReport[];
}

/** Names the collection in which a file or folder stands that is used by its path: the same path, the same collection. */
export function collectionOfPath(path: string): string {
  return `path:${createHash("sha256").update(resolve(path)).digest("hex").slice(0, 24)}`;
}

/**
 * Brings the collections of files and folders up to date, one for each path, so that a search over some paths sees their
 * documents alone and what was read once is read once for all.
 *
 * Errors: as `Knowledge.ingest`.
 */
export async function ingestPaths(
  knowledge: Knowledge,
  paths: readonly string[],
  options: IngestPathsOptions = {},
): Promise<IngestedPaths> {
  const reports: IngestReport[] = [];
  for (const path of new Set(paths.map((each) => resolve(each)))) {
    reports.push(await knowledge.ingest({ ...options, paths: [path], collection: collectionOfPath(path) }));
  }
  return { collections: reports.map((report) => report.collection), reports };
}
