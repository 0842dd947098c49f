import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import type { AtlasError } from "../base/index.ts";
import { countLines, initialState } from "./block.ts";
import type { Scanner, ScanState } from "./block.ts";
import type { Chunk, ChunkLimits } from "./chunk.ts";
import { chunkPart } from "./chunk.ts";
import type { Encoding } from "./decode.ts";
import { decodeText, detectEncoding } from "./decode.ts";
import { knowledgeErrors } from "./errors.ts";
import { openFile, partBytes, partsOf, readBytes, readStart } from "./file-bytes.ts";
import type { Format } from "./format.ts";
import { formatOf, scannerOf } from "./format.ts";
import { htmlToText, scanHtml } from "./html.ts";
import type { FoundFile } from "./walk.ts";
import { showPath } from "./show-path.ts";

/** Is a whole document, cut into chunks. */
export interface ReadDocument {
  readonly format: Format;
  readonly encoding: Encoding;
  readonly title: string;
  readonly chunks: readonly Chunk[];
}

/** Is how large a file may be that is held in memory at once; above it, files are read in parts. Units: bytes. */
export const wholeFileBytes = 4 * 1024 * 1024;
/** Is how large an HTML file may be: its markup can only be read as a whole. Units: bytes. */
const maxHtmlBytes = 20 * 1024 * 1024;
const sampleBytes = 65_536;

/**
 * Makes chunks of a file's bytes.
 *
 * Errors: file_binary.
 */
export function readDocument(file: FoundFile, bytes: Uint8Array, limits: ChunkLimits): ReadDocument {
  const encoding = detectEncoding(bytes);
  if (encoding === undefined) throw binary(file);
  const format = formatOf(file.path);
  const source = decodeText(bytes, encoding);
  const { text, scan } = prepare(source, format);
  const { chunks, state } = chunkPart(text, { scan, state: initialState, limits });
  return { format, encoding, title: titleOf(file, state), chunks };
}

/** Gives the text that is cut into chunks, line for line that of the source, and its scanner. */
function prepare(source: string, format: Format): { readonly text: string; readonly scan: Scanner } {
  if (format !== "html") return { text: source, scan: scannerOf(format) };
  const html = htmlToText(source);
  return { text: html.text, scan: scanHtml(html) };
}

/**
 * Reads the text that was cut into chunks, line for line that of the file, in parts; `source` is what stands in the file, markup
 * and all. HTML and files that fit in memory come as one part.
 *
 * Errors: as `readParts`, whatever the file system says.
 */
export async function* textParts(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly text: string; readonly source: string }> {
  const { handle, sizeBytes } = await openFile(path);
  await using _handle = handle;
  const file = { path, sizeBytes };
  const format = formatOf(path);
  if (format === "html" && sizeBytes > maxHtmlBytes) throw tooLarge(file, maxHtmlBytes);
  const whole = format === "html" || sizeBytes <= wholeFileBytes;
  const sample = whole
    ? await handle.readFile(signal === undefined ? {} : { signal })
    : await readStart(handle, sampleBytes);
  const encoding = detectEncoding(sample, whole);
  if (encoding === undefined) throw binary(file);
  if (whole) {
    const source = decodeText(sample, encoding);
    yield { text: prepare(source, format).text, source };
    return;
  }
  const decoder = new TextDecoder(encoding);
  for await (const bytes of partsOf(handle, signal)) {
    if (holdsBinary(bytes, encoding)) throw binary(file);
    const text = decoder.decode(bytes, { stream: true });
    yield { text, source: text };
  }
}

function holdsBinary(bytes: Uint8Array, encoding: Encoding): boolean {
  return encoding !== "utf-16le" && encoding !== "utf-16be" && bytes.includes(0);
}

/** Is one part of a large document; the title is known from the first part on. */
export interface DocumentPart extends ReadDocument {
  readonly bytes: number;
  /** The hash of all that was read up to the end of this part. */
  readonly hash: () => string;
}

/**
 * Reads a large file in parts of about one million characters, cut at line ends, in bounded memory.
 *
 * Errors: file_binary, file_too_large (HTML), those of the file system.
 */
export async function* readParts(
  file: FoundFile,
  limits: ChunkLimits,
  signal?: AbortSignal,
): AsyncGenerator<DocumentPart> {
  const format = formatOf(file.path);
  await using handle = (await openFile(file.path)).handle;
  const encoding = detectEncoding(await readStart(handle, sampleBytes), false);
  if (encoding === undefined) throw binary(file);
  if (format === "html") {
    if (file.sizeBytes > maxHtmlBytes) throw tooLarge(file, maxHtmlBytes);
    const { bytes, hash } = await readBytes(file.path, signal);
    yield { ...readDocument(file, bytes, limits), bytes: bytes.length, hash: () => hash };
    return;
  }
  const reader = new PartReader(file, { format, encoding, limits });
  for await (const bytes of partsOf(handle, signal)) {
    const part = reader.take(bytes);
    if (part !== undefined) yield part;
  }
  const last = reader.take(undefined);
  if (last !== undefined) yield last;
}

class PartReader {
  private readonly file: FoundFile;
  private readonly format: Exclude<Format, "html">;
  private readonly encoding: Encoding;
  private readonly limits: ChunkLimits;
  private readonly decoder: InstanceType<typeof TextDecoder>;
  private readonly hash = createHash("sha256");
  private state = initialState;
  private text = "";
  private offset = 0;
  private line = 1;
  private bytes = 0;

  constructor(file: FoundFile, options: { format: Exclude<Format, "html">; encoding: Encoding; limits: ChunkLimits }) {
    this.file = file;
    this.format = options.format;
    this.encoding = options.encoding;
    this.limits = options.limits;
    this.decoder = new TextDecoder(options.encoding);
  }

  /** Adds bytes and gives a part when enough have come; undefined bytes end the file. */
  take(bytes: Uint8Array | undefined): DocumentPart | undefined {
    if (bytes !== undefined) {
      if (holdsBinary(bytes, this.encoding)) throw binary(this.file);
      this.hash.update(bytes);
      this.bytes += bytes.length;
      this.text += this.decoder.decode(bytes, { stream: true });
    } else this.text += this.decoder.decode();
    const cut = bytes === undefined ? this.text.length : cutOf(this.text);
    if (cut === 0) return undefined;
    const text = this.text.slice(0, cut);
    this.text = this.text.slice(cut);
    const origin = { offset: this.offset, line: this.line };
    const { chunks, state } = chunkPart(text, {
      scan: scannerOf(this.format),
      state: this.state,
      limits: this.limits,
      origin,
    });
    this.state = state;
    this.offset += cut;
    this.line += countLines(text, 0, text.length);
    const { format, encoding, bytes: total } = this;
    return {
      format,
      encoding,
      title: titleOf(this.file, state),
      chunks,
      bytes: total,
      hash: () => this.hash.copy().digest("hex"),
    };
  }
}

/** Finds where a part may end: after its last line, or anywhere when a line has no end in sight; 0 when more should be read first. */
function cutOf(text: string): number {
  if (text.length < partBytes) return 0;
  const newline = text.lastIndexOf("\n") + 1;
  if (newline > 0) return newline;
  if (text.length < 4 * partBytes) return 0;
  const code = text.charCodeAt(text.length - 1);
  return code >= 0xd800 && code <= 0xdbff ? text.length - 1 : text.length;
}

function titleOf(file: FoundFile, state: ScanState): string {
  return (
    state.title ??
    (basename(file.name, extname(file.name))
      .replace(/[._-]+/g, " ")
      .trim() ||
      file.name)
  );
}

function binary(file: Pick<FoundFile, "path">): AtlasError {
  return knowledgeErrors.create("file_binary", `${showPath(file.path)} holds binary data, not text.`);
}

/** Makes the error for a file over the limit. */
export function tooLarge(file: Pick<FoundFile, "path" | "sizeBytes">, limit: number): AtlasError {
  return knowledgeErrors.create(
    "file_too_large",
    `${showPath(file.path)} has ${file.sizeBytes} bytes; the limit is ${limit}.`,
  );
}
