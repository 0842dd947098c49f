import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../base/index.ts";
import type { Message } from "../../providers/index.ts";
import { userMessage } from "../../providers/index.ts";
import type { PlacedMessage } from "./context-window.ts";
import { passagesOf, planWindow, tokensOfAll } from "./context-window.ts";

const said = (role: "user" | "assistant", text: string): Message =>
  role === "user" ? userMessage(text) : { role, content: [{ type: "text", text }] };
const called = (id: string): Message => ({
  role: "assistant",
  content: [{ type: "tool.call", id, name: "look", input: {} }],
});
const gave = (id: string, output: JsonValue): Message => ({
  role: "tool",
  content: [{ type: "tool.result", id, name: "look", output }],
});
const place = (messages: readonly Message[]): readonly PlacedMessage[] =>
  messages.map((message, at) => ({ message, seq: at + 1 }));
const long = "word ".repeat(100);
const bounds = (maxTokens: number, policy = {}) => ({ policy, maxTokens, fixedTokens: 10 });

describe("the plan of a window", () => {
  it("is none where all of it fits, or nothing says how much does", () => {
    const messages = place([said("user", long), said("assistant", long)]);
    expect(planWindow(messages, 0, bounds(10_000))).toBeUndefined();
    expect(planWindow(messages, 0, bounds(Infinity))).toBeUndefined();
  });

  it("keeps the goal and the latest, summarises history and documents, drops results of other tools", () => {
    const passages = { passages: [{ id: "p1", text: long }] };
    const messages = place([
      said("user", "The goal."),
      called("a"),
      gave("a", long),
      called("b"),
      gave("b", passages),
      said("assistant", long),
      said("user", "Go on."),
      called("c"),
      gave("c", "ok"),
    ]);
    const plan = planWindow(messages, 0, bounds(100));
    const seqs = (items: readonly PlacedMessage[] = []): number[] => items.map(({ seq }) => seq);
    expect(seqs(plan?.kept)).toEqual([1, 7, 8, 9]);
    expect(seqs(plan?.dropped)).toEqual([2, 3]);
    expect(seqs(plan?.summarised)).toEqual([4, 5, 6]);
    expect(plan?.summaryAt).toBe(1);
    expect(passagesOf(plan?.summarised ?? []).map(({ id }) => id)).toEqual(["p1"]);
  });

  it("bounds a section by itself, and leaves out of it what is pinned", () => {
    const turns = [1, 2, 3, 4].flatMap((n) => [called(`${n}`), gave(`${n}`, long)]);
    const messages = place([said("user", "The goal."), ...turns]);
    const policy = { sections: { tools: { maxTokens: 300 } } };
    const plan = planWindow(messages, 0, bounds(Infinity, policy));
    expect(plan?.dropped.map(({ seq }) => seq)).toEqual([2, 3, 4, 5]);
    const pinned = { sections: { tools: { maxTokens: 300, keep: "pin" } } };
    expect(planWindow(messages, 0, bounds(Infinity, pinned))).toBeUndefined();
  });

  it("never loses, doubles or parts anything, whatever the conversation", () => {
    const turn = fc.oneof(
      fc.lorem({ maxCount: 40 }).map((text) => [said("user", text)]),
      fc.lorem({ maxCount: 40 }).map((text) => [said("assistant", text)]),
      fc.tuple(fc.uuid(), fc.lorem({ maxCount: 60 })).map(([id, text]) => [called(id), gave(id, text)]),
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 20 }), fc.integer({ min: 20, max: 600 }), (turns, most) => {
        const messages = place([said("user", "The goal."), ...turns.flat()]);
        const plan = planWindow(messages, 0, bounds(most));
        if (plan === undefined) return;
        const all = [...plan.kept, ...plan.dropped, ...plan.summarised].map(({ seq }) => seq);
        expect(all.toSorted((a, b) => a - b)).toEqual(messages.map(({ seq }) => seq));
        expect(plan.kept[0]?.seq).toBe(1);
        expect(plan.tokensBefore).toBe(tokensOfAll(messages));
        expect(plan.tokensAfter).toBeLessThan(plan.tokensBefore);
        const ids = (role: Message["role"]) =>
          plan.kept.flatMap(({ message }) =>
            message.role === role
              ? message.content.flatMap((part) =>
                  part.type === "tool.call" || part.type === "tool.result" ? [part.id] : [],
                )
              : [],
          );
        expect(ids("tool")).toEqual(ids("assistant"));
      }),
    );
  });
});
