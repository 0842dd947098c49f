import type { JsonValue } from "../../base/index.ts";
import type { RetrievedPassage } from "../../knowledge/index.ts";
import { ingestPaths, passageOf } from "../../knowledge/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { agent } from "../../agents/index.ts";
import type { AnyAgent } from "../../agents/index.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Asking, MemberResult } from "./asking.ts";
import { brief } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";
import { coverage, wordsOf } from "../words.ts";

/** Are the options of `retrievalAnswer`. */
export interface RetrievalAnswerOptions extends PatternOptions {
  /** Files and folders; those that the team was started with are searched too. */
  readonly knowledge: readonly string[];
  /** Answers from the documents, which it can search; one with the configured or detected model by default. */
  readonly answerer?: AnyAgent;
  /** Writes another query where one found too little, from the goal and the queries before; by default words are left out. */
  readonly rewriter?: Runnable;
  /** How much of the query's words a passage must hold to count. Units: 0 to 1; 0.2 by default. */
  readonly relevance?: number;
  /** Units: 3 by default. */
  readonly maxQueries?: number;
  /** Is the answer where nothing is found. */
  readonly nothing?: string;
}

type Grade = "supported" | "unsupported" | "unanswered" | "unfound";

/** Is the best answer so far. */
interface Best {
  readonly result: MemberResult;
  readonly grade: Grade;
}

const instructions =
  "Answer from the documents alone, and cite each statement by the id of its passage in square brackets. Say what they do not answer.";
const worth: Readonly<Record<Grade, number>> = { supported: 3, unsupported: 2, unanswered: 1, unfound: 0 };

/**
 * Makes a team that answers from documents: it searches, keeps the passages that hold enough of the query's words, has them answered with
 * citations, and checks the answer: every mark must be supported by the files. Where nothing is found, or the answer is not supported, it
 * asks with another query, a bounded number of times, and gives the best answer there was.
 *
 * Shape: it adds the events `passages.graded` { query, kept, dropped, best }, `answer.graded` { grade, citations, unverified } and `query.rewritten` { from, to, reason }.
 * `metadata` has `grade` (`supported`, `unsupported`, `unanswered` or `unfound`) and `queries`.
 * Errors: team_invalid; team_failed where there are no documents in the program, or the answerer failed each time; knowledge_empty.
 * @example examples/patterns.ts
 */
export function retrievalAnswer(options: RetrievalAnswerOptions): Team {
  const { name, rewriter, relevance = 0.2, maxQueries = 3, nothing = "The documents do not answer this." } = options;
  const answerer = options.answerer ?? agent<unknown>({ name: `${name}.answerer`, instructions });
  return patternTeam(options, {
    members: rewriter === undefined ? [answerer] : [answerer, rewriter],
    defaults: { maxRounds: maxQueries },
    async run(asking, context, goal) {
      const paths = [...options.knowledge, ...(context.input.knowledge ?? [])];
      const queries: string[] = [goal];
      let best: Best | undefined;
      let query: string | undefined = goal;
      while (query !== undefined && queries.length <= maxQueries && asking.beginRound()) {
        const kept: readonly RetrievedPassage[] = await retrieve(context, { paths, query, relevance });
        let grade: Grade = "unfound";
        if (kept.length > 0) {
          const given = await asking.ask(answerer, questionOf(goal, queries), { knowledge: paths });
          if (given.status === "limited") break;
          if (given.status === "answered") {
            grade = gradeOf(given.result);
            const { citations, unverified } = given.result;
            context.emit({ type: "answer.graded", data: { grade, citations: citations.length, unverified } });
            if (best === undefined || worth[grade] > worth[best.grade]) best = { result: given.result, grade };
          }
        }
        if (grade === "supported") break;
        const before = query;
        query = await rewritten(asking, rewriter, { goal, queries, kept });
        if (query === undefined || queries.length >= maxQueries) break;
        queries.push(query);
        context.emit({ type: "query.rewritten", data: { from: before, to: query, reason: grade } });
      }
      return end(asking, { best, queries, nothing });
    },
  });
}

/** Searches, and keeps what holds enough of the query's words. */
async function retrieve(
  context: TeamContext,
  { paths, query, relevance }: { paths: readonly string[]; query: string; relevance: number },
): Promise<readonly RetrievedPassage[]> {
  const found = await context.step("retrieve", async ({ signal }) => {
    const { knowledge, maxFileBytes } = context.documents();
    const { collections } = await ingestPaths(knowledge, paths, { signal, maxFileBytes });
    const hits = await knowledge.search({ query, collections, limit: 12, signal });
    return hits.map(passageOf);
  });
  const graded = found.map((passage) => ({
    passage,
    grade: coverage(query, [passage.title, ...(passage.headings ?? []), passage.text].join(" ")),
  }));
  const kept = graded.filter(({ grade }) => grade >= relevance).map(({ passage }) => passage);
  const best = Math.max(0, ...graded.map(({ grade }) => Math.round(grade * 100) / 100));
  const data = { query, kept: kept.length, dropped: found.length - kept.length, best };
  context.emit({ type: "passages.graded", data });
  return kept;
}

function gradeOf({ citations, unverified, metadata }: MemberResult): Grade {
  if (metadata["answered"] === false) return "unanswered";
  return citations.length > 0 && unverified === 0 ? "supported" : "unsupported";
}

function questionOf(goal: string, queries: readonly string[]): string {
  return queries.length === 1 ? goal : `${goal}\n\nLook for: ${queries.at(-1) ?? goal}`;
}

/** Writes another query; undefined where there is none that was not made. */
async function rewritten(
  asking: Asking,
  rewriter: Runnable | undefined,
  { goal, queries, kept }: { goal: string; queries: readonly string[]; kept: readonly RetrievedPassage[] },
): Promise<string | undefined> {
  if (rewriter !== undefined) {
    const given = await asking.ask(rewriter, brief(rewriter, goal, { "queries so far": [...queries] }));
    const text = given.status === "answered" ? given.result.text.trim() : "";
    if (text !== "" && !queries.includes(text)) return text;
  }
  return shorter(queries.at(-1) ?? goal, kept, queries);
}

/** Leaves out the half of the words that the passages hold least of: the words that stay find what the documents call it. */
function shorter(query: string, kept: readonly RetrievedPassage[], made: readonly string[]): string | undefined {
  const text = kept.map((passage) => passage.text).join(" ");
  const words = [...new Set(query.match(/[\p{L}\p{N}_-]+/gu) ?? [])].filter((word) => wordsOf(word).size > 0);
  if (words.length < 2) return undefined;
  const ranked = words.map((word, at) => ({ word, at, held: coverage(word, text), length: word.length }));
  const best = ranked.toSorted((a, b) => b.held - a.held || b.length - a.length || a.at - b.at);
  const half = best.slice(0, Math.ceil(words.length / 2)).toSorted((a, b) => a.at - b.at);
  const next = half.map(({ word }) => word).join(" ");
  return made.includes(next) ? undefined : next;
}

function end(
  asking: Asking,
  { best, queries, nothing }: { best: Best | undefined; queries: readonly string[]; nothing: string },
) {
  const metadata = { grade: best?.grade ?? "unfound", queries: [...queries] };
  if (best === undefined) return asking.conclude<JsonValue>(nothing, { from: [], text: nothing, metadata });
  const { output, text, finishReason } = best.result;
  const result = { ...best.result.metadata, ...metadata };
  return asking.conclude<JsonValue>(output, { from: [best.result], text, finishReason, metadata: result });
}
