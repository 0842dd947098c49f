import { expect, test } from "vitest";
import { questionOf } from "./question.ts";

test.each([
  ["How many retries are there?", "number"],
  ["What is the default port?", "default"],
  ["When was it released?", "date"],
  ["Who wrote the parser?", "person"],
  ["How do I install it?", "how"],
  ["Why does it fail?", "reason"],
  ["Where is the file kept?", "place"],
  ["What is a pool?", "definition"],
  ["Summarise the release", "open"],
])("%s asks for: %s", (text, kind) => {
  expect(questionOf(text).kind).toBe(kind);
});

test("names, identifiers and quoted words are strong, vague words weigh little", () => {
  const terms = questionOf("What is the default of maxRetries in the `fetch` call of Undici?").terms;
  const strong = terms.filter((term) => term.strong).map((term) => term.word);
  expect(strong).toEqual(expect.arrayContaining(["maxRetries", "fetch", "Undici"]));
  expect(terms.find((term) => term.word === "default")?.weight).toBeLessThan(0.5);
});

test("a pronoun takes its subject from the question before", () => {
  const first = questionOf("What is a connection pool?");
  const second = questionOf("What is its size limit?", { previous: first });
  expect(second.topic).toBe("connection pool");
  expect(second.terms.map((term) => term.word)).toContain("pool");
});
