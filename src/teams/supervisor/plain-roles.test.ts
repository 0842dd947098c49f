import { expect, test } from "vitest";
import { plainQuestions, plainReview, plainSteps } from "./plain-roles.ts";

const found = (question: string, text: string, more: object = {}) => ({
  step: `${question}.1`,
  question,
  text,
  answered: true,
  sources: 1,
  unverified: 0,
  ...more,
});
const questions = [
  { id: "q1", text: "How many days of leave are there?" },
  { id: "q2", text: "Who approves a trip?" },
];
const complaints = (...findings: ReturnType<typeof found>[]) =>
  plainReview(questions, findings).points.map(({ text }) => text);

test("a goal is split by its sentences, its lines and the questions that are joined", () => {
  const texts = (goal: string) => plainQuestions(goal).map(({ text }) => text);
  expect(texts("How long is it, and who pays?")).toEqual(["How long is it", "who pays?"]);
  expect(texts("- First thing\n- Second thing")).toEqual(["First thing", "Second thing"]);
  expect(texts("the of")).toEqual(["the of"]);
});

test("later attempts ask in other words", () => {
  const texts = [1, 2, 3].map(
    (attempt) => plainSteps([{ id: "q1", text: "How long is the leave?" }], "Holidays abroad", attempt)[0]?.text,
  );
  expect(texts).toEqual(["How long is the leave?", "long leave", "long leave Holidays abroad"]);
});

test("what is answered with sources in its own words is accepted", () => {
  const review = plainReview(questions, [
    found("q1", "There are 30 days of leave. [p1]"),
    found("q2", "The head approves each trip. [p2]"),
  ]);
  expect(review).toEqual({ points: [], score: 1 });
});

test("each thing that is wrong is a point of its own", () => {
  const good = found("q2", "The head approves each trip.");
  expect(complaints(good)).toEqual(["Not answered: How many days of leave are there?"]);
  expect(complaints(good, found("q1", "30 days of leave.", { sources: 0 }))[0]).toContain("without a source");
  expect(complaints(good, found("q1", "30 days of leave.", { unverified: 1 }))[0]).toContain("does not say it");
  expect(complaints(good, found("q1", "Trees are green."))[0]).toContain("no word of the question");
});

test("sentences that differ in a number or in a denial contradict each other", () => {
  const trip = found("q2", "The head approves each trip abroad.");
  const twice = complaints(trip, found("q1", "Employees have 30 days of leave. Employees have 25 days of leave."));
  expect(twice).toEqual([expect.stringContaining("contradict")]);
  const denied = complaints(
    found("q1", "Days of leave can be carried over."),
    found("q2", "Trip: days of leave can not be carried over."),
  );
  expect(denied.some((text) => text.includes("contradict"))).toBe(true);
  expect(complaints(trip, found("q1", "Employees have 30 days of leave. Managers get 5 parking places."))).toEqual([]);
});
