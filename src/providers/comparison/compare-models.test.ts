import { expect, test } from "vitest";
import { htmlText } from "../../../test/lib/html-text.ts";
import { providerErrors } from "../errors.ts";
import { textOf } from "../message.ts";
import type { ModelRequest } from "../model.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { compareModels, comparisonHtml } from "./comparison.ts";
import { judgeAnswer } from "./judge.ts";
import { standardPrompts } from "./prompts.ts";

/** Answers as a good model would, by what is asked. */
const answers: readonly (readonly [RegExp, ScriptedTurn])[] = [
  [/tank/, { text: "It lacks 160 litres, 8 come in each minute.\n20" }],
  [/Ada finished/, { text: "Cleo" }],
  [/Who was the captain/, { text: "Captain Ines Holm; two cars were damaged, and she was back at 09:05." }],
  [
    /this order/,
    {
      text: '{"customer":"Okafor","items":[{"name":"lamp","count":3},{"name":"candle","count":12}],"express":false}',
    },
  ],
  [/Sum this up/, { text: "A storm made the ferry Aurora turn back; nobody was hurt, and tickets are paid back." }],
  [/three lines/, { text: "- The lake is hard and still\n- Smoke stands above the roofs\n- A crow waits" }],
  [
    /median/,
    {
      text: "function median(numbers) {\n  if (numbers.length === 0) return null;\n  const sorted = numbers.toSorted((a, b) => a - b);\n  const middle = sorted.length / 2;\n  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;\n}",
    },
  ],
  [/locker 97/, { text: `The key has the number\n${(96 * 37) % 211}` }],
  [/Lisbon/, { toolCalls: [{ name: "weather", input: { city: "Lisbon", day: "2027-05-04" } }] }],
];

function asked(request: ModelRequest): string {
  const last = request.messages.at(-1);
  return last === undefined ? "" : textOf(last);
}

const good = scripted((request) => answers.find(([pattern]) => pattern.test(asked(request)))?.[1] ?? "?", {
  provider: "house",
  name: "good",
});
const vague = scripted(() => "I could not say.", { provider: "house", name: "vague" });
const broken = scripted(() => ({ error: providerErrors.create("provider_error", "It failed.") }), {
  provider: "house",
  name: "broken",
});

test("a right answer passes each check whole, and a wrong one fails it", async () => {
  const { calls } = await compareModels({ models: [good, vague], rounds: 1 });
  const failing = calls.filter(({ model, checkScore }) => model === "house/good" && checkScore < 1);
  expect(failing.map(({ prompt, missing }) => [prompt, missing])).toEqual([]);
  for (const call of calls) if (call.model === "house/vague") expect(call.checkScore, call.prompt).toBeLessThan(1);
});

test("models are measured, graded and ranked; a model that fails is a result", async () => {
  const judge = scripted((request) =>
    JSON.stringify({ score: /could not/.test(asked(request)) ? 1 : 9, reason: "So." }),
  );
  const seen: number[] = [];
  const comparison = await compareModels({
    models: [broken, vague, good],
    judge,
    rounds: 2,
    onCall: (_, done, total) => void seen.push(done / total),
  });
  const [first, , last] = comparison.models;
  expect(comparison.models.map(({ model }) => model)).toEqual(["house/good", "house/vague", "house/broken"]);
  expect(first).toMatchObject({ calls: 18, failed: 0, checkScore: 1, costPerCallMicroUsd: 0 });
  expect(first?.judgeScore).toBeCloseTo(0.9);
  expect(first?.firstPartP50Ms).toBeGreaterThanOrEqual(0);
  expect(last).toMatchObject({ failed: 18, failures: { provider_error: 18 }, checkScore: 0, durationP50Ms: null });
  expect(seen.at(-1)).toBe(1);
  expect(seen.length).toBe(54);
});

test("a judge that gives no grade is asked once more, and then left out", async () => {
  let calls = 0;
  const unsure = scripted(() => (++calls === 1 ? "Hm." : '{"score": 4, "reason": "Half."}'));
  expect(await judgeAnswer(unsure, { question: "?", answer: "!" })).toEqual({ score: 0.4, reason: "Half." });
  const mute = scripted(() => '{"score": 40}');
  expect(await judgeAnswer(mute, { question: "?", answer: "!" })).toBeUndefined();
  const failing = await compareModels({
    models: [good],
    judge: broken,
    rounds: 1,
    prompts: standardPrompts.slice(0, 1),
  });
  expect(failing.calls[0]).toMatchObject({ judgeScore: null, judgeReason: "The judge failed: provider_error." });
});

test("an abort ends the comparison", async () => {
  const stop = new AbortController();
  const running = compareModels({
    models: [good],
    signal: stop.signal,
    onCall: () => stop.abort(new Error("enough")),
  });
  await expect(running).rejects.toThrow("enough");
});

test("the page says it all, whatever stands in names and remarks", async () => {
  const odd = scripted(() => "<script>alert(1)</script>", { provider: "house", name: "<b>odd</b>" });
  const judge = scripted(() => JSON.stringify({ score: 5, reason: "<img src=x onerror=alert(1)>" }));
  const page = await comparisonHtml(await compareModels({ models: [odd], judge, rounds: 1 }));
  expect(page).not.toMatch(/<script|<img|<b>/);
  const text = htmlText(page);
  expect(text).toContain("house/<b>odd</b>");
  expect(text).toContain("<img src=x onerror=alert(1)>");
});
