import { sep } from "node:path";
import type { Clock } from "../base/index.ts";
import { isAtlasError } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Chunk, ChunkLimits } from "./chunk.ts";
import { knowledgeErrors } from "./errors.ts";
import { forEach } from "./for-each.ts";
import { formatOf } from "./format.ts";
import { hashFile, readBytes } from "./file-bytes.ts";
import { readDocument, readParts, tooLarge, wholeFileBytes } from "./read-file.ts";
import { showPath } from "./show-path.ts";
import type { CollectionStore, DocumentFields, StagedDocument, StoredDocument } from "./store.ts";
import { readerVersion, writesAtOnce } from "./store.ts";
import type { FoundFile, Walk } from "./walk.ts";
import { errnoOf, walk } from "./walk.ts";

/** Is how far an ingest has come. */
export interface IngestProgress {
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** Is a file or folder that could not be taken in, and why. Control characters in `path` are escaped. */
export interface IngestFailure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** Says what an ingest did. */
export interface IngestReport {
  readonly collection: string;
  /** The files and folders that were named: absolute, each once, as they are (not escaped). */
  readonly paths: readonly string[];
  readonly files: {
    readonly added: number;
    readonly changed: number;
    readonly unchanged: number;
    readonly removed: number;
    readonly failed: number;
    /** Files in a folder that hold no text. */
    readonly skipped: number;
  };
  /** Order: as they were met; the first 1,000. */
  readonly failures: readonly IngestFailure[];
  readonly chunksWritten: number;
  /** Units: bytes that were read. */
  readonly bytes: number;
  readonly durationMs: number;
}

/** Is what an ingest works with. */
export interface IngestJob {
  readonly store: CollectionStore;
  readonly collection: string;
  readonly paths: readonly string[];
  readonly limits: ChunkLimits;
  readonly maxFileBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: IngestProgress) => void) | undefined;
}

const maxFailures = 1000;
const progressEveryMs = 50;

/** Brings a collection up to date with the files under the job's paths. Each file is replaced as a whole; what was done before an abort stays. */
export async function ingest(job: IngestJob): Promise<IngestReport> {
  const startedAt = job.clock.monotonic();
  const found = await walk(job.paths, job.signal);
  const known = await job.store.documents();
  const work = new Ingest(job, known, found);
  await work.sweep();
  await work.readAll();
  await work.removeGone();
  return work.report(job.clock.monotonic() - startedAt);
}

class Ingest {
  private readonly job: IngestJob;
  private readonly known: ReadonlyMap<string, StoredDocument>;
  private readonly found: Walk;
  private readonly counts = { added: 0, changed: 0, unchanged: 0, removed: 0, failed: 0, skipped: 0 };
  private readonly failures: IngestFailure[] = [];
  private readonly bytesTotal: number;
  private chunksWritten = 0;
  private bytesRead = 0;
  private bytesDone = 0;
  private filesDone = 0;
  /** How far the large files have come that are being read. Units: bytes. */
  private readonly partly = new Map<FoundFile, number>();
  private toldAt = Number.NEGATIVE_INFINITY;

  constructor(job: IngestJob, known: ReadonlyMap<string, StoredDocument>, found: Walk) {
    this.job = job;
    this.known = known;
    this.found = found;
    this.bytesTotal = found.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    for (const failure of found.failures) this.fail(failure.path, failure.cause);
  }

  /** Takes out what a stopped ingest left; progress is told so that it is no silence. */
  async sweep(): Promise<void> {
    await this.job.store.sweep({ signal: this.job.signal, erased: () => this.tell(false) });
  }

  async readAll(): Promise<void> {
    const work = async (file: FoundFile): Promise<void> => {
      await this.file(file);
      this.partly.delete(file);
      this.filesDone++;
      this.bytesDone += file.sizeBytes;
      this.tell(false);
    };
    await forEach(this.found.files, work, { atOnce: writesAtOnce, signal: this.job.signal });
    this.tell(true);
  }

  private async file(file: FoundFile): Promise<void> {
    const before = this.known.get(file.path);
    if (before?.signature === file.signature && before.reader === readerVersion) {
      if (before.readable) this.counts.unchanged++;
      else this.counts.skipped++;
      return;
    }
    if (file.sizeBytes > this.job.maxFileBytes) return this.refuse(file, before, tooLarge(file, this.job.maxFileBytes));
    if (file.sizeBytes > wholeFileBytes) return this.large(file, before);
    const read = await readBytes(file.path, this.job.signal).catch((cause: unknown) => this.unread(file, cause));
    if (read === undefined) return;
    this.bytesRead += read.bytes.length;
    if (await this.same(file, before, read.hash)) return;
    let document;
    try {
      document = readDocument(file, read.bytes, this.job.limits);
    } catch (error) {
      return this.refuse(file, before, error);
    }
    const fields = {
      ...fieldsOf(file, read.hash, read.bytes.length),
      encoding: document.encoding,
      title: document.title,
    };
    await this.job.store.replace(before, fields, document.chunks);
    this.stored(before, document.chunks.length);
  }

  /** Takes in a file that is too large to be held at once: its parts are written aside and shown together at the end. */
  private async large(file: FoundFile, before: StoredDocument | undefined): Promise<void> {
    const { store, limits, signal } = this.job;
    let staged: StagedDocument | undefined;
    let fields: DocumentFields | undefined;
    let written = 0;
    const add = async (chunks: readonly Chunk[], of: DocumentFields): Promise<void> => {
      staged ??= store.stage(of);
      await staged.add(chunks);
      written += chunks.length;
    };
    const parts = readParts(file, limits, signal);
    try {
      if (before !== undefined) {
        const hash = await hashFile(file.path, signal).catch((cause: unknown) => this.unread(file, cause));
        if (hash === undefined || (await this.same(file, before, hash))) return;
      }
      while (true) {
        const part = await nextPart(parts);
        if ("error" in part) {
          signal?.throwIfAborted();
          if (staged !== undefined) await staged.drop();
          if (isAtlasError(part.error)) await this.refuse(file, before, part.error);
          else this.fail(file.path, part.error);
          return;
        }
        if (part.value === undefined) break;
        const { chunks, title, encoding, bytes, hash } = part.value;
        fields = { ...fieldsOf(file, hash(), bytes), encoding, title: fields?.title ?? title };
        await add(chunks, fields);
        this.partly.set(file, Math.min(bytes, file.sizeBytes));
        this.tell(false);
      }
    } finally {
      await parts.return(undefined);
    }
    if (staged === undefined || fields === undefined) return;
    await staged.commit(before, fields);
    this.bytesRead += fields.bytes;
    this.stored(before, written);
  }

  private async same(file: FoundFile, before: StoredDocument | undefined, hash: string): Promise<boolean> {
    if (before === undefined || before.hash !== hash || before.reader !== readerVersion || !before.readable)
      return false;
    await this.job.store.touch(before, file.signature);
    this.counts.unchanged++;
    return true;
  }

  private stored(before: StoredDocument | undefined, chunks: number): void {
    this.chunksWritten += chunks;
    if (before === undefined) this.counts.added++;
    else this.counts.changed++;
  }

  private unread(file: FoundFile, cause: unknown): undefined {
    this.job.signal?.throwIfAborted();
    this.fail(file.path, cause);
  }

  /** Deals with a file whose content cannot be taken in; what an older state of it gave is taken out. */
  private async refuse(file: FoundFile, before: StoredDocument | undefined, error: unknown): Promise<void> {
    if (!isAtlasError(error)) throw error;
    if (error.code === "file_binary" && !file.named) {
      this.counts.skipped++;
      await this.job.store.skip(before, fieldsOf(file, "", file.sizeBytes));
      return;
    }
    if (before !== undefined) await this.job.store.remove(before);
    this.fail(file.path, error);
  }

  private fail(path: string, cause: unknown): void {
    this.counts.failed++;
    const error = isAtlasError(cause)
      ? cause
      : knowledgeErrors.create("file_unreadable", `Cannot read ${showPath(path)} (${errnoOf(cause)}).`, { cause });
    this.job.logger.warn(error.message, { code: error.code });
    if (this.failures.length < maxFailures)
      this.failures.push({ path: showPath(path), code: error.code, message: error.message });
  }

  /** Takes out the documents under the job's paths whose file is gone. What stands under an unreadable folder is kept. */
  async removeGone(): Promise<void> {
    const present = new Set(this.found.files.map((file) => file.path));
    const unreadable = this.found.failures.map((failure) => failure.path);
    const gone = this.known
      .values()
      .filter(({ uri }) => !present.has(uri) && isUnder(uri, this.found.roots) && !isUnder(uri, unreadable));
    const remove = async (document: StoredDocument): Promise<void> => {
      await this.job.store.remove(document);
      if (document.readable) this.counts.removed++;
    };
    await forEach(gone, remove, { atOnce: writesAtOnce, signal: this.job.signal });
  }

  private tell(last: boolean): void {
    const now = this.job.clock.monotonic();
    if (!last && now - this.toldAt < progressEveryMs) return;
    this.toldAt = now;
    const { filesDone, bytesTotal } = this;
    const bytesDone = this.partly.values().reduce((sum, bytes) => sum + bytes, this.bytesDone);
    this.job.onProgress?.({ filesDone, filesTotal: this.found.files.length, bytesDone, bytesTotal });
  }

  report(durationMs: number): IngestReport {
    const { collection } = this.job;
    return {
      collection,
      paths: this.found.roots,
      files: { ...this.counts },
      failures: this.failures,
      chunksWritten: this.chunksWritten,
      bytes: this.bytesRead,
      durationMs,
    };
  }
}

async function nextPart<T>(
  parts: AsyncGenerator<T>,
): Promise<{ readonly value: T | undefined } | { readonly error: unknown }> {
  try {
    const next = await parts.next();
    return { value: next.done === true ? undefined : next.value };
  } catch (error) {
    return { error };
  }
}

function isUnder(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep));
}

function fieldsOf(file: FoundFile, hash: string, bytes: number): DocumentFields {
  const { path, name, signature } = file;
  return { uri: path, name, title: name, format: formatOf(path), encoding: "", signature, hash, bytes };
}
