import type { Clock } from "../base/index.ts";
import { baseErrors, systemClock } from "../base/index.ts";
import type { Database, Row } from "../storage/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { defaultChunkLimits } from "./chunk.ts";
import { checkCitations } from "./citation.ts";
import { knowledgeErrors } from "./errors.ts";
import { ingest } from "./ingest.ts";
import type { CollectionInfo, Knowledge, KnowledgeOptions } from "./knowledge.ts";
import { knowledgeMigrations } from "./migrations.ts";
import type { Searchable } from "./search.ts";
import { search } from "./search.ts";
import { CollectionStore } from "./store.ts";
import { createTermCounts } from "./term-counts.ts";
import { confirmCitations, verifyCitation } from "./verify-citation.ts";

const defaultMaxFileBytes = 1024 ** 3;
const lockRetryMs = 100;

/** Does what `createKnowledge` says. */
export async function openKnowledge(options: KnowledgeOptions): Promise<Knowledge> {
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
      await using _lock = await lockCollection({ database, clock }, collection, signal);
      const store = await CollectionStore.open(database, collection, clock);
      return await ingest({ store, collection, paths, limits, maxFileBytes, clock, logger, signal, onProgress });
    },
    async search({ query, collections, limit = 10, filter, signal }) {
      const found = await findCollections(database, collections, { signal });
      const most = Math.max(1, Math.min(1000, Math.floor(limit)));
      return await search(
        database,
        { query, collections: found, limit: most, under: filter?.under, weights, signal },
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
      await using _lock = await lockCollection({ database, clock }, collection);
      await findCollections(database, [collection], { mayBeEmpty: true });
      const store = await CollectionStore.open(database, collection, clock);
      await store.removeAll();
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

/** Waits until no other ingest of the collection is under way, here or in another process: its documents are then there. */
async function lockCollection(
  { database, clock }: { readonly database: Database; readonly clock: Clock },
  collection: string,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  while (true) {
    const lock = await database.lock(`knowledge:${collection}`);
    if (lock !== undefined) return lock;
    // A lock that another process lets go of tells nobody, so this asks again.
    await clock.sleep(lockRetryMs, { signal });
  }
}

async function findCollections(
  database: Database,
  names: readonly string[] | undefined,
  { signal, mayBeEmpty = false }: { readonly signal?: AbortSignal | undefined; readonly mayBeEmpty?: boolean },
): Promise<readonly Searchable[]> {
  const rows = await database.read(
    { sql: `SELECT id, name, chunks FROM knowledge_collection ORDER BY id` },
    { signal },
  );
  const all = rows.map((row) => {
    const name = String(row["name"]);
    const wanted = names === undefined || names.includes(name);
    return { id: Number(row["id"]), name, chunks: Number(row["chunks"]), wanted };
  });
  const absent = names?.find((name) => !all.some((collection) => collection.name === name));
  if (absent !== undefined) {
    throw knowledgeErrors.create(
      "knowledge_collection_missing",
      `There is no collection named ${JSON.stringify(absent)}.`,
      { details: { collection: absent } },
    );
  }
  if (!mayBeEmpty && all.every((collection) => !collection.wanted || collection.chunks === 0)) {
    const where = names === undefined ? "the knowledge" : names.join(", ");
    throw knowledgeErrors.create("knowledge_empty", `There is no text to search in ${where}.`);
  }
  return all;
}
