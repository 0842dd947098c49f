// Measures the offline model on documents that stand in node_modules: node tools/eval-offline.ts [--set tune|held|all] [--knowledge] [--verbose]
// With --knowledge the product's own ingest and search find the passages; without it, a small BM25 in this script does.
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createKnowledge, passageOf } from "../src/knowledge/index.ts";
import type { Message, ToolDefinition } from "../src/providers/message.ts";
import type { Passage } from "../src/providers/passage.ts";
import { userMessage } from "../src/providers/message.ts";
import { offline } from "../src/providers/offline/offline.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import { stemOf, termsOf } from "../src/providers/offline/terms.ts";

type Answerable = { readonly question: string; readonly file: string; readonly phrase: string };
type Questions = {
  readonly documents: readonly string[];
  readonly answerable: readonly Answerable[];
  readonly unanswerable: readonly string[];
};
type Index = {
  readonly passages: readonly Passage[];
  readonly counts: readonly ReadonlyMap<string, number>[];
  readonly frequency: ReadonlyMap<string, number>;
  readonly meanLength: number;
};
type Search = (query: string) => Promise<readonly Passage[]>;
type Reply = { readonly text: string; readonly answered: boolean; readonly passages: readonly Passage[] };

const root = join(import.meta.dirname, "..", "node_modules");
const chunkChars = 1_200;
const perSearch = 10;
const tool: ToolDefinition = {
  name: "search_documents",
  description: "Searches the documents.",
  purpose: "retrieval",
  inputSchema: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
};

async function filesOf(path: string): Promise<string[]> {
  const full = join(root, path);
  if (!(await stat(full)).isDirectory()) return [path];
  const names = await readdir(full, { recursive: true });
  return names
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${path}/${name}`)
    .sort();
}

/** Cuts a document at its headings and, inside a section, at blank lines. */
function chunk(source: string, text: string): Passage[] {
  const passages: Passage[] = [];
  const headings: string[] = [];
  let lines: string[] = [];
  let start = 1;
  let isFenced = false;
  const flush = (next: number): void => {
    const body = lines.join("\n");
    if (body.trim() !== "") {
      const id = `p${source.length}-${source.replace(/\W+/g, "")}-${start}`;
      const title = headings[1] ?? source;
      passages.push({
        id,
        source,
        startLine: start,
        endLine: next - 1,
        score: 0,
        title,
        headings: headings.filter((each) => each !== undefined),
        text: body,
      });
    }
    lines = [];
    start = next;
  };
  text.split("\n").forEach((line, index) => {
    if (/^\s*(?:```|~~~)/.test(line)) isFenced = !isFenced;
    const found = isFenced ? null : /^(#{1,6})\s+(.*)/.exec(line);
    const size = lines.reduce((sum, each) => sum + each.length, 0);
    if (found || (size > chunkChars && !isFenced && (line.trim() === "" || /^\s*[*-] /.test(line)))) flush(index + 1);
    if (found) {
      headings.length = found[1]?.length ?? 1;
      headings.push(found[2] ?? "");
    }
    lines.push(line);
  });
  flush(text.split("\n").length + 1);
  return passages;
}

function indexOf(passages: readonly Passage[]): Index {
  const frequency = new Map<string, number>();
  const counts = passages.map((passage) => {
    const own = new Map<string, number>();
    const headed = `${(passage.headings ?? []).join(" ")} ${passage.source} `;
    for (const { stem } of termsOf(headed + passage.text)) own.set(stem, (own.get(stem) ?? 0) + 1);
    for (const stem of own.keys()) frequency.set(stem, (frequency.get(stem) ?? 0) + 1);
    return own;
  });
  const meanLength = counts.reduce((sum, own) => sum + own.size, 0) / counts.length;
  return { passages, counts, frequency, meanLength };
}

function search(index: Index, query: string): Passage[] {
  const stems = [
    ...new Set(
      query
        .split(/[^\p{L}\p{N}_$]+/u)
        .filter((word) => word !== "")
        .map(stemOf),
    ),
  ];
  const scored = index.passages.map((passage, place) => {
    const own = index.counts[place] ?? new Map<string, number>();
    let score = 0;
    for (const stem of stems) {
      const count = own.get(stem) ?? 0;
      const documents = index.frequency.get(stem) ?? 0;
      const rarity = Math.log(1 + (index.passages.length - documents + 0.5) / (documents + 0.5));
      score += (rarity * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * own.size) / index.meanLength));
    }
    return { ...passage, score };
  });
  return scored
    .filter((passage) => passage.score > 0)
    .sort((one, other) => other.score - one.score)
    .slice(0, perSearch);
}

/** Talks to the model as an agent does: runs its searches until it answers. */
async function ask(find: Search, question: string): Promise<Reply> {
  const messages: Message[] = [userMessage(question)];
  const seen = new Map<string, Passage>();
  for (let turn = 0; turn < 5; turn++) {
    let text = "";
    let answered = false;
    const calls: { id: string; name: string; query: string }[] = [];
    for await (const part of offline().stream({ messages, tools: [tool] })) {
      if (part.type === "text.delta") text += part.text;
      if (part.type === "tool.completed") {
        const { query } = part.input as { query: string };
        calls.push({ id: part.id, name: part.name, query });
      }
      if (part.type === "response.finished") answered = part.metadata["answered"] === true;
    }
    if (calls.length === 0) return { text, answered, passages: [...seen.values()] };
    messages.push({
      role: "assistant",
      content: calls.map(({ id, name, query }) => ({ type: "tool.call", id, name, input: { query } })),
    });
    const results = await Promise.all(calls.map(async (call) => ({ ...call, passages: await find(call.query) })));
    for (const passage of results.flatMap((result) => result.passages)) seen.set(passage.id, passage);
    messages.push({
      role: "tool",
      content: results.map(({ id, name, passages }) => ({ type: "tool.result", id, name, output: { passages } })),
    });
  }
  throw new Error(`The model did not answer within five turns: ${question}`);
}

const { values: flags } = parseArgs({
  options: {
    set: { type: "string", default: "all" },
    knowledge: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
// Every third question is held out: it is looked at when nothing is tuned any more.
const inSet = (_: unknown, place: number): boolean =>
  flags.set === "all" || (flags.set === "held") === (place % 3 === 2);
const spoken = (text: string): string => text.replace(/\s+/g, " ").toLowerCase();
const questions = JSON.parse(
  await readFile(join(import.meta.dirname, "eval-offline.questions.json"), "utf8"),
) as Questions;
const files = (await Promise.all(questions.documents.map(filesOf))).flat();
const index = indexOf(
  (await Promise.all(files.map(async (file) => chunk(file, await readFile(join(root, file), "utf8"))))).flat(),
);

const directory = await mkdtemp(join(tmpdir(), "atlas-eval-"));
await using database = await sqlite({ path: join(directory, "eval.db") });
const knowledge = await createKnowledge({ database });
if (flags.knowledge) await knowledge.ingest({ paths: files.map((file) => join(root, file)) });
const find: Search = async (query) =>
  flags.knowledge ? (await knowledge.search({ query, limit: perSearch })).map(passageOf) : search(index, query);

const tally = {
  answerable: 0,
  retrieved: 0,
  file: 0,
  phrase: 0,
  refusedWrongly: 0,
  unverified: 0,
  unanswerable: 0,
  refused: 0,
};
for (const { question, file, phrase } of questions.answerable.filter(inSet)) {
  const reply = await ask(find, question);
  const cited = reply.passages.filter((passage) => reply.text.includes(`[${passage.id}]`));
  const hasFile = cited.some((passage) => passage.source.endsWith(file));
  const hasPhrase = spoken(reply.text).includes(spoken(phrase));
  const wasFound = reply.passages.some(
    (passage) => passage.source.endsWith(file) && spoken(passage.text).includes(spoken(phrase)),
  );
  tally.answerable++;
  tally.retrieved += Number(wasFound);
  tally.file += Number(hasFile);
  tally.phrase += Number(hasPhrase);
  tally.refusedWrongly += Number(!reply.answered);
  if (flags.verbose && !(hasFile && hasPhrase))
    console.log(
      `\n### ${question}\n[file ${hasFile}, phrase ${hasPhrase}, retrieved ${wasFound}, answered ${reply.answered}]\n${reply.text.slice(0, 900)}`,
    );
}
for (const question of questions.unanswerable.filter(inSet)) {
  const reply = await ask(find, question);
  tally.unanswerable++;
  tally.refused += Number(!reply.answered);
  if (flags.verbose && reply.answered) console.log(`\n### UNANSWERABLE ${question}\n${reply.text.slice(0, 700)}`);
}
const share = (count: number, of: number): number => Math.round((1000 * count) / Math.max(1, of)) / 10;
console.log(
  JSON.stringify({
    set: flags.set,
    search: flags.knowledge ? "knowledge" : "bm25",
    passages: index.passages.length,
    answerable: tally.answerable,
    unanswerable: tally.unanswerable,
    retrieved_percent: share(tally.retrieved, tally.answerable),
    right_file_percent: share(tally.file, tally.answerable),
    phrase_percent: share(tally.phrase, tally.answerable),
    wrongly_refused_percent: share(tally.refusedWrongly, tally.answerable),
    unanswerable_refused_percent: share(tally.refused, tally.unanswerable),
  }),
);
await rm(directory, { recursive: true });
