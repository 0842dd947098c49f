import { expect, test } from "vitest";
import type { AgentResult } from "../agents/index.ts";
import type { RunEvent } from "../runs/index.ts";
import { answerJson, showAnswer } from "./answer.ts";
import { createNarrator } from "./narrator.ts";
import type { CliIo } from "./io.ts";
import { createScreen } from "./screen.ts";

function screenFor(colours = false) {
  const written = { out: "", err: "" };
  const output = { isTTY: colours, colours, erasable: colours, columns: 80 };
  const io: CliIo = {
    stdout: { ...output, write: (text) => void (written.out += text) },
    stderr: { ...output, write: (text) => void (written.err += text) },
    readInput: async () => "",
    canAsk: false,
    directory: "/project",
    onSignal: () => ({ [Symbol.dispose]() {} }),
    exit: () => {},
  };
  return { written, screen: createScreen(io) };
}

const event = (type: string, data: RunEvent["data"]): RunEvent => ({ runId: "run_1", seq: 1, at: 0, type, data });

test("a model that failed is told in yellow, with its code", () => {
  const { written, screen } = screenFor(true);
  createNarrator(screen).tell(event("attempt.failed", { provider: "a", model: "b", code: "provider_error" }));
  expect(written.err).toBe("\u001B[33mThe model a/b failed (provider_error)\u001B[39m\n");
});

test.each([
  ["answer.restarted", "begins anew", "Whole."],
  ["answer.continued", "goes on", "Half Whole."],
])("%s says that another model %s, and what was streamed counts accordingly", (type, words, streamed) => {
  const { written, screen } = screenFor(true);
  const narrator = createNarrator(screen);
  narrator.tell(event("text.delta", { text: "Half " }));
  narrator.tell(event(type, { from: "a/b", to: "c/d", code: "stream_interrupted" }));
  narrator.tell(event("text.delta", { text: "Whole." }));
  expect(written.err).toContain(`a/b broke off; c/d ${words}:`);
  expect(narrator.streamed).toBe(streamed);
});

test("tells once which member of a group answers", () => {
  const { written, screen } = screenFor();
  const narrator = createNarrator(screen);
  const attempts = [{ provider: "a", model: "b" }];
  for (let step = 1; step <= 2; step++)
    narrator.tell(event("model.completed", { step, report: { group: "pair", attempts } }));
  narrator.tell(event("model.completed", { step: 3 }));
  expect(written.err).toBe("answered by a/b\n");
});

test("one file is no files", () => {
  const { written, screen } = screenFor(true);
  createNarrator(screen).tell(event("knowledge.progressed", { filesDone: 1, filesTotal: 1 }));
  expect(written.err).toBe("Reading documents: 1 of 1 file");
});

const answerWith = (unverified: number) => {
  const result: AgentResult<unknown> = {
    output: "The kettle is hot.",
    text: "The kettle is hot.",
    citations: [],
    usage: { inputTokens: 1, outputTokens: 1, provenance: "reported" },
    costMicroUsd: 0,
    model: "offline/extractive",
    steps: 1,
    finishReason: "stop",
    metadata: {},
    unverified,
  };
  return { runId: "run_1", result, durationMs: 1, directory: "/project", streamed: "" };
};

test.each([
  [2, "2 marks in the answer could not be verified."],
  [1, "1 mark in the answer could not be verified."],
])("says that %i marks are supported by no passage", (unverified, sentence) => {
  const { written, screen } = screenFor();
  showAnswer(answerWith(unverified), screen);
  expect(written.err).toContain(`${sentence}\n`);
  expect(answerJson(answerWith(unverified))).toMatchObject({ unverified });
});

test("says nothing of marks when all were verified, or an older version did not count them", () => {
  const answer = answerWith(0);
  const { unverified: _, ...older } = answer.result;
  for (const result of [answer.result, older as AgentResult<unknown>]) {
    const { written, screen } = screenFor();
    showAnswer({ ...answer, result }, screen);
    expect(written.err).not.toContain("verified");
    expect("unverified" in answerJson({ ...answer, result })).toBe("unverified" in result);
  }
});

test("what a run waits for is told, with how to answer it", () => {
  const { written, screen } = screenFor();
  const narrator = createNarrator(screen);
  narrator.tell(event("approval.asked", { id: "c1", name: "pay", input: { euros: 5 }, signal: "approval:c1" }));
  narrator.tell(event("signal.awaited", { name: "approval:c1", question: "May the agent buyer call the tool pay?" }));
  narrator.tell(event("signal.awaited", { name: "go" }));
  expect(written.err.trimEnd().split("\n")).toEqual([
    '? pay {"euros":5}',
    "May the agent buyer call the tool pay?",
    `  Answer it with: atlas runs signal run_1 approval:c1 --data '{"approved":true}'`,
    "It waits for the signal go.",
    "  Answer it with: atlas runs signal run_1 go --data JSON",
  ]);
});
