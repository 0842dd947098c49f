import type { Database, Row } from "../storage/index.ts";
import { chunksPerCollection } from "./migrations.ts";
import type { RankWeights, WeightedTerm } from "./rank.ts";
import { defaultRankWeights, rankCandidates } from "./rank.ts";
import type { Term } from "./words.ts";
import { queryTerms } from "./words.ts";
import type { TermCounts } from "./term-counts.ts";

/**
 * Is a passage that answers a query.
 *
 * Units: lines count from 1, both ends included; offsets are UTF-16 code units of the document's readable text; `score` is
 * comparable within one search only.
 */
export type Hit = {
  readonly id: string;
  readonly collection: string;
  /** The absolute path of the file. */
  readonly source: string;
  /** The path below the folder that was ingested. */
  readonly name: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly start: number;
  readonly end: number;
  readonly score: number;
  readonly title: string;
  readonly headings: readonly string[];
  /** What the passage needs to be understood alone, such as the header row of its table. */
  readonly context?: string;
  readonly text: string;
};

/** Is one collection of the database, and whether a search is to look into it. */
export interface Searchable {
  readonly id: number;
  readonly name: string;
  readonly chunks: number;
  readonly wanted: boolean;
}

/** Is one search. */
export interface SearchJob {
  readonly query: string;
  /** All collections of the database. Order: by id. */
  readonly collections: readonly Searchable[];
  readonly limit: number;
  /** Keeps the documents whose name begins with it. */
  readonly under?: string | undefined;
  readonly weights?: RankWeights | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Weighs the columns of the full text: title, header, body, sub. */
const columnWeights = "2.0, 0.4, 1.0, 1.0";
const candidateCount = 100;
/** Scoring costs time for each row that holds a term. Up to this many rows all are scored; */
const scoredRows = 20_000;
/** above it only those that hold one of the rarer terms, which stand in at most this many. */
const rarerRows = 3500;

/** Searches the full text and orders what it finds by term coverage and proximity too. Order: best first. */
export async function search(database: Database, job: SearchJob, counts: TermCounts): Promise<readonly Hit[]> {
  const terms = queryTerms(job.query);
  if (terms.length === 0) return [];
  const chunks = job.collections.reduce((sum, collection) => sum + collection.chunks, 0);
  const held = await counts.of(terms, chunks, job.signal);
  const weighted = terms.map((term, index) => weigh(term, held[index] ?? 0, chunks)).sort((a, b) => a.rows - b.rows);
  const rows: Row[] = [];
  for (const span of spansOf(job.collections))
    rows.push(...(await candidates(database, job, { span, terms: weighted, all: chunks })));
  return order(rows, weighted, job);
}

/** Is a range of row ids in which all rows are to be searched. */
interface Span {
  readonly low: number;
  /** Not in it. */
  readonly high: number;
  readonly chunks: number;
}

/** Puts wanted collections together that have none between them that is not: a query costs the same for one as for many. */
function spansOf(collections: readonly Searchable[]): readonly Span[] {
  const spans: Span[] = [];
  let joins = false;
  for (const { id, chunks, wanted } of collections) {
    if (wanted) {
      const before = joins ? spans.pop() : undefined;
      const low = before?.low ?? id * chunksPerCollection;
      spans.push({ low, high: (id + 1) * chunksPerCollection, chunks: (before?.chunks ?? 0) + chunks });
    }
    joins = wanted;
  }
  return spans;
}

interface CountedTerm extends WeightedTerm {
  readonly word: string;
  readonly rows: number;
}

function weigh(term: Term, rows: number, chunks: number): CountedTerm {
  return { ...term, rows, idf: Math.log(1 + (Math.max(chunks, rows) - rows + 0.5) / (rows + 0.5)) };
}

/**
 * Writes the full-text expression. Every term is quoted, so that nothing in a query is syntax.
 *
 * With more rows than the budget, a row must hold one of the rarer terms; all terms count in its score.
 */
function matchOf(terms: readonly CountedTerm[], budget: number): string {
  const all = terms.map((term) => `"${term.word.replaceAll('"', "")}"`);
  let rows = 0;
  let needed = 0;
  for (const term of terms) {
    if (rows > 0 && rows + term.rows > budget) break;
    rows += term.rows;
    needed++;
  }
  const any = all.join(" OR ");
  return needed === all.length ? any : `(${all.slice(0, needed).join(" OR ")}) AND (${any})`;
}

async function candidates(
  database: Database,
  job: SearchJob,
  scope: { readonly span: Span; readonly terms: readonly CountedTerm[]; readonly all: number },
): Promise<readonly Row[]> {
  const { span, terms } = scope;
  const whole = matchOf(terms, Infinity);
  const pruned =
    Math.min(total(terms), span.chunks) > scoredRows ? matchOf(telling(terms, scope.all), rarerRows) : whole;
  const rows = await ready(database, job, { ...span, match: pruned });
  return rows.length < job.limit && whole !== pruned ? await ready(database, job, { ...span, match: whole }) : rows;
}

/** Leaves out the terms that stand in more than a quarter of all chunks: to walk over them costs most and tells least. */
function telling(terms: readonly CountedTerm[], chunks: number): readonly CountedTerm[] {
  const rarer = terms.filter((term) => term.rows * 4 <= chunks);
  return rarer.length > 0 ? rarer : terms;
}

function total(terms: readonly CountedTerm[]): number {
  return terms.reduce((sum, term) => sum + term.rows, 0);
}

interface Match {
  readonly low: number;
  readonly high: number;
  readonly match: string;
}

/**
 * Finds the best rows of documents that are ready. To look at each row's document costs more than the search itself, so that is
 * done only where the best rows hold some of a document that is being written or erased.
 */
async function ready(database: Database, job: SearchJob, match: Match): Promise<readonly Row[]> {
  const rows = await matching(database, job, { ...match, joins: job.under !== undefined && job.under !== "" });
  if (rows.every((row) => row["state"] === "ready")) return rows;
  return await matching(database, job, { ...match, joins: true });
}

async function matching(
  database: Database,
  job: SearchJob,
  scope: Match & { readonly joins: boolean },
): Promise<readonly Row[]> {
  // What leaves rows out joins before the limit, so that rows are there when rows exist; without that, the join waits until after it.
  const inner = scope.joins
    ? {
        join: `JOIN knowledge_chunk nc ON nc.id = knowledge_fts.rowid JOIN knowledge_document nd ON nd.id = nc.document_id`,
        where: `AND nd.state = 'ready' AND substr(nd.name, 1, length(?5)) = ?5`,
      }
    : { join: "", where: "" };
  return await database.read(
    {
      sql: `SELECT f.id, f.score, c.start, c."end", c.start_line, c.end_line, c.headings, c.context, c.text, d.uri, d.name, d.title, d.state
            FROM (SELECT knowledge_fts.rowid AS id, bm25(knowledge_fts, ${columnWeights}) AS score FROM knowledge_fts ${inner.join}
                  WHERE knowledge_fts MATCH ?1 AND knowledge_fts.rowid >= ?2 AND knowledge_fts.rowid < ?3 ${inner.where}
                  ORDER BY score LIMIT ?4) AS f
            JOIN knowledge_chunk c ON c.id = f.id JOIN knowledge_document d ON d.id = c.document_id`,
      params: [
        scope.match,
        scope.low,
        scope.high,
        Math.max(candidateCount, job.limit),
        ...(scope.joins ? [job.under ?? ""] : []),
      ],
    },
    { signal: job.signal },
  );
}

function order(rows: readonly Row[], terms: readonly WeightedTerm[], job: SearchJob): readonly Hit[] {
  const scores = rankCandidates(
    terms,
    rows.map((row) => ({
      text: String(row["text"]),
      heading: `${String(row["title"])}\n${String(row["name"])}\n${String(row["headings"])}\n${String(row["context"])}`,
      bm25: -Number(row["score"]),
    })),
    job.weights ?? defaultRankWeights,
  );
  const names = new Map(job.collections.map(({ id, name }) => [id, name]));
  const hits = rows
    .map((row, index) => ({ row, score: scores[index] ?? 0 }))
    .sort((a, b) => b.score - a.score || Number(a.row["id"]) - Number(b.row["id"]))
    .map(({ row, score }) => hitOf(row, score, names.get(collectionOf(Number(row["id"]))) ?? ""));
  // A file that stands in two collections gives each of its passages twice.
  const places = new Map(hits.toReversed().map((hit) => [`${hit.start} ${hit.source}`, hit]));
  return hits.filter((hit) => places.get(`${hit.start} ${hit.source}`) === hit).slice(0, job.limit);
}

function hitOf(row: Row, score: number, collection: string): Hit {
  const context = String(row["context"]);
  return {
    id: passageId(Number(row["id"])),
    collection,
    source: String(row["uri"]),
    name: String(row["name"]),
    startLine: Number(row["start_line"]),
    endLine: Number(row["end_line"]),
    start: Number(row["start"]),
    end: Number(row["end"]),
    score: Math.round(score * 10_000) / 10_000,
    title: String(row["title"]),
    // Written by the store: a list of texts.
    headings: JSON.parse(String(row["headings"])) as readonly string[],
    ...(context === "" ? {} : { context }),
    text: String(row["text"]),
  };
}

/** Makes the short name by which an answer cites a chunk: `p` and its number, then `c` and its collection's unless that is the first. */
function passageId(chunk: number): string {
  const collection = collectionOf(chunk);
  return `p${chunk % chunksPerCollection}${collection === 1 ? "" : `c${collection}`}`;
}

function collectionOf(chunk: number): number {
  return Math.floor(chunk / chunksPerCollection);
}
