import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createKnowledge } from "../src/knowledge/index.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import type { BenchResult } from "./lib/harness.ts";
import { alternate } from "./lib/harness.ts";

const packages = ["zod", "undici", "commander", "csv-parse", "fast-check", "yaml", "undici-types", "vitest"];
const readable = /\.(?:md|ts|mts|js|mjs)$/;
const maxBytes = 12_000_000;
const unchangedFiles = 5000;

/**
 * Measures how fast Markdown and source are taken in (read, hashed, cut, indexed, durable), against reading and hashing the same
 * files in the same run, and what an ingest costs when nothing changed.
 */
export async function run(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-ingest-"));
  try {
    const corpus = join(folder, "corpus");
    const size = await copySources(corpus);
    const files = (await readdir(corpus, { recursive: true }))
      .filter((name) => readable.test(name))
      .map((name) => join(corpus, name));
    let round = 0;
    const speeds = await alternate({
      hash: async () => await megabytesPerSecond(size.bytes, () => hashAll(files)),
      ingest: async () => {
        await using database = await sqlite({ path: join(folder, `${round++}.db`) });
        const knowledge = await createKnowledge({ database });
        return await megabytesPerSecond(size.bytes, () => knowledge.ingest({ paths: [corpus] }));
      },
    });
    const again = await reingest(folder);
    return {
      metrics: {
        ingest_mb_per_s: speeds.ingest,
        hash_mb_per_s: speeds.hash,
        corpus_mb: size.bytes / 1e6,
        corpus_files: size.files,
        first_5000_ms: again.firstMs,
        reingest_5000_ms: again.againMs,
        reingest_chunks_written: again.chunksWritten,
      },
      ratios: { vs_hash: speeds.ingest / speeds.hash },
      notes: [
        `Corpus: Markdown and source of installed packages (${packages.join(", ")}); synchronous=FULL; files warm in the page cache.`,
        "The floor reads 16 files at once and hashes them with SHA-256; it keeps nothing.",
        "Re-ingest: 5,000 files of about 2 KB, walked and compared, none read. HTML, CSV and JSON are left out of the speed.",
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function copySources(corpus: string): Promise<{ bytes: number; files: number }> {
  let bytes = 0;
  let files = 0;
  for (const name of packages) {
    const root = resolve(import.meta.dirname, "../node_modules", name);
    for (const path of (await readdir(root, { recursive: true }).catch(() => [])).toSorted((a, b) =>
      a < b ? -1 : 1,
    )) {
      if (!readable.test(path) || /(?:^|\/)(?:node_modules|dist)\/|\.min\./.test(path)) continue;
      const info = await stat(join(root, path));
      if (!info.isFile() || bytes + info.size > maxBytes) continue;
      await cp(join(root, path), join(corpus, name, path));
      bytes += info.size;
      files++;
    }
  }
  return { bytes, files };
}

async function hashAll(files: readonly string[]): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let file = files[next++]; file !== undefined; file = files[next++])
      createHash("sha256")
        .update(await readFile(file))
        .digest("hex");
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

async function megabytesPerSecond(bytes: number, work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return bytes / 1e3 / (performance.now() - begin);
}

async function reingest(folder: string): Promise<{ firstMs: number; againMs: number; chunksWritten: number }> {
  const many = join(folder, "many");
  for (let index = 0; index < unchangedFiles; index++) {
    const below = join(many, `folder-${index % 50}`);
    if (index < 50) await mkdir(below, { recursive: true });
    await writeFile(
      join(below, `${index}.md`),
      `# Document ${index}\n\n${`Sentence ${index} of a text that stays as it is. `.repeat(40)}\n`,
    );
  }
  await using database = await sqlite({ path: join(folder, "many.db") });
  const knowledge = await createKnowledge({ database });
  const first = await knowledge.ingest({ paths: [many] });
  const again = await knowledge.ingest({ paths: [many] });
  return { firstMs: first.durationMs, againMs: again.durationMs, chunksWritten: again.chunksWritten };
}
