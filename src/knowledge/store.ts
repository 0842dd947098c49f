import type { Database, Row, Statement } from "../storage/index.ts";
import type { Clock } from "../base/index.ts";
import type { Chunk } from "./chunk.ts";
import { forEach } from "./for-each.ts";
import { chunksPerCollection } from "./migrations.ts";
import { subtokensOf } from "./words.ts";

/** Is what the store knows of a document. */
export interface StoredDocument {
  readonly id: number;
  readonly uri: string;
  readonly signature: string;
  readonly hash: string;
  /** The version of the readers that made its chunks. */
  readonly reader: number;
  readonly chunks: number;
  readonly readable: boolean;
}

/** Is what a document is stored with. */
export interface DocumentFields {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly format: string;
  readonly encoding: string;
  readonly signature: string;
  readonly hash: string;
  readonly bytes: number;
}

/** Is the version of the readers and the chunker; a higher one makes every file be read anew. */
export const readerVersion = 1;

/** Is how many chunks one write holds at most: a write of that size takes some 10 ms. */
export const chunksPerWrite = 128;

/** Is how many chunks one write takes out at most: a write of that size takes some 30 ms. */
const chunksPerErase = 1024;

/** Is how many documents are written or removed at once: writes that wait together share a commit. */
export const writesAtOnce = 16;

/** Writes and reads the documents of one collection. Only one at a time may write: its maker holds the collection's lock. */
export class CollectionStore {
  readonly collectionId: number;
  private readonly database: Database;
  private readonly clock: Clock;
  private nextDocument: number;
  private nextChunk: number;

  private constructor(database: Database, clock: Clock, ids: { collection: number; document: number; chunk: number }) {
    this.database = database;
    this.clock = clock;
    this.collectionId = ids.collection;
    this.nextDocument = ids.document;
    this.nextChunk = ids.chunk;
  }

  /** Opens a collection for writing, making it when it is new. */
  static async open(database: Database, name: string, clock: Clock): Promise<CollectionStore> {
    await database.write([
      {
        sql: `INSERT INTO knowledge_collection (name, created_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`,
        params: [name, clock.now()],
      },
    ]);
    const [row] = await database.read({
      sql: `SELECT id, (SELECT coalesce(max(id), id * ${chunksPerCollection}) FROM knowledge_chunk
              WHERE id >= c.id * ${chunksPerCollection} AND id < (c.id + 1) * ${chunksPerCollection}) AS chunk
            FROM knowledge_collection c WHERE name = ?`,
      params: [name],
    });
    const collection = Number(row?.["id"]);
    const [last] = await database.read({
      // Documents are numbered within their collection's range too, so that two ingests into two collections never meet.
      sql: `SELECT coalesce(max(id), ?1) AS document FROM knowledge_document WHERE id >= ?1 AND id < ?1 + ${chunksPerCollection}`,
      params: [collection * chunksPerCollection],
    });
    const ids = {
      collection,
      document: Number(last?.["document"]) + 1,
      chunk: Number(row?.["chunk"] ?? collection * chunksPerCollection) + 1,
    };
    return new CollectionStore(database, clock, ids);
  }

  async documents(): Promise<ReadonlyMap<string, StoredDocument>> {
    const rows = await this.database.read({
      sql: `SELECT id, uri, signature, hash, reader, chunks, state FROM knowledge_document
            WHERE collection_id = ? AND state IN ('ready', 'skipped')`,
      params: [this.collectionId],
    });
    return new Map(rows.map((row) => [String(row["uri"]), readDocument(row)]));
  }

  /** Makes a document of all its chunks in place of the one before it; readers see the one or the other. */
  async replace(before: StoredDocument | undefined, fields: DocumentFields, chunks: readonly Chunk[]): Promise<void> {
    if (chunks.length > chunksPerWrite || (before?.chunks ?? 0) > chunksPerWrite) {
      const staged = this.stage(fields);
      await staged.add(chunks);
      return staged.commit(before, fields);
    }
    const id = this.nextDocument++;
    await this.database.write([
      ...(before === undefined ? [] : deleteDocument(before.id)),
      this.insertDocument(id, fields, { state: "ready", chunks: chunks.length }),
      ...chunks.flatMap((chunk) => this.insertChunk(id, fields, chunk)),
      this.count(chunks.length - (before?.chunks ?? 0)),
    ]);
  }

  /** Begins a document whose chunks come in parts; nobody sees it until `commit`. */
  stage(fields: DocumentFields): StagedDocument {
    const id = this.nextDocument++;
    let total = 0;
    let begun = false;
    return {
      add: async (chunks) => {
        for (let at = 0; at < chunks.length || !begun; at += chunksPerWrite) {
          const part = chunks.slice(at, at + chunksPerWrite);
          const head = begun ? [] : [this.insertDocument(id, fields, { state: "staged", chunks: 0 })];
          begun = true;
          total += part.length;
          await this.database.write([...head, ...part.flatMap((chunk) => this.insertChunk(id, fields, chunk))]);
        }
      },
      commit: async (before, final) => {
        await this.database.write([
          ...(before === undefined
            ? []
            : [{ sql: `UPDATE knowledge_document SET state = 'dead' WHERE id = ?`, params: [before.id] }]),
          {
            sql: `UPDATE knowledge_document SET state = 'ready', title = ?, hash = ?, chunks = ?, updated_at = ? WHERE id = ?`,
            params: [final.title, final.hash, total, this.clock.now(), id],
          },
          this.count(total - (before?.chunks ?? 0)),
        ]);
        if (before !== undefined) await this.erase(before.id);
      },
      drop: async () => {
        await this.erase(id);
      },
    };
  }

  /** Remembers a file that holds no text, so that it is not read again while it stays the same. */
  async skip(before: StoredDocument | undefined, fields: DocumentFields): Promise<void> {
    if (before !== undefined) await this.remove(before);
    await this.database.write([this.insertDocument(this.nextDocument++, fields, { state: "skipped", chunks: 0 })]);
  }

  /** Remembers that a file was touched but holds what it held. */
  async touch(document: StoredDocument, signature: string): Promise<void> {
    await this.database.write([
      { sql: `UPDATE knowledge_document SET signature = ? WHERE id = ?`, params: [signature, document.id] },
    ]);
  }

  async remove(document: StoredDocument): Promise<void> {
    if (document.chunks <= chunksPerWrite) {
      await this.database.write([...deleteDocument(document.id), this.count(-document.chunks)]);
      return;
    }
    await this.database.write([
      { sql: `UPDATE knowledge_document SET state = 'dead' WHERE id = ?`, params: [document.id] },
      this.count(-document.chunks),
    ]);
    await this.erase(document.id);
  }

  /** Removes all documents and the collection itself. */
  async removeAll(): Promise<void> {
    await this.sweep();
    const documents = await this.documents();
    await forEach(documents.values(), (document) => this.remove(document), { atOnce: writesAtOnce });
    await this.database.write([{ sql: `DELETE FROM knowledge_collection WHERE id = ?`, params: [this.collectionId] }]);
  }

  /** Takes out what a stopped ingest left half done; nobody sees it, so this may stop anywhere. `erased` is called after each write. */
  async sweep(
    options: { readonly signal?: AbortSignal | undefined; readonly erased?: () => void } = {},
  ): Promise<void> {
    const rows = await this.database.read({
      sql: `SELECT id FROM knowledge_document WHERE collection_id = ? AND state IN ('staged', 'dead')`,
      params: [this.collectionId],
    });
    if (rows.length === 0) return;
    await this.database.write([this.emptyFullText()]);
    for (const row of rows) await this.erase(Number(row["id"]), options);
  }

  /** Empties the full text at one stroke when all that the database holds are the leftovers of this collection. */
  private emptyFullText(): Statement {
    return {
      sql: `INSERT INTO knowledge_fts (knowledge_fts) SELECT 'delete-all' WHERE NOT EXISTS (
              SELECT 1 FROM knowledge_document WHERE collection_id <> ? OR state NOT IN ('staged', 'dead'))`,
      params: [this.collectionId],
    };
  }

  /** Deletes a document that nobody sees, in writes that are short each. */
  private async erase(
    id: number,
    { signal, erased }: { readonly signal?: AbortSignal | undefined; readonly erased?: () => void } = {},
  ): Promise<void> {
    // Else the full text would be merged again and again while it is being emptied, which takes ten times as long; the merges of
    // later writes leave out what is deleted. A stop before the end leaves this set until the next sweep.
    await this.database.write([configure("deletemerge", 0), configure("automerge", 0)]);
    try {
      for (let changes = chunksPerErase; changes === chunksPerErase;) {
        signal?.throwIfAborted();
        const some = `SELECT id FROM knowledge_chunk WHERE document_id = ? ORDER BY id LIMIT ${chunksPerErase}`;
        const results = await this.database.write([
          { sql: `DELETE FROM knowledge_fts WHERE rowid IN (${some})`, params: [id] },
          { sql: `DELETE FROM knowledge_chunk WHERE id IN (${some})`, params: [id] },
        ]);
        changes = results[1]?.changes ?? 0;
        erased?.();
      }
    } finally {
      await this.database.write([configure("deletemerge", 10), configure("automerge", 4)]);
    }
    await this.database.write([{ sql: `DELETE FROM knowledge_document WHERE id = ?`, params: [id] }]);
  }

  private insertDocument(
    id: number,
    fields: DocumentFields,
    as: { readonly state: string; readonly chunks: number },
  ): Statement {
    const { uri, name, title, format, encoding, signature, hash, bytes } = fields;
    return {
      sql: `INSERT INTO knowledge_document (id, collection_id, uri, name, title, format, encoding, state, signature, hash, reader, bytes, chunks, updated_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      params: [
        id,
        this.collectionId,
        uri,
        name,
        title,
        format,
        encoding,
        as.state,
        signature,
        hash,
        readerVersion,
        bytes,
        as.chunks,
        this.clock.now(),
      ],
    };
  }

  private insertChunk(documentId: number, fields: DocumentFields, chunk: Chunk): readonly Statement[] {
    const id = this.nextChunk++;
    const header = [fields.name.replace(/[./\\_-]+/g, " "), ...chunk.headings, chunk.context].join("\n");
    return [
      {
        sql: `INSERT INTO knowledge_chunk (id, document_id, start, "end", start_line, end_line, headings, context, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        params: [
          id,
          documentId,
          chunk.start,
          chunk.end,
          chunk.startLine,
          chunk.endLine,
          JSON.stringify(chunk.headings),
          chunk.context,
          chunk.text,
        ],
      },
      {
        sql: `INSERT INTO knowledge_fts (rowid, title, header, body, sub) VALUES (?, ?, ?, ?, ?)`,
        params: [id, fields.title, header, chunk.text, subtokensOf(`${header}\n${chunk.text}`)],
      },
    ];
  }

  private count(difference: number): Statement {
    return {
      sql: `UPDATE knowledge_collection SET chunks = chunks + ? WHERE id = ?`,
      params: [difference, this.collectionId],
    };
  }
}

/** Is a document whose chunks are being written in parts. */
export interface StagedDocument {
  add(chunks: readonly Chunk[]): Promise<void>;
  /** Shows it in place of the one before it. */
  commit(before: StoredDocument | undefined, final: DocumentFields): Promise<void>;
  /** Takes back what was written. */
  drop(): Promise<void>;
}

/** Sets how eagerly the full text is merged; 10 and 4 are what SQLite begins with. */
function configure(setting: "deletemerge" | "automerge", value: number): Statement {
  return { sql: `INSERT INTO knowledge_fts (knowledge_fts, rank) VALUES ('${setting}', ${value})` };
}

function deleteDocument(id: number): readonly Statement[] {
  return [
    {
      sql: `DELETE FROM knowledge_fts WHERE rowid IN (SELECT id FROM knowledge_chunk WHERE document_id = ?)`,
      params: [id],
    },
    { sql: `DELETE FROM knowledge_chunk WHERE document_id = ?`, params: [id] },
    { sql: `DELETE FROM knowledge_document WHERE id = ?`, params: [id] },
  ];
}

function readDocument(row: Row): StoredDocument {
  return {
    id: Number(row["id"]),
    uri: String(row["uri"]),
    signature: String(row["signature"]),
    hash: String(row["hash"]),
    reader: Number(row["reader"]),
    chunks: Number(row["chunks"]),
    readable: row["state"] === "ready",
  };
}
