import type { Clock } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { ChunkLimits } from "./chunk.ts";
import type { CitablePassage, Citation, CitedAnswer } from "./citation.ts";
import type { IngestProgress, IngestReport } from "./ingest.ts";
import type { RankWeights } from "./rank.ts";
import type { Hit } from "./search.ts";
import type { Verification } from "./verify-citation.ts";

/** Are the options of `createKnowledge`. */
export interface KnowledgeOptions {
  readonly database: Database;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Units: characters; aims at 1,500 and never passes 2,000 by default. */
  readonly chunkLimits?: ChunkLimits;
  /** Weighs coverage and proximity in the ranking. */
  readonly rankWeights?: RankWeights;
}

/** Says what to take in. */
export interface IngestOptions {
  /** Files and folders; a folder is read with all that is below it. */
  readonly paths: readonly string[];
  /** `default` when left out. */
  readonly collection?: string;
  /** Units: bytes; larger files are refused. 1 GiB by default: large files are read in parts, in bounded memory. */
  readonly maxFileBytes?: number;
  readonly signal?: AbortSignal | undefined;
  /** Is called some 20 times a second at most. */
  readonly onProgress?: (progress: IngestProgress) => void;
}

/** Says what to look for. */
export interface SearchOptions {
  readonly query: string;
  /** All of them when left out. */
  readonly collections?: readonly string[];
  /** 10 by default, 1,000 at most. */
  readonly limit?: number;
  /** Keeps documents whose name, the path below the folder that was ingested, begins with `under`. */
  readonly filter?: { readonly under?: string };
  readonly signal?: AbortSignal | undefined;
}

/** Says what a collection holds. Units: `bytes` of the files. */
export interface CollectionInfo {
  readonly name: string;
  readonly documents: number;
  readonly chunks: number;
  readonly bytes: number;
}

/** Holds documents, finds passages in them and vouches for citations. */
export interface Knowledge {
  /**
   * Brings a collection up to date with files and folders: new and changed files are read, unchanged ones cost one look, and
   * documents under the paths whose file is gone are taken out. After an abort, what was done is kept and the next call goes on.
   *
   * Two ingests of one collection follow each other, also those of two processes.
   *
   * Errors: knowledge_source_missing, those of the storage; a file's own troubles stand in the report.
   */
  ingest(options: IngestOptions): Promise<IngestReport>;
  /** Finds the passages that answer a query. Order: best first. Errors: knowledge_collection_missing, knowledge_empty. */
  search(options: SearchOptions): Promise<readonly Hit[]>;
  /** Checks a citation against the file as it is now. */
  verify(citation: Citation, options?: { readonly signal?: AbortSignal | undefined }): Promise<Verification>;
  /** Finds the citations of an answer and keeps those that the files hold. */
  cite(
    answer: string,
    passages: readonly CitablePassage[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<CitedAnswer>;
  /** Lists the collections. Order: by name. */
  collections(): Promise<readonly CollectionInfo[]>;
  /** Takes a collection out. Errors: knowledge_collection_missing. */
  remove(collection: string): Promise<void>;
}

/**
 * Makes the knowledge in a database.
 *
 * Errors: knowledge_unsupported, database_too_new.
 * Cost: what reads and searches is loaded here, so that an import of Atlas stays cheap.
 * @example examples/knowledge.ts
 */
export async function createKnowledge(options: KnowledgeOptions): Promise<Knowledge> {
  const { openKnowledge } = await import("./open-knowledge.ts");
  return await openKnowledge(options);
}
