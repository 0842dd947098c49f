import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createBudget, seededRandom } from "../../base/index.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import type { Attempt } from "../call-report.ts";
import { providerErrors } from "../errors.ts";
import { generate } from "../generate.ts";
import { userMessage } from "../message.ts";
import type { Model, ModelRequest, StreamPart } from "../model.ts";
import { createGate } from "../resilience/create-gate.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import type { CancelPolicy } from "./group-options.ts";
import { group, guarded } from "./group.ts";

const request: ModelRequest = { messages: [userMessage("Why does bread rise?")] };
const forever = 1e9;
const random = seededRandom(1);
const need = { inputTokens: 1, maxOutputTokens: 1 };
const full = { requestsPerMinute: 1_000, concurrency: 1 };

function settled(work: Promise<unknown>): Promise<{ error: unknown }> {
  return work.then(
    () => ({ error: undefined }),
    (error: unknown) => ({ error }),
  );
}

/** Counts what is open at the provider. */
function upstream(turn: ScriptedTurn, chunkSize = 4): { model: Model; open: () => number } {
  let open = 0;
  const inner = scripted(() => turn, { provider: "a", name: "m", chunkSize });
  const model: Model = {
    ...inner,
    async *stream(asked, options) {
      open++;
      try {
        yield* inner.stream(asked, options);
      } finally {
        open--;
      }
    },
  };
  return { model, open: () => open };
}

const rateLimited = providerErrors.create("provider_rate_limited", "Too many.", { details: { retryAfterMs: 5_000 } });

describe("cancel ends a call at once and gives everything back", () => {
  const phases: Readonly<
    Record<string, () => Promise<{ model: Model; ready?: () => Promise<unknown>; check?: () => void }>>
  > = {
    "queued at a gate": async () => {
      const gate = createGate({ provider: "a", model: "m", keyId: "k", limits: full });
      const pass = await gate.enter(need, { maxWaitMs: 0 });
      return {
        model: guarded(upstream({ text: "x" }).model, { gate }),
        check() {
          expect(gate.inFlight).toBe(1);
          pass.end({ kind: "ignored", usage: undefined });
          expect(gate.check(need).available).toBe(true);
        },
      };
    },
    "waiting to try again": async () => {
      const clock = manualClock();
      const a = upstream({ error: rateLimited });
      return {
        model: guarded(a.model, { clock, random }),
        ready: () => clock.waitForSleepers(1),
        check: () => expect([clock.sleeping, a.open()]).toEqual([0, 0]),
      };
    },
    "before the first part": async () => {
      const a = upstream({ delayMs: forever });
      return { model: guarded(a.model), check: () => expect(a.open()).toBe(0) };
    },
    "in mid-stream": async () => {
      const a = upstream({ text: "Because yeast", chunkDelayMs: forever });
      return { model: guarded(a.model), check: () => expect(a.open()).toBe(0) };
    },
    "during fallback": async () => {
      const a = upstream({ text: "Because", error: "stream_interrupted" });
      const b = upstream({ delayMs: forever });
      return {
        model: group({ name: "g", members: [a.model, b.model] }),
        check: () => expect([a.open(), b.open()]).toEqual([0, 0]),
      };
    },
    "with a model that does not listen": async () => ({
      model: guarded({
        ...upstream({}).model,
        stream: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }),
      }),
    }),
  };

  it.each(Object.entries(phases))("%s (acceptance 4) (acceptance 26)", async (_, make) => {
    const { model, ready, check } = await make();
    const stop = new AbortController();
    const budget = createBudget("run", { maxTokens: 100_000 });
    const work = generate(model, request, { signal: stop.signal, budget });
    await (ready ?? (() => new Promise((resolve) => setTimeout(resolve, 5))))();
    const end = settled(work);
    let later = false;
    setImmediate(() => (later = true));
    stop.abort();
    const { error } = await end;
    expect(error).toMatchObject({ code: "cancelled", details: { provider: model.provider, report: {} } });
    // No timer, no turn of the event loop: nothing that a busy machine could draw out.
    expect(later).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    check?.();
    expect(getEventListeners(stop.signal, "abort")).toHaveLength(0);
    expect(budget.reserved.tokens).toBe(0);
  });

  it("while the reader is busy and asks for nothing (acceptance 4)", async () => {
    const gate = createGate({ provider: "a", model: "m", keyId: "k" });
    const a = upstream({ text: "Because yeast", chunkDelayMs: forever });
    const stop = new AbortController();
    const told: Attempt[] = [];
    const options = { signal: stop.signal, onAttempt: (attempt: Attempt) => told.push(attempt) };
    const reading = guarded(a.model, { gate }).stream(request, options)[Symbol.asyncIterator]();
    await reading.next();
    stop.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect([a.open(), gate.inFlight, getEventListeners(stop.signal, "abort").length, told.length]).toEqual([
      0, 0, 0, 1,
    ]);
    await reading.next();
    await expect(reading.next()).rejects.toMatchObject({ code: "cancelled", details: { report: { attempts: [{}] } } });
  });

  it("within 5 ms of real time, the median of many (acceptance 4)", async () => {
    const times: number[] = [];
    for (let round = 0; round < 41; round++) {
      const stop = new AbortController();
      const end = settled(generate(guarded(upstream({ delayMs: forever }).model), request, { signal: stop.signal }));
      await new Promise((resolve) => setImmediate(resolve));
      const began = performance.now();
      stop.abort();
      await end;
      times.push(performance.now() - began);
    }
    expect(times.toSorted((a, b) => a - b)[20]).toBeLessThanOrEqual(5);
  });

  it("when the reader leaves while it waits for a part (acceptance 4)", async () => {
    const gate = createGate({ provider: "a", model: "m", keyId: "k" });
    const a = upstream({ delayMs: forever });
    const stop = new AbortController();
    const reading = guarded(a.model, { gate }).stream(request, { signal: stop.signal })[Symbol.asyncIterator]();
    const waiting = reading.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(gate.inFlight).toBe(1);
    await reading.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await reading.next()).toEqual({ done: true, value: undefined });
    expect([gate.inFlight, getEventListeners(stop.signal, "abort").length]).toEqual([0, 0]);
  });

  it("500 times in mid-stream and leaves nothing open (acceptance 4)", async () => {
    const gate = createGate({ provider: "a", model: "m", keyId: "k" });
    const a = upstream({ text: "Because yeast", chunkDelayMs: forever });
    const model = guarded(a.model, { gate });
    const stop = new AbortController();
    const calls = Array.from({ length: 500 }, () => settled(generate(model, request, { signal: stop.signal })));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([a.open(), gate.inFlight]).toEqual([500, 500]);
    stop.abort();
    await Promise.all(calls);
    await new Promise((resolve) => setImmediate(resolve));
    expect([a.open(), gate.inFlight, getEventListeners(stop.signal, "abort").length]).toEqual([0, 0, 0]);
  });
});

describe("what becomes of an answer that nobody reads", () => {
  const text = "Because yeast breathes and the dough holds its breath.";
  const usage = { inputTokens: 10, outputTokens: 20 };

  async function leave(cancel: CancelPolicy, clock = manualClock(), turn: ScriptedTurn = { text, usage }) {
    const told: Attempt[] = [];
    const gate = createGate({ provider: "a", model: "m", keyId: "k", clock, random });
    const budget = createBudget("run", { maxTokens: 100_000 });
    const a = upstream(turn);
    const model = guarded(a.model, { cancel, clock, gate });
    for await (const part of model.stream(request, { budget, onAttempt: (attempt) => told.push(attempt) })) {
      if (part.type === "text.delta") break;
    }
    return { told, gate, budget, open: a.open };
  }
  const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

  it("is closed and estimated by default (acceptance 14)", async () => {
    const { told, budget, open } = await leave("cancel+estimate");
    expect(open()).toBe(0);
    expect(told[0]?.usage).toMatchObject({ outputTokens: 1, provenance: "estimated" });
    expect(budget.spent.tokens).toBeGreaterThan(1);
  });

  it("counts only what was reported where nothing else is billed (acceptance 14)", async () => {
    const { told, budget, open } = await leave("none");
    expect([open(), budget.spent.tokens]).toEqual([0, 0]);
    expect(told[0]?.usage).toMatchObject({ inputTokens: 0, outputTokens: 0 });
  });

  it("is read to its end in the background to settle what was really used (acceptance 14)", async () => {
    const { told, gate, budget, open } = await leave("drain");
    await soon();
    expect(told).toMatchObject([{ outcome: "cancelled", usage: { ...usage, provenance: "reported" } }]);
    expect([open(), gate.inFlight, budget.spent.tokens, budget.reserved.tokens]).toEqual([0, 0, 30, 0]);
  });

  it("is not read for longer than allowed, and holds its place until then (acceptance 14)", async () => {
    const clock = manualClock();
    const drain = { drain: { maxMs: 1_000 } };
    const { told, gate, budget, open } = await leave(drain, clock, { text, chunkDelayMs: forever });
    await soon();
    expect([open(), gate.inFlight, told.length]).toEqual([1, 1, 0]);
    await clock.advance(1_000);
    await soon();
    expect([open(), gate.inFlight, told.length, budget.reserved.tokens]).toEqual([0, 0, 1, 0]);
    expect(told[0]?.usage.provenance).toBe("estimated");
  });

  it("is closed when too many are being read already (acceptance 14)", async () => {
    const a = upstream({ text, chunkDelayMs: forever });
    const model = guarded(a.model, { cancel: { drain: { maxCalls: 2 } }, clock: manualClock() });
    const stop = new AbortController();
    const calls = [1, 2, 3, 4].map(() => settled(generate(model, request, { signal: stop.signal })));
    await soon();
    stop.abort();
    for (const call of calls) expect(await call).toMatchObject({ error: { code: "cancelled" } });
    await soon();
    expect(a.open()).toBe(2);
  });
});

describe("a reader that asks ahead", () => {
  it("is served in order", async () => {
    const answer = guarded(upstream({ text: "Because yeast" }).model).stream(request);
    const reading = answer[Symbol.asyncIterator]();
    const parts = await Promise.all([1, 2, 3].map(() => reading.next()));
    const values = parts.map((part) => part.value as StreamPart);
    expect(values).toMatchObject([
      { type: "response.started" },
      { type: "text.delta", text: "Beca" },
      { type: "text.delta", text: "use " },
    ]);
    await reading.return?.();
  });
});
