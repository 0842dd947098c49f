import fc from "fast-check";
import { expect, test } from "vitest";
import { splitGoal } from "./split.ts";

const texts = (goal: string): string[] => splitGoal(goal).map((question) => question.text);

test("sentences and conjunctions are split where a new question begins", () => {
  expect(texts("What is a pool and how do I close it? Also where are logs written?")).toEqual([
    "What is a pool",
    "how do I close it?",
    "where are logs written?",
  ]);
});

test("a conjunction inside one question is left alone", () => {
  expect(texts("How do I read and write files?")).toEqual(["How do I read and write files?"]);
});

test("lists become a question for each item", () => {
  expect(texts("Please answer:\n1. What is a pool?\n2. default port\n- Who wrote it?")).toEqual([
    "What is a pool?",
    "default port",
    "Who wrote it?",
  ]);
});

test("comparisons ask for both sides", () => {
  expect(texts("Compare Pool with Agent in terms of connections")).toEqual([
    "Pool in terms of connections",
    "Agent in terms of connections",
  ]);
  expect(texts("What is the difference between tilde ranges and caret ranges?")).toEqual([
    "tilde ranges",
    "caret ranges",
  ]);
});

test("what comes after something else follows it", () => {
  expect(
    splitGoal("Find the default port, then explain how to change it.").map((question) => question.follows),
  ).toEqual([false, true]);
});

test("background lends its words to the question, courtesy is left out", () => {
  const questions = splitGoal("I work with the undici library. How do I set its timeout? Thank you!");
  expect(questions).toHaveLength(1);
  expect(questions[0]?.topic).toContain("undici");
});

test("a remark without a subject stays with its question", () => {
  expect(texts("What is the timeout, and can it be changed?")).toEqual(["What is the timeout, and can it be changed?"]);
});

test("any text gives one to eight questions", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (goal) => {
      expect(splitGoal(goal).length).toBeGreaterThan(0);
      expect(splitGoal(`${goal}\n- a b?\n`.repeat(20)).length).toBeLessThanOrEqual(8);
    }),
  );
});
