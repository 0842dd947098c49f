import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { stem } from "./stem.ts";

const published: readonly (readonly [string, string])[] = [
  ["1a", "caresses caress, ponies poni, ties ti, caress caress, cats cat"],
  ["1b", "feed feed, agreed agre, plastered plaster, bled bled, motoring motor, sing sing"],
  [
    "1b, after the ending",
    "conflated conflat, troubled troubl, sized size, hopping hop, tanned tan, falling fall, hissing hiss, fizzed fizz, failing fail, filing file",
  ],
  ["1c", "happy happi, sky sky"],
  [
    "2",
    "relational relat, conditional condit, rational ration, valenci valenc, hesitanci hesit, digitizer digit, conformabli conform, radicalli radic, differentli differ, vileli vile, analogousli analog, vietnamization vietnam, predication predic, operator oper, feudalism feudal, decisiveness decis, hopefulness hope, callousness callous, formaliti formal, sensitiviti sensit, sensibiliti sensibl",
  ],
  [
    "3",
    "triplicate triplic, formative form, formalize formal, electriciti electr, electrical electr, hopeful hope, goodness good",
  ],
  [
    "4",
    "revival reviv, allowance allow, inference infer, airliner airlin, gyroscopic gyroscop, adjustable adjust, defensible defens, irritant irrit, replacement replac, adjustment adjust, dependent depend, adoption adopt, homologou homolog, communism commun, activate activ, angulariti angular, homologous homolog, effective effect, bowdlerize bowdler",
  ],
  ["5", "probate probat, rate rate, cease ceas, controll control, roll roll"],
  [
    "2, as its author changed it later",
    "possibly possibl, assembly assembl, methodology methodolog, terminology terminolog, incredibly incred",
  ],
];

test.each(published)("the words published for step %s get the stems of the whole algorithm", (_, pairs) => {
  const differing = pairs.split(", ").filter((pair) => {
    const [word = "", expected] = pair.split(" ");
    return stem(word) !== expected;
  });
  expect(differing).toEqual([]);
});

test("forms of one word meet", () => {
  expect(new Set(["retry", "retries", "retried"].map(stem)).size).toBe(1);
  expect(new Set(["configure", "configured", "configuring"].map(stem)).size).toBe(1);
});

test("words with other letters, of two letters or of more than 64 stay as they are", () => {
  for (const word of ["größen", "is", "v8engines", `${"a".repeat(63)}ed`]) expect(stem(word)).toBe(word);
});

test("any word gets the stem that SQLite's porter tokenizer gives it", () => {
  const database = new DatabaseSync(":memory:");
  database.exec(
    "CREATE VIRTUAL TABLE f USING fts5(x, tokenize = 'porter unicode61'); CREATE VIRTUAL TABLE v USING fts5vocab(f, 'row')",
  );
  const insert = database.prepare("INSERT INTO f VALUES (?)");
  const read = database.prepare("SELECT term FROM v");
  const ending = fc.constantFrom(
    ..."s es ies ed ing eed y ational tional enci bli logi ization icate ical ement ment ion e ll ful alli eli yed".split(
      " ",
    ),
  );
  const word = fc.tuple(fc.stringMatching(/^[abeiloystn]{0,6}$/), ending).map((parts) => parts.join(""));
  fc.assert(
    fc.property(word, (text) => {
      database.exec("DELETE FROM f");
      insert.run(text);
      expect(stem(text)).toBe(read.get()?.["term"]);
    }),
    { numRuns: 400 },
  );
  database.close();
});
