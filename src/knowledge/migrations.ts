import type { Migration } from "../storage/index.ts";

/**
 * Is the schema of the knowledge.
 *
 * A chunk's id is its collection's id times `chunksPerCollection` plus a number, so that a range of row ids is a collection and
 * full text can be limited to it without a join. The full text holds no copy of the texts (`content=''`).
 */
export const knowledgeMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "collections, documents, chunks and their full text",
    statements: [
      `CREATE TABLE knowledge_collection (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, chunks INTEGER NOT NULL DEFAULT 0)`,
      `CREATE TABLE knowledge_document (
        id INTEGER PRIMARY KEY, collection_id INTEGER NOT NULL, uri TEXT NOT NULL, name TEXT NOT NULL, title TEXT NOT NULL,
        format TEXT NOT NULL, encoding TEXT NOT NULL, state TEXT NOT NULL, signature TEXT NOT NULL, hash TEXT NOT NULL,
        reader INTEGER NOT NULL, bytes INTEGER NOT NULL, chunks INTEGER NOT NULL, updated_at INTEGER NOT NULL)`,
      `CREATE UNIQUE INDEX knowledge_document_uri ON knowledge_document (collection_id, uri) WHERE state IN ('ready', 'skipped')`,
      `CREATE INDEX knowledge_document_leftover ON knowledge_document (collection_id) WHERE state IN ('staged', 'dead')`,
      `CREATE TABLE knowledge_chunk (
        id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
        start_line INTEGER NOT NULL, end_line INTEGER NOT NULL, headings TEXT NOT NULL, context TEXT NOT NULL, text TEXT NOT NULL)`,
      `CREATE INDEX knowledge_chunk_document ON knowledge_chunk (document_id)`,
      `CREATE VIRTUAL TABLE knowledge_fts USING fts5(
        title, header, body, sub, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2')`,
      `CREATE VIRTUAL TABLE knowledge_term USING fts5vocab(knowledge_fts, 'row')`,
    ],
  },
];

/** Is how many chunks a collection can number. */
export const chunksPerCollection = 2 ** 40;
