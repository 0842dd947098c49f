import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseJson, systemClock } from "../base/index.ts";
import type { Database } from "../storage/index.ts";
import { sqlite } from "../storage/adapters/sqlite.ts";
import { silentLogger } from "../telemetry/index.ts";
import type { Knowledge } from "./knowledge.ts";
import { createKnowledge } from "./knowledge.ts";
import { passagesIn, retrievalTool } from "./retrieval-tool.ts";
import { CollectionStore } from "./store.ts";

let folder: string;
let docs: string;
let database: Database;
let knowledge: Knowledge;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "atlas-knowledge-"));
  docs = join(folder, "docs");
  await mkdir(docs);
  database = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
  knowledge = await createKnowledge({ database });
});

afterEach(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const write = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(docs, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
};
const ingest = () => knowledge.ingest({ paths: [docs] });
const find = async (query: string) => (await knowledge.search({ query })).map((hit) => hit.name);
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "none",
    (error: { code?: string }) => error.code,
  );
const rowsLeft = async (): Promise<unknown> =>
  (
    await database.read({
      sql: `SELECT (SELECT count(*) FROM knowledge_chunk) + (SELECT count(*) FROM knowledge_fts) + (SELECT count(*) FROM knowledge_document) AS n`,
    })
  )[0]?.["n"];

test("documents of every format are found, with their lines and headings", async () => {
  await write("guide.md", "# Guide\n\nWelcome.\n\n## Retries\n\nA request is retried three times.\n");
  await write("page.html", "<html>\n<h1>Pricing</h1>\n<p>The <b>walrus</b> plan costs nothing.</p></html>");
  await write("src/box.ts", "export class Box {\n  getUserName() {\n    return 1;\n  }\n}\n");
  await write("rows.csv", "animal,sound\nokapi,hum\n");
  await write("data.json", '{"planets": {"pluto": "dwarf"}}');
  await write("notes.txt", "Plain words about marmalade.");
  const report = await ingest();
  expect(report).toMatchObject({ files: { added: 6, changed: 0, failed: 0 }, failures: [] });
  const [hit] = await knowledge.search({ query: "retried request" });
  expect(hit).toMatchObject({
    name: "guide.md",
    source: join(docs, "guide.md"),
    title: "Guide",
    startLine: 1,
    endLine: 7,
  });
  expect(await find("walrus costs")).toEqual(["page.html"]);
  expect((await find("user name"))[0]).toBe("src/box.ts");
  expect((await find("okapi"))[0]).toBe("rows.csv");
  expect(await find("pluto")).toEqual(["data.json"]);
  expect(await find("marmalade")).toEqual(["notes.txt"]);
  expect(await knowledge.collections()).toMatchObject([{ name: "default", documents: 6, chunks: 6 }]);
});

test("unchanged files are not read, touched ones not written, removed ones vanish even when another holds the same", async () => {
  const one = await write("one.md", "zebra stripes");
  await write("two.md", "zebra stripes");
  await ingest();
  expect(await ingest()).toMatchObject({ files: { unchanged: 2 }, chunksWritten: 0, bytes: 0 });
  await utimes(one, 1, 1);
  expect(await ingest()).toMatchObject({ files: { unchanged: 2, changed: 0 }, chunksWritten: 0 });
  await rm(one);
  expect(await ingest()).toMatchObject({ files: { unchanged: 1, removed: 1 } });
  expect(await find("zebra")).toEqual(["two.md"]);
  await write("two.md", "lion mane");
  expect(await ingest()).toMatchObject({ files: { changed: 1 } });
  expect(await find("zebra")).toEqual([]);
  expect(await find("lion")).toEqual(["two.md"]);
});

test("only what stands under the named paths is taken out", async () => {
  const a = await write("a/x.md", "alpha");
  await write("b/x.md", "beta");
  await knowledge.ingest({ paths: [join(docs, "a"), join(docs, "b")] });
  await rm(a);
  expect(await knowledge.ingest({ paths: [join(docs, "b")] })).toMatchObject({ files: { removed: 0 } });
  expect(await knowledge.ingest({ paths: [join(docs, "a")] })).toMatchObject({ files: { removed: 1 } });
});

test("a removed collection leaves no row", async () => {
  await write("a.md", "alpha ".repeat(100_000));
  await ingest();
  await knowledge.remove("default");
  expect(await rowsLeft()).toBe(0);
  expect(await codeOf(knowledge.search({ query: "alpha", collections: ["default"] }))).toBe(
    "knowledge_collection_missing",
  );
});

test("many documents are taken in and out in few commits", async () => {
  for (let index = 0; index < 64; index++) await write(`${index}.md`, `walnut ${index}`);
  let writing = 0;
  let most = 0;
  const counting: Database = {
    capabilities: database.capabilities,
    read: (statement, options) => database.read(statement, options),
    migrate: (domain, migrations) => database.migrate(domain, migrations),
    lock: (name) => database.lock(name),
    isLocked: (name) => database.isLocked(name),
    notify: () => database.notify(),
    listen: (changed) => database.listen(changed),
    check: () => database.check(),
    backup: (path, options) => database.backup(path, options),
    async write(statements) {
      most = Math.max(most, ++writing);
      return await database.write(statements).finally(() => writing--);
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
  const counted = await createKnowledge({ database: counting });
  const mostOf = async (work: () => Promise<unknown>): Promise<number> => {
    most = 0;
    await work();
    return most;
  };
  expect(await mostOf(() => counted.ingest({ paths: [docs] }))).toBeGreaterThan(4);
  await rm(docs, { recursive: true });
  await mkdir(docs);
  expect(await mostOf(() => counted.ingest({ paths: [docs] }))).toBeGreaterThan(4);
  expect(await rowsLeft()).toBe(0);
  for (let index = 0; index < 64; index++) await write(`${index}.md`, `walnut ${index}`);
  await counted.ingest({ paths: [docs] });
  expect(await mostOf(() => counted.remove("default"))).toBeGreaterThan(4);
  expect(await rowsLeft()).toBe(0);
});

test("a missing path, an empty folder and a bad name say so", async () => {
  expect(await codeOf(knowledge.ingest({ paths: [join(docs, "nowhere")] }))).toBe("knowledge_source_missing");
  expect(await ingest()).toMatchObject({ files: { added: 0 }, chunksWritten: 0 });
  expect(await codeOf(knowledge.search({ query: "x" }))).toBe("knowledge_empty");
  expect(await codeOf(knowledge.ingest({ paths: [docs], collection: "../x\n" }))).toBe("invalid_input");
  expect(await codeOf(knowledge.ingest({ paths: [] }))).toBe("invalid_input");
  expect(await codeOf(knowledge.remove("none"))).toBe("knowledge_collection_missing");
});

test("binary files are skipped in a folder, once, and a failure when named; other encodings are read", async () => {
  const picture = await write("a.png", Buffer.from([137, 80, 78, 71, 0, 0, 1, 2]));
  await write("utf16.txt", Buffer.from("\ufeffOtter im Fluss", "utf16le"));
  await write("latin.txt", Buffer.from("Stra\xdfe caf\xe9", "latin1"));
  expect(await ingest()).toMatchObject({ files: { added: 2, skipped: 1, failed: 0 } });
  expect(await ingest()).toMatchObject({ files: { unchanged: 2, skipped: 1 }, bytes: 0 });
  expect(await find("otter")).toEqual(["utf16.txt"]);
  expect(await find("cafe")).toEqual(["latin.txt"]);
  const named = await knowledge.ingest({ paths: [picture], collection: "named" });
  expect(named).toMatchObject({ files: { failed: 1 }, failures: [{ path: picture, code: "file_binary" }] });
});

test("a file over the limit fails alone and leaves nothing of its older state", async () => {
  await write("big.txt", "pelican");
  await write("small.txt", "heron");
  await ingest();
  await write("big.txt", "pelican ".repeat(1000));
  const report = await knowledge.ingest({ paths: [docs], maxFileBytes: 1000 });
  expect(report).toMatchObject({ files: { unchanged: 1, failed: 1 }, failures: [{ code: "file_too_large" }] });
  expect(await find("pelican")).toEqual([]);
});

test("links are not followed below a folder, so loops end; a folder that is a link is read", async () => {
  await write("inner/a.md", "alpha");
  await symlink(docs, join(docs, "inner", "loop"));
  await symlink(join(folder, "atlas.db"), join(docs, "outside"));
  await symlink(docs, join(folder, "link"));
  expect(await knowledge.ingest({ paths: [join(folder, "link")] })).toMatchObject({ files: { added: 1, failed: 0 } });
});

test("names with control characters are read and escaped where they are shown", async () => {
  await write("a\u001b[31m\n.md", "# Weird\n\nquokka");
  const named = await write("b\u0007.bin", Buffer.from([0, 1]));
  expect(await ingest()).toMatchObject({ files: { added: 1 } });
  expect(await find("quokka")).toHaveLength(1);
  const report = await knowledge.ingest({ paths: [named], collection: "other" });
  expect(report.failures[0]?.path).toContain("b\\u{7}.bin");
});

test("a file or folder whose name is not UTF-8 is a failure, its bytes escaped", async (context) => {
  await write("good.md", "walnut");
  const bad = Buffer.concat([Buffer.from(`${docs}/bad\u001b`), Buffer.of(0xfe), Buffer.from(".md")]);
  const made = await writeFile(bad, "walnut").then(
    () => true,
    () => false,
  );
  if (!made) context.skip("this file system takes only UTF-8");
  await mkdir(Buffer.concat([Buffer.from(`${docs}/folder`), Buffer.of(0xff)]));
  await writeFile(Buffer.concat([Buffer.from(`${docs}/.hidden`), Buffer.of(0xff)]), "walnut");
  const report = await ingest();
  expect(report.files).toMatchObject({ added: 1, failed: 2 });
  expect(report.failures.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toMatchObject([
    { path: join(docs, "bad\\u{1b}\\xfe.md"), code: "file_unreadable" },
    { path: join(docs, "folder\\xff"), code: "file_unreadable" },
  ]);
});

test("an unreadable file is a failure of its own", async (context) => {
  const path = await write("secret.md", "hidden");
  await write("open.md", "visible");
  await chmod(path, 0);
  if (
    await readFile(path).then(
      () => true,
      () => false,
    )
  )
    context.skip("this user may read everything");
  const report = await ingest();
  expect(report).toMatchObject({ files: { added: 1, failed: 1 }, failures: [{ code: "file_unreadable" }] });
});

test("what .gitignore names, dot files and installed packages are passed over, but a named folder within them is read", async () => {
  await write(".gitignore", "*.log\n/out/\n!keep.log\n");
  await write("a.log", "one");
  await write("keep.log", "two");
  await write("out/b.md", "three");
  await write(".hidden/c.md", "four");
  await write("node_modules/zed/README.md", "five");
  expect(await ingest()).toMatchObject({ files: { added: 1 } });
  expect(await knowledge.ingest({ paths: [join(docs, "node_modules/zed")], collection: "zed" })).toMatchObject({
    files: { added: 1 },
  });
});

test("pipes are passed over in a folder, also as a .gitignore, and a failure when named; nothing waits for them", async () => {
  await write("a.md", "walnut");
  await write("sub/b.md", "walnut");
  for (const name of ["pipe.md", "sub/.gitignore"]) execFileSync("mkfifo", [join(docs, name)]);
  expect((await ingest()).files).toMatchObject({ added: 2, failed: 0 });
  const report = await knowledge.ingest({ paths: [join(docs, "pipe.md")], collection: "pipe" });
  expect(report.failures).toMatchObject([{ code: "file_unreadable", path: join(docs, "pipe.md") }]);
  const citation = { source: join(docs, "pipe.md"), startLine: 1, endLine: 1, quote: "walnut" };
  expect(await knowledge.verify(citation)).toMatchObject({ ok: false, reason: "unreadable" });
});

test("a .gitignore is read up to 64 KB, and a line that means nothing leaves the others as they are", async () => {
  await write(".gitignore", `[z-a]x\n[\nleft.md\n${"# filler\n".repeat(7300)}far.md\n`);
  await write("left.md", "walnut");
  await write("far.md", "walnut");
  await ingest();
  expect(await find("walnut")).toEqual(["far.md"]);
});

test("an aborted ingest keeps what was done and the next one goes on", async () => {
  for (let index = 0; index < 200; index++) await write(`${index}.md`, `document number ${index} walnut`);
  const abort = new AbortController();
  const work = knowledge.ingest({ paths: [docs], signal: abort.signal, onProgress: () => abort.abort() });
  expect(
    await work.then(
      () => "done",
      (error: { name?: string }) => error.name,
    ),
  ).toBe("AbortError");
  const report = await ingest();
  expect(report.files.unchanged).toBeGreaterThan(0);
  expect(report.files.unchanged + report.files.added).toBe(200);
});

test("two ingests into one collection follow each other", async () => {
  await write("a.md", "alpha");
  const reports = await Promise.all([ingest(), ingest()]);
  expect(new Set(reports.map(({ files }) => `${files.added} added, ${files.unchanged} unchanged`))).toEqual(
    new Set(["1 added, 0 unchanged", "0 added, 1 unchanged"]),
  );
});

test("a large file is read in parts, seen only when whole, and replaced as a whole", async () => {
  const lines = Array.from(
    { length: 120_000 },
    (_, index) => `line ${index} holds the words of a long story about rivers`,
  );
  const path = await write("large.txt", lines.join("\n"));
  const report = await ingest();
  expect(report.files.added).toBe(1);
  expect(report.chunksWritten).toBeGreaterThan(1000);
  const [hit] = await knowledge.search({ query: "119999" });
  expect(hit?.endLine).toBe(120_000);
  await appendFile(path, "\nthe end has a heffalump");
  expect(await ingest()).toMatchObject({ files: { changed: 1 } });
  expect((await knowledge.search({ query: "heffalump" }))[0]?.endLine).toBe(120_001);
  await utimes(path, 2, 2);
  expect(await ingest()).toMatchObject({ files: { unchanged: 1 }, chunksWritten: 0 });
  await appendFile(path, Buffer.from([0]));
  expect(await ingest()).toMatchObject({ files: { skipped: 1 } });
  expect(await codeOf(knowledge.search({ query: "rivers" }))).toBe("knowledge_empty");
});

test("what a killed ingest left half done is swept", async () => {
  await write("a.md", "alpha");
  await ingest();
  await database.write([{ sql: `UPDATE knowledge_document SET state = 'staged'` }]);
  await rename(join(docs, "a.md"), join(docs, "b.md"));
  await ingest();
  expect(await rowsLeft()).toBe(3);
  expect(await find("alpha")).toEqual(["b.md"]);
});

test("what a stopped ingest left of a large document is swept within the next one, told as progress, alone or beside others", async () => {
  const chunk = { start: 0, end: 6, startLine: 1, endLine: 1, text: "walnut", headings: [], context: "" };
  const fields = { uri: "/b", name: "b", title: "b", format: "text", encoding: "", signature: "", hash: "", bytes: 1 };
  const stop = async (): Promise<void> => {
    const store = await CollectionStore.open(database, "default", systemClock);
    await store.stage(fields).add(Array.from({ length: 3000 }, () => chunk));
  };
  await stop();
  await write("a.md", "alpha walnut");
  const told: number[] = [];
  await knowledge.ingest({ paths: [docs], onProgress: ({ filesDone }) => told.push(filesDone) });
  expect(told).toEqual([0, 1]);
  expect(await rowsLeft()).toBe(3);
  await stop();
  expect(await ingest()).toMatchObject({ files: { unchanged: 1 } });
  expect(await rowsLeft()).toBe(3);
  expect(await find("walnut")).toEqual(["a.md"]);
  const settings = await database.read({
    sql: `SELECT k, v FROM knowledge_fts_config WHERE k IN ('automerge', 'deletemerge') ORDER BY k`,
  });
  expect(settings.map(({ v }) => Number(v))).toEqual([4, 10]);
});

test("a document that is being written hides no other", async () => {
  await write("a.md", "walnut is a word that stands here once among a number of other words");
  await ingest();
  const store = await CollectionStore.open(database, "default", systemClock);
  const fields = {
    uri: "/b",
    name: "b",
    title: "walnut",
    format: "text",
    encoding: "",
    signature: "",
    hash: "",
    bytes: 1,
  };
  const chunk = { start: 0, end: 6, startLine: 1, endLine: 1, text: "walnut", headings: [], context: "" };
  await store.stage(fields).add(Array.from({ length: 300 }, () => chunk));
  expect(await find("walnut")).toEqual(["a.md"]);
  expect((await knowledge.search({ query: "walnut", filter: { under: "a" } })).length).toBe(1);
});

test("a passage that stands in two collections is one hit, and takes no place from others", async () => {
  await write("sub/a.md", "The walnut is ripe.");
  await write("b.md", "The walnut is not.");
  await knowledge.ingest({ paths: [docs], collection: "all" });
  await knowledge.ingest({ paths: [join(docs, "sub")], collection: "sub" });
  const hits = await knowledge.search({ query: "ripe walnut", limit: 2 });
  expect(hits.map((hit) => hit.source)).toEqual([join(docs, "sub/a.md"), join(docs, "b.md")]);
});

test("a search over some of many collections sees those alone", async () => {
  for (let index = 0; index < 6; index++) {
    await write(`${index}/a.md`, `walnut ${index}`);
    await knowledge.ingest({ paths: [join(docs, String(index))], collection: `c${index}` });
  }
  const found = async (collections?: readonly string[]): Promise<readonly string[]> => {
    const hits = await knowledge.search({ query: "walnut", ...(collections === undefined ? {} : { collections }) });
    return hits.map((hit) => hit.collection).toSorted();
  };
  expect(await found()).toEqual(["c0", "c1", "c2", "c3", "c4", "c5"]);
  expect(await found(["c4", "c1", "c2"])).toEqual(["c1", "c2", "c4"]);
});

test("nothing in a query is syntax", async () => {
  await write("a.md", "alpha NEAR beta");
  await ingest();
  const word = fc.constantFrom(
    "alpha",
    "AND",
    "NOT",
    "NEAR(",
    ")",
    '"',
    "*",
    "title:",
    "^",
    "-",
    "'",
    ";",
    "{",
    "\u0000",
    "é",
    "OR",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join(" ")),
      ),
      async (query) => {
        await knowledge.search({ query });
      },
    ),
    { numRuns: 200 },
  );
});

test("a search can be kept to some collections and to a folder of names", async () => {
  for (const name of ["first/one/a.md", "first/two/b.md", "second/one/c.md", "second/two/d.md"])
    await write(name, "alpha");
  for (const collection of ["first", "second"]) await knowledge.ingest({ paths: [join(docs, collection)], collection });
  const all = await knowledge.search({ query: "alpha" });
  expect(all.map((hit) => hit.collection).sort()).toEqual(["first", "first", "second", "second"]);
  expect(new Set(all.map((hit) => hit.id)).size).toBe(4);
  const hits = await knowledge.search({ query: "alpha", collections: ["second"], filter: { under: "two/" } });
  expect(hits.map((hit) => [hit.collection, hit.name])).toEqual([["second", "two/d.md"]]);
});

test("an answer's citations are found in the files, and fail when the file changes", async () => {
  const path = await write("a.md", "# A\n\nIntro words.\n\nThe limit is\n40 requests a minute. More text.\n");
  const page = await write("b.html", "<p>\nA <b>quick</b> walrus sleeps all day long in the sun.\n</p>");
  await ingest();
  const tool = retrievalTool(knowledge, { limit: 5 });
  const context = {
    runId: "r",
    callId: "c",
    idempotencyKey: "k",
    signal: new AbortController().signal,
    logger: silentLogger,
    progress: () => {},
  };
  const { passages } = await tool.run({ query: "limit requests walrus" }, context);
  expect(passagesIn(parseJson(JSON.stringify({ passages })))).toEqual(passages);
  const idOf = (source: string) => passages.find((passage) => passage.source === source)?.id;
  const answer = `The limit is 40 requests a minute [${idOf(path)}]. A quick walrus sleeps all day long in the sun [${idOf(page)}]. Bananas are blue [p999].`;
  const cited = await knowledge.cite(answer, passages);
  expect(cited.citations).toEqual([
    { source: path, startLine: 5, endLine: 6, quote: "The limit is 40 requests a minute" },
    { source: page, startLine: 2, endLine: 2, quote: "walrus sleeps all day long in the sun" },
  ]);
  expect(cited.unverified).toMatchObject([{ id: "p999", reason: "unknown" }]);
  const [citation] = cited.citations;
  if (citation === undefined) throw new Error("no citation");
  expect(await knowledge.verify(citation)).toEqual({ ok: true });
  expect(await knowledge.verify({ ...citation, endLine: 99 })).toMatchObject({ ok: false, reason: "lines" });
  await writeFile(path, "other\n".repeat(8));
  expect(await knowledge.verify(citation)).toMatchObject({ ok: false, reason: "quote" });
  await rm(path);
  expect(await knowledge.verify(citation)).toMatchObject({ ok: false, reason: "missing" });
});

test("the tool refuses input that is not a query", async () => {
  const { input } = retrievalTool(knowledge);
  for (const value of [null, {}, { query: "" }, { query: "x", limit: 0 }, { query: "x", limit: 1.5 }]) {
    expect(await input["~standard"].validate(value)).toHaveProperty("issues");
  }
  expect(await input["~standard"].validate({ query: "x", limit: 3 })).toEqual({ value: { query: "x", limit: 3 } });
});

test("a database without full text is refused", async () => {
  const plain: Database = { ...database, capabilities: { ...database.capabilities, fullText: "none" } };
  expect(await codeOf(createKnowledge({ database: plain }))).toBe("knowledge_unsupported");
});

test("a document's hash is that of its bytes", async () => {
  await write("a.md", "alpha");
  await ingest();
  const [row] = await database.read({ sql: `SELECT hash FROM knowledge_document` });
  expect(row?.["hash"]).toBe(createHash("sha256").update("alpha").digest("hex"));
});
