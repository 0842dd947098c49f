import { basename, resolve } from "node:path";
import { knowledgeErrors } from "./errors.ts";
import type { IngestProgress, IngestReport } from "./ingest.ts";
import type { Knowledge } from "./knowledge.ts";
import { showPath } from "./show-path.ts";

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
  const whole = resolve(path);
  // Loaded when it is needed: it costs a tenth of what an import of the package takes.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const shown = /[A-Za-z0-9][A-Za-z0-9._-]{0,59}/.exec(basename(whole))?.[0] ?? "path";
  return `${shown}:${createHash("sha256").update(whole).digest("hex").slice(0, 24)}`;
}

/**
 * Brings the collections of files and folders up to date, one for each path, so that a search over some paths sees their
 * documents alone and what was read once is read once for all.
 *
 * Errors: as `Knowledge.ingest`; knowledge_empty when there is no text under any of the paths.
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
  if (!reports.some(({ files }) => files.added + files.changed + files.unchanged > 0))
    throw nothingFound(paths, reports);
  return { collections: reports.map((report) => report.collection), reports };
}

function nothingFound(paths: readonly string[], reports: readonly IngestReport[]): Error {
  const failures = reports.flatMap((report) => report.failures);
  const why =
    failures[0] === undefined ? "" : ` ${failures.length} files could not be read; the first: ${failures[0].message}`;
  return knowledgeErrors.create(
    "knowledge_empty",
    `There is no text to search in ${paths.map(showPath).join(", ")}.${why}`,
    {
      details: { failures: failures.slice(0, 10).map((failure) => ({ ...failure })) },
    },
  );
}
