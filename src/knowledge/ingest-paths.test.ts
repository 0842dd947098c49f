import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sqlite } from "../storage/adapters/sqlite.ts";
import type { Database } from "../storage/index.ts";
import { collectionOfPath, createKnowledge, ingestPaths } from "./index.ts";
import type { Knowledge } from "./index.ts";

let folder: string;
let database: Database;
let knowledge: Knowledge;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-paths-"));
  database = await sqlite({ path: join(folder, "atlas.db") });
  knowledge = await createKnowledge({ database });
});
afterEach(async () => {
  await database[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

it("keeps each path in a collection of its own that the same path finds again", async () => {
  for (const name of ["one", "two"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "a.md"), `The word of ${name} is walnut.`);
  }
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  const first = await ingestPaths(knowledge, [one, two, `${one}/`]);
  expect(first.collections).toEqual([collectionOfPath(one), collectionOfPath(two)]);
  expect(first.reports.map((report) => report.paths)).toEqual([[one], [two]]);
  const again = await ingestPaths(knowledge, [one]);
  expect(again.reports[0]?.files).toMatchObject({ unchanged: 1, added: 0 });
  const hits = await knowledge.search({ query: "walnut", collections: again.collections });
  expect(hits.map((hit) => hit.source)).toEqual([join(one, "a.md")]);
});

it("says so, with the paths and the first reason, when there is no text at all", async () => {
  mkdirSync(join(folder, "empty"));
  const empty = join(folder, "empty");
  await expect(ingestPaths(knowledge, [empty])).rejects.toMatchObject({
    code: "knowledge_empty",
    message: `There is no text to search in ${empty}.`,
  });
  const binary = join(folder, "picture.bin");
  writeFileSync(binary, Buffer.from([0, 1, 2, 0, 255, 0, 3]));
  await expect(ingestPaths(knowledge, [binary])).rejects.toMatchObject({
    code: "knowledge_empty",
    details: { failures: [{ path: binary }] },
  });
});
