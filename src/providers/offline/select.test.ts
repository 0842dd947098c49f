import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import type { Passage } from "../passage.ts";
import { writeAnswer } from "./answer.ts";
import { creditOf, readEvidence, weigh } from "./evidence.ts";
import { questionOf } from "./question.ts";
import { scoreUnits } from "./score.ts";
import { answerAll, answerQuestion } from "./select.ts";
import { splitGoal } from "./split.ts";

const passage = (id: string, source: string, text: string): Passage => ({
  id,
  source,
  startLine: 1,
  endLine: 20,
  score: 1,
  text,
});

const shop = [
  passage(
    "a",
    "docs/Boiler.md",
    "# Boiler\nThe boiler heats the water of the whole house. It was built in 1998 by Ada Brown.\n\n- `maxPressure` {number} The highest pressure allowed, in bar. **Default:** `3`.\n- `warmUpTime` {number} How long warming up takes. **Default:** `12`.",
  ),
  passage(
    "b",
    "docs/valve.md",
    "# Valve\nTo open the valve, turn the wheel to the left:\n\n```sh\nvalve open --left\n```\n\nThe valve closes on its own when the pressure falls.",
  ),
  passage("c", "docs/garden.md", "# Garden\nThe garden has apple trees. Leaves are collected in autumn."),
];
const evidence = readEvidence(shop);
const answerTo = (text: string) => answerQuestion(questionOf(text), evidence);

test("a paraphrased question finds the unit that answers it", () => {
  const finding = answerTo("What is the maximum pressure of the boiler by default?");
  expect(finding.answered).toBe(true);
  expect(finding.quotes[0]?.unit.text).toContain("`3`");
  expect(finding.quotes[0]?.passage.id).toBe("a");
});

test("code comes with the sentence that introduces it", () => {
  const text = writeAnswer([answerTo("How do I open the valve?")]).text;
  expect(text).toContain("turn the wheel to the left: [b]");
  expect(text).toContain("valve open --left");
});

test("the section named after what is asked answers, not a parameter of it or a list of imports", () => {
  const doors = [
    {
      ...passage(
        "close",
        "docs/doors.md",
        "* `name` {string} The name of the door to close.\n\nSends a signal to the `door` of that name, which lets its spring close it.\n\n```js\nimport { closeDoor } from 'doors';\n\ncloseDoor(house, 'front');\n```",
      ),
      headings: ["Doors", "closeDoor(house, name)"],
    },
    {
      ...passage(
        "all",
        "docs/doors.md",
        "They work on the doors of a house.\n\n```js\nimport { openDoor, closeDoor } from 'doors';\n```",
      ),
      headings: ["Doors"],
    },
  ];
  const { quotes } = answerQuestion(questionOf("How do I close a door?"), readEvidence(doors));
  expect(quotes.map(({ passage: { id }, unit }) => [id, unit.kind])).toEqual([
    ["close", "sentence"],
    ["close", "code"],
  ]);
});

test.each([
  "Who won the world cup?",
  "What colour does the boiler have in Lisbon?",
  "How do I encrypt the valve's database?",
  "How tall is the garden's lighthouse?",
])("the documents do not answer: %s", (text) => {
  expect(answerTo(text).answered).toBe(false);
});

test("each part is judged on its own, and what is open is named", () => {
  const answer = writeAnswer(answerAll(splitGoal("When was the boiler built? Who painted the cathedral?"), evidence));
  expect(answer.text).toContain("It was built in 1998 by Ada Brown. [a]");
  expect(answer.text).toContain("The documents do not answer this: Who painted the cathedral?");
  expect(answer.metadata).toMatchObject({
    extractive: true,
    answered: true,
    unanswered: ["Who painted the cathedral?"],
  });
});

test("several open parts are listed, and a quote is given once", () => {
  const findings = answerAll(
    splitGoal(
      "Who painted the cathedral? Who won the cup? When was the boiler built? In which year was the boiler built?",
    ),
    evidence,
  );
  const { text } = writeAnswer(findings);
  expect(text).toContain("- Who painted the cathedral?\n- Who won the cup?");
  expect(text.split("It was built in 1998").length).toBe(2);
});

test("quotes do not repeat each other", () => {
  const twice = readEvidence([
    passage("x", "a.md", "The boiler heats the water of the house."),
    passage("y", "b.md", "The boiler heats the water of the house."),
  ]);
  expect(answerQuestion(questionOf("What does the boiler heat?"), twice).quotes).toHaveLength(1);
});

test("every quote stands in its passage character for character", () => {
  for (const goal of [
    "How do I open the valve?",
    "When was the boiler built?",
    "What happens when the pressure falls?",
  ]) {
    for (const quote of answerTo(goal).quotes) expect(quote.passage.text).toContain(quote.unit.text);
  }
});

test("weights add up to one, and a word that is nowhere gets no credit", () => {
  const question = questionOf("What is the pressure of the zeppelin?");
  expect(weigh(question, evidence).reduce((sum, term) => sum + term.weight, 0)).toBeCloseTo(1);
  const zeppelin = question.terms.find((term) => term.word === "zeppelin");
  for (const entry of evidence.entries) if (zeppelin) expect(creditOf(zeppelin, entry)).toBe(0);
});

test("no passages give no scores and no answer", () => {
  const empty = readEvidence([]);
  expect(scoreUnits(questionOf("What?"), empty)).toEqual([]);
  expect(answerQuestion(questionOf("What is a boiler?"), empty)).toMatchObject({
    answered: false,
    quotes: [],
    confidence: 0,
  });
});

test("questions in other languages are answered by their own words", () => {
  const german = readEvidence([
    passage("d", "anlage.md", "Der Kessel heizt das Wasser. Der Höchstdruck beträgt 3 bar."),
  ]);
  expect(answerQuestion(questionOf("Höchstdruck Kessel"), german).quotes.map((quote) => quote.unit.text)).toContain(
    "Der Höchstdruck beträgt 3 bar.",
  );
});

test("200 passages are read and judged in a moment", () => {
  const many = Array.from({ length: 200 }, (_, index) =>
    passage(`p${index}`, `f${index}.md`, `${shop[index % 3]?.text ?? ""}\n\nNumber ${index} of many.`),
  );
  const before = performance.now();
  answerAll(splitGoal("How do I open the valve and when was the boiler built?"), readEvidence(many));
  // Far above what it takes, so that a busy machine does not fail the test; a quadratic step would.
  expect(performance.now() - before).toBeLessThan(1_000);
});
