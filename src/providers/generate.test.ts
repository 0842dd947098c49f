import { expect, test } from "vitest";
import type { CallReport } from "./call-report.ts";
import { collect } from "./generate.ts";
import type { Usage } from "./usage.ts";

const usage: Usage = { inputTokens: 1, outputTokens: 2, provenance: "reported" };
const finished = { type: "response.finished", finishReason: "stop", usage, metadata: {} } as const;
const attempt = { outcome: "finished", usage, costMicroUsd: 3, queuedMs: 0, firstPartMs: 1, durationMs: 2 } as const;
const report: CallReport = {
  group: "pair",
  attempts: [{ ...attempt, provider: "house", model: "big" }],
  selections: [],
  seams: [],
  usage,
  costMicroUsd: 3,
  knownCostMicroUsd: 3,
};

test("a thought belongs to the model that thought it, also within a group", () => {
  const collector = collect({ provider: "group", name: "pair" });
  collector.push({ type: "reasoning.delta", text: "Hm.", signature: "abc" });
  collector.push({ type: "text.delta", text: "Yes." });
  expect(collector.result).toBeUndefined();
  collector.push({ ...finished, report });
  expect(collector.result).toMatchObject({
    message: { content: [{ type: "reasoning", provider: "house", signature: "abc" }, { text: "Yes." }] },
    model: "group/pair",
    report,
  });
});

test("a bare model's thoughts are its provider's, and a restart voids what came before it", () => {
  const collector = collect({ provider: "house", name: "big" });
  collector.push({ type: "text.delta", text: "Half" });
  collector.push({ type: "response.restarted", from: "a/b", to: "house/big", code: "stream_interrupted" });
  collector.push({ type: "reasoning.delta", text: "Hm." });
  collector.push({ type: "text.delta", text: "Whole." });
  collector.push(finished);
  expect(collector.result?.message.content).toEqual([
    { type: "reasoning", text: "Hm.", provider: "house" },
    { type: "text", text: "Whole." },
  ]);
});
