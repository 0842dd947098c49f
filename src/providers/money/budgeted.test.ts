import { describe, expect, it } from "vitest";
import { createBudget } from "../../base/index.ts";
import type { Budget } from "../../base/index.ts";
import { manualClock, wireServer } from "../../testing/index.ts";
import { openaiCompatible } from "../adapters/openai-chat.ts";
import type { Attempt } from "../call-report.ts";
import { hostedCapabilities } from "../capabilities.ts";
import { userMessage } from "../message.ts";
import type { Model, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { budgeted } from "./budgeted.ts";
import { createPrices, noPriceTable } from "./prices.ts";
import { estimateNeed } from "./tokens.ts";

const overrides = { "scripted/script": { inputPerMillion: 1, outputPerMillion: 10 } };
const prices = createPrices(noPriceTable, { overrides });
const request: ModelRequest = { messages: [userMessage("Tell me all about bread.")] };
const long = "Bread rises because yeast breathes. ".repeat(500);
const nothing = { tokens: 0, costMicroUsd: 0 };

/** Makes a model that says something in parts of 16 characters, and tells whether its stream was closed. */
function modelOf(turn: ScriptedTurn | string): { readonly model: Model; readonly open: () => number } {
  const inner = scripted([turn], { capabilities: { ...hostedCapabilities } });
  let open = 0;
  return {
    open: () => open,
    model: {
      ...inner,
      async *stream(asked, options) {
        open++;
        try {
          yield* inner.stream(asked, options);
        } finally {
          open--;
        }
      },
    },
  };
}

const inputTokens = estimateNeed(request, modelOf("").model).inputTokens;

async function read(model: Model, options: StreamOptions = {}, asked = request) {
  const parts: StreamPart[] = [];
  for await (const part of model.stream(asked, options)) parts.push(part);
  const last = parts.at(-1);
  if (last?.type !== "response.finished") throw new Error("It did not finish.");
  const text = parts.flatMap((part) => (part.type === "text.delta" ? [part.text] : []));
  return { parts, text, last };
}

describe("a model within a budget", () => {
  it("stops within one chunk of the limit, and keeps what had come (acceptance 16)", async () => {
    const budget = createBudget("run", { maxTokens: inputTokens + 1_100 });
    const { model, open } = modelOf(long);
    const { text, last } = await read(budgeted(model, budget, { prices }));
    expect(last).toMatchObject({ finishReason: "budget", metadata: { budget: "run" } });
    // A part of 16 characters is four tokens: the one that does not fit any more is the last.
    expect(text).toHaveLength(1_100 / 4 + 1);
    expect(long.startsWith(text.join(""))).toBe(true);
    expect(last.usage).toEqual({ inputTokens, outputTokens: 1_104, provenance: "estimated" });
    expect(open()).toBe(0);
    expect([budget.spent.tokens, budget.reserved]).toEqual([inputTokens + 1_104, nothing]);
    expect(last.report).toMatchObject({
      attempts: [{ outcome: "budget", costMicroUsd: inputTokens + 11_040 }],
      costMicroUsd: inputTokens + 11_040,
    });
  });

  it("closes the connection to its provider when it stops (acceptance 16)", async () => {
    await using server = await wireServer();
    const chunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "bread and butter" } }] })}\n\n`;
    // The provider goes on after the limit, and never ends.
    const headers = { "content-type": "text/event-stream" };
    server.answer({ headers, chunks: Array.from({ length: 400 }, () => chunk), ending: "hang" });
    await using provider = openaiCompatible({ name: "scripted", baseUrl: `${server.url}/v1` });
    const budget = createBudget("run", { maxTokens: inputTokens + 1_100 });
    const { last, text } = await read(budgeted(provider.model("script"), budget, { prices }));
    expect([last.finishReason, text.length]).toEqual(["budget", 1_100 / 4 + 1]);
    await server.idle();
    expect([server.open, budget.reserved]).toEqual([0, nothing]);
  });

  it.each([
    ["agent", [10_000, 10_000, inputTokens + 1_200]],
    ["run", [10_000, inputTokens + 1_200, 10_000]],
    ["tenant", [inputTokens + 1_200, 10_000, 10_000]],
  ])("stops for the limit of the %s, and counts in all scopes (acceptance 16)", async (_, limits) => {
    const [ofTenant, ofRun, ofAgent] = limits;
    const tenant = createBudget("tenant", { maxTokens: ofTenant });
    const run = tenant.child("run", { maxTokens: ofRun });
    const agent = run.child("agent", { maxTokens: ofAgent });
    const { last } = await read(budgeted(modelOf(long).model, agent, { prices }));
    expect(last.finishReason).toBe("budget");
    expect(last.usage.outputTokens).toBe(1_204);
    for (const scope of [tenant, run, agent]) {
      expect([scope.spent.tokens, scope.reserved]).toEqual([inputTokens + 1_204, nothing]);
    }
  });

  it("stops at a limit of money too (acceptance 16)", async () => {
    const budget = createBudget("run", { maxCostMicroUsd: inputTokens + 12_000 });
    const { last } = await read(budgeted(modelOf(long).model, budget, { prices }));
    expect(last.usage.outputTokens).toBe(1_204);
    expect(budget.spent.costMicroUsd - 12_000 - inputTokens).toBeLessThanOrEqual(4 * 10);
  });

  it("keeps to the tighter of its own budget and the call's (acceptance 16)", async () => {
    const own = createBudget("tenant", { maxTokens: 100_000 });
    const also = createBudget("call", { maxTokens: inputTokens + 1_100 });
    const model = budgeted(modelOf(long).model, own, { prices });
    const { last } = await read(model, { budget: also });
    expect(last).toMatchObject({ finishReason: "budget", metadata: { budget: "call" } });
    for (const budget of [own, also]) {
      expect([budget.spent.tokens, budget.reserved]).toEqual([inputTokens + 1_104, nothing]);
    }
    const tight = createBudget("tenant", { maxTokens: inputTokens + 1_100 });
    const wide = createBudget("call");
    expect((await read(budgeted(modelOf(long).model, tight, { prices }), { budget: wide })).last.finishReason).toBe(
      "budget",
    );
    expect(wide.reserved).toEqual(nothing);
  });

  it("settles with what the provider reports, and gives the rest back", async () => {
    const budget = createBudget("run", { maxTokens: 5_000 });
    const turn = { text: "Short.", usage: { inputTokens: 70, outputTokens: 2 } };
    const attempts: Attempt[] = [];
    const { last, text } = await read(budgeted(modelOf(turn).model, budget, { prices }), {
      onAttempt: (attempt) => attempts.push(attempt),
    });
    expect([text.join(""), last.finishReason]).toEqual(["Short.", "stop"]);
    expect([budget.spent, budget.reserved]).toEqual([{ tokens: 72, costMicroUsd: 90 }, nothing]);
    expect(last.report?.attempts).toEqual(attempts);
    expect(attempts).toMatchObject([{ outcome: "finished", costMicroUsd: 90, usage: { provenance: "reported" } }]);
  });

  it("is not called where the budget has not enough left (acceptance 15)", async () => {
    const budget = createBudget("run", { maxTokens: inputTokens + 99 });
    const { model, open } = modelOf(long);
    const stream = read(budgeted(model, budget, { prices }), {}, { ...request, maxOutputTokens: 100 });
    await expect(stream).rejects.toMatchObject({ code: "budget_exceeded" });
    expect([open(), budget.reserved]).toEqual([0, nothing]);
  });

  const paths: readonly (readonly [
    name: string,
    turn: ScriptedTurn,
    spends: boolean,
    run: (model: Model) => Promise<void>,
  ])[] = [
    ["fails after some text", { text: "x".repeat(64), error: "stream_interrupted" }, true, failing],
    ["fails with an error of its own after some text", { text: "x".repeat(64), error: new Error("?") }, true, failing],
    ["is left by its reader", { text: long }, true, leaving],
    ["is never read", { text: long }, false, async (model) => void model.stream(request)],
    ["was cancelled before it began", { text: long }, false, cancelled],
  ];
  it.each(paths)("leaves nothing set aside when it %s (acceptance 15)", async (...[, turn, spends, run]) => {
    const budget = createBudget("run", { maxTokens: 5_000 });
    const { model, open } = modelOf(turn);
    await run(budgeted(model, budget, { prices }));
    expect([open(), budget.reserved]).toEqual([0, nothing]);
    expect(budget.spent.tokens > 0).toBe(spends);
  });

  it("tells of an attempt that failed or was cancelled, with what it had used", async () => {
    const attempts: Attempt[] = [];
    const onAttempt = (attempt: Attempt): void => void attempts.push(attempt);
    const turn = { text: "x".repeat(64), error: "stream_interrupted", chunkDelayMs: 5 } as const;
    const clock = manualClock();
    const inner = scripted([turn], { clock, capabilities: hostedCapabilities });
    const model = budgeted(inner, createBudget("run"), { prices, clock });
    const stop = new AbortController();
    const cancelling = read(model, { onAttempt, signal: stop.signal });
    await clock.waitForSleepers(1);
    stop.abort();
    await expect(cancelling).rejects.toMatchObject({ code: "cancelled" });
    const failed = expect(read(model, { onAttempt })).rejects.toMatchObject({ code: "stream_interrupted" });
    for (let chunk = 1; chunk < 4; chunk++) {
      await clock.waitForSleepers(1);
      await clock.advance(5);
    }
    await failed;
    expect(attempts).toMatchObject([
      { outcome: "cancelled", code: "cancelled", usage: { outputTokens: 4, provenance: "estimated" }, firstPartMs: 0 },
      { outcome: "failed", code: "stream_interrupted", usage: { outputTokens: 16 }, durationMs: 15 },
    ]);
  });

  it("is no group: that has its budget in the options of the call", () => {
    const managed = { ...modelOf("x").model, managed: true };
    expect(() => budgeted(managed, createBudget("run"), { prices })).toThrow("pass the budget in the options");
    const within: Budget = createBudget("run");
    expect(budgeted(modelOf("x").model, within, { prices }).managed).toBe(true);
  });
});

async function failing(model: Model): Promise<void> {
  await expect(read(model)).rejects.toThrow();
}

async function leaving(model: Model): Promise<void> {
  for await (const part of model.stream(request)) if (part.type === "text.delta") break;
}

async function cancelled(model: Model): Promise<void> {
  await expect(read(model, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
}
