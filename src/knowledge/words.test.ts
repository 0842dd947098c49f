import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { stem } from "./stem.ts";
import { fold, queryTerms, splitIdentifier, subtokensOf, wordsOf } from "./words.ts";

test("stems are those of SQLite's porter tokenizer", () => {
  const text =
    "caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized hopping tanned falling hissing fizzed failing filing happy sky " +
    "relational conditional rational valenci hesitanci digitizer conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism " +
    "decisiveness hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize electriciti electrical hopeful goodness revival allowance " +
    "inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate angulariti homologous effective " +
    "bowdlerize probate rate cease controll roll dying yes yellow syzygy eyes generalizations oscillators biology archaeology is was being retries policies queries " +
    "running indices databases configuration authorization authenticated streaming crying flies";
  const database = new DatabaseSync(":memory:");
  database.exec(
    "CREATE VIRTUAL TABLE f USING fts5(x, tokenize = 'porter unicode61'); CREATE VIRTUAL TABLE v USING fts5vocab(f, 'row')",
  );
  const differing = text.split(" ").filter((word) => {
    database.exec("DELETE FROM f");
    database.prepare("INSERT INTO f VALUES (?)").run(word);
    return database.prepare("SELECT term FROM v").get()?.["term"] !== stem(word);
  });
  database.close();
  expect(differing).toEqual([]);
});

test("identifiers are split at their capitals, plain words are not", () => {
  expect(splitIdentifier("parseHTMLText")).toEqual(["parse", "HTML", "Text"]);
  expect(splitIdentifier("CD8")).toEqual([]);
  expect(subtokensOf("call getUserName and XMLHttpRequest, not DNA")).toBe("get User Name XML Http Request");
});

test("a query loses its stop words unless nothing else is left", () => {
  expect(queryTerms("What is the getUserName of Ünïcode?").map((term) => term.word)).toEqual([
    "getusername",
    "get",
    "user",
    "name",
    "unicode",
  ]);
  expect(queryTerms("to be or not to be").length).toBeGreaterThan(2);
  expect(queryTerms("  ?! ")).toEqual([]);
});

test("folding takes marks off letters", () => {
  expect(fold("Crème BRÛLÉE")).toBe("creme brulee");
  expect(wordsOf("a_b c-d 日本語")).toEqual(["a", "b", "c", "d", "日本語"]);
});
