import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Knowledge } from "../../src/knowledge/index.ts";

/** Is one document of a test collection. */
export interface TestDocument {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** Is a query with the ids of the documents that answer it and how well. */
export interface TestQuery {
  readonly text: string;
  readonly relevant: ReadonlyMap<string, number>;
}

/** Is a retrieval test collection. */
export interface TestCollection {
  readonly documents: readonly TestDocument[];
  readonly queries: readonly TestQuery[];
}

/** Finds the folder of the test collections: ATLAS_BENCH_DATA, or `../shared/data` beside the repository; undefined when there is none. */
export function dataFolder(): string | undefined {
  const folder = process.env["ATLAS_BENCH_DATA"] ?? resolve(import.meta.dirname, "../../../shared/data");
  return existsSync(folder) ? folder : undefined;
}

/** Reads a collection in BEIR's layout; `split` names the queries (`test`, `train`, or empty where there is one set). */
export async function readCollection(folder: string, split: string): Promise<TestCollection> {
  const suffix = split === "" ? "" : `.${split}`;
  const documents = await readLines<{ _id: string; title: string; text: string }>(join(folder, "corpus.jsonl"));
  const queries = await readLines<{ _id: string; text: string }>(join(folder, `queries${suffix}.jsonl`));
  const relevant = new Map<string, Map<string, number>>();
  for (const line of (await readFile(join(folder, `qrels${suffix}.tsv`), "utf8")).split("\n").slice(1)) {
    const [query = "", document = "", grade = "0"] = line.trim().split("\t");
    if (Number(grade) > 0)
      relevant.set(query, (relevant.get(query) ?? new Map<string, number>()).set(document, Number(grade)));
  }
  return {
    documents: documents.map(({ _id, title, text }) => ({ id: _id, title, text })),
    queries: queries.flatMap(({ _id, text }) => {
      const grades = relevant.get(_id);
      return grades === undefined ? [] : [{ text, relevant: grades }];
    }),
  };
}

async function readLines<T>(path: string): Promise<T[]> {
  const text = await readFile(path, "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** Writes each document as a Markdown file; gives the id of each file's document by the file's path. */
export async function writeDocuments(
  documents: readonly TestDocument[],
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  await mkdir(folder, { recursive: true });
  const ids = new Map<string, string>();
  for (const [index, document] of documents.entries()) {
    const path = join(folder, `${index}.md`);
    ids.set(path, document.id);
    await writeFile(path, `# ${document.title}\n\n${document.text}\n`);
  }
  return ids;
}

/** Is how well the documents were found: means over the queries, each in 0..1. */
export interface Quality {
  readonly ndcg10: number;
  readonly recall100: number;
}

/** Searches with every query and compares the documents found, each at the place of its best passage, with those that answer. */
export async function measureQuality(
  knowledge: Knowledge,
  options: {
    readonly collection: string;
    readonly queries: readonly TestQuery[];
    readonly ids: ReadonlyMap<string, string>;
  },
): Promise<Quality> {
  let ndcg = 0;
  let recall = 0;
  for (const query of options.queries) {
    const hits = await knowledge.search({ query: query.text, collections: [options.collection], limit: 200 });
    const found = [...new Set(hits.map((hit) => options.ids.get(hit.source) ?? ""))];
    const gain = found
      .slice(0, 10)
      .reduce((sum, id, place) => sum + (query.relevant.get(id) ?? 0) / Math.log2(place + 2), 0);
    const ideal = [...query.relevant.values()]
      .toSorted((a, b) => b - a)
      .slice(0, 10)
      .reduce((sum, grade, place) => sum + grade / Math.log2(place + 2), 0);
    ndcg += gain / ideal;
    recall += found.slice(0, 100).filter((id) => query.relevant.has(id)).length / query.relevant.size;
  }
  return { ndcg10: ndcg / options.queries.length, recall100: recall / options.queries.length };
}
