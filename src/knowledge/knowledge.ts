import type { Clock } from "../base/index.ts";
import { baseErrors, systemClock } from "../base/index.ts";
import type { Database, Row } from "../storage/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import type { ChunkLimits } from "./chunk.ts";
import { defaultChunkLimits } from "./chunk.ts";
import type { CitablePassage, Citation, CitedAnswer, Verification } from "./citation.ts";
import { checkCitations, confirmCitations, verifyCitation } from "./citation.ts";
import { knowledgeErrors } from "./errors.ts";
import type { IngestProgress, IngestReport } from "./ingest.ts";
import { ingest } from "./ingest.ts";
import { knowledgeMigrations } from "./migrations.ts";
import type { RankWeights } from "./rank.ts";
import type { Hit } from "./search.ts";
import { search } from "./search.ts";
import { CollectionStore } from "./store.ts";
import { createTermCounts } from "./term-counts.ts";

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
   * Errors: knowledge_source_missing, knowledge_busy, those of the storage; a file's own troubles stand in the report.
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
  /** Takes a collection out. Errors: knowledge_collection_missing, knowledge_busy. */
  remove(collection: string): Promise<void>;
}

const defaultMaxFileBytes = 1024 ** 3;

/**
 * Makes the knowledge in a database.
 *
 * Errors: knowledge_unsupported, database_too_new.
 * @example examples/knowledge.ts
 */
export async function createKnowledge(options: KnowledgeOptions): Promise<Knowledge> {
  const {
    database,
    clock = systemClock,
    logger = silentLogger,
    chunkLimits: limits = defaultChunkLimits,
    rankWeights: weights,
  } = options;
  if (database.capabilities.fullText !== "fts5") {
    throw knowledgeErrors.create(
      "knowledge_unsupported",
      `A ${database.capabilities.dialect} database has no full text that the knowledge can use.`,
    );
  }
  await database.migrate("knowledge", knowledgeMigrations);
  const counts = createTermCounts(database);
  return {
    async ingest({ paths, collection = "default", maxFileBytes = defaultMaxFileBytes, signal, onProgress }) {
      checkName(collection);
      if (paths.length === 0)
        throw baseErrors.create("invalid_input", "There is no path to ingest; name a file or a folder.");
      await using _lock = await lockCollection(database, collection);
      const store = await CollectionStore.open(database, collection, clock);
      return await ingest({ store, collection, paths, limits, maxFileBytes, clock, logger, signal, onProgress });
    },
    async search({ query, collections, limit = 10, filter, signal }) {
      const wanted = await findCollections(database, collections, { signal });
      const most = Math.max(1, Math.min(1000, Math.floor(limit)));
      return await search(
        database,
        { query, collections: wanted, limit: most, under: filter?.under, weights, signal },
        counts,
      );
    },
    verify: (citation, { signal } = {}) => verifyCitation(citation, signal),
    async cite(answer, passages, { signal } = {}) {
      const found = checkCitations(answer, passages);
      return { ...found, citations: await confirmCitations(found.citations, signal) };
    },
    async collections() {
      const rows = await database.read({
        sql: `SELECT c.name, c.chunks, count(d.id) AS documents, coalesce(sum(d.bytes), 0) AS bytes
              FROM knowledge_collection c LEFT JOIN knowledge_document d ON d.collection_id = c.id AND d.state = 'ready'
              GROUP BY c.id ORDER BY c.name`,
      });
      return rows.map(readInfo);
    },
    async remove(collection) {
      checkName(collection);
      await using _lock = await lockCollection(database, collection);
      await findCollections(database, [collection], { mayBeEmpty: true });
      const store = await CollectionStore.open(database, collection, clock);
      for (const document of (await store.documents()).values()) await store.remove(document);
      await store.close();
    },
  };
}

function readInfo(row: Row): CollectionInfo {
  return {
    name: String(row["name"]),
    documents: Number(row["documents"]),
    chunks: Number(row["chunks"]),
    bytes: Number(row["bytes"]),
  };
}

function checkName(collection: string): void {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._:/-]{0,127}$/u.test(collection)) {
    throw baseErrors.create(
      "invalid_input",
      "A collection's name begins with a letter or digit and has at most 128 letters, digits, spaces and . _ : / -.",
    );
  }
}

async function lockCollection(database: Database, collection: string): Promise<AsyncDisposable> {
  const lock = await database.lock(`knowledge:${collection}`);
  if (lock === undefined) {
    throw knowledgeErrors.create("knowledge_busy", `Another ingest into the collection ${collection} is under way.`, {
      details: { collection },
    });
  }
  return lock;
}

async function findCollections(
  database: Database,
  names: readonly string[] | undefined,
  { signal, mayBeEmpty = false }: { readonly signal?: AbortSignal | undefined; readonly mayBeEmpty?: boolean },
): Promise<readonly { readonly id: number; readonly name: string; readonly chunks: number }[]> {
  const rows = await database.read(
    { sql: `SELECT id, name, chunks FROM knowledge_collection ORDER BY id` },
    { signal },
  );
  const all = rows.map((row) => ({ id: Number(row["id"]), name: String(row["name"]), chunks: Number(row["chunks"]) }));
  const wanted = names === undefined ? all : all.filter((collection) => names.includes(collection.name));
  const absent = names?.find((name) => !all.some((collection) => collection.name === name));
  if (absent !== undefined) {
    throw knowledgeErrors.create(
      "knowledge_collection_missing",
      `There is no collection named ${JSON.stringify(absent)}.`,
      { details: { collection: absent } },
    );
  }
  if (!mayBeEmpty && wanted.every((collection) => collection.chunks === 0)) {
    const where = names === undefined ? "the knowledge" : names.join(", ");
    throw knowledgeErrors.create("knowledge_empty", `There is no text to search in ${where}.`);
  }
  return wanted;
}
