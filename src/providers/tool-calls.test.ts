import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../base/index.ts";
import type { StreamPart } from "./model.ts";
import { type ToolCallDelta, toolCallAssembler } from "./tool-calls.ts";

interface Sent {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** Cuts a text into pieces of the given sizes. */
function pieces(text: string, sizes: readonly number[]): string[] {
  const cut: string[] = [];
  let at = 0;
  for (const size of sizes) {
    cut.push(text.slice(at, at + size));
    at += size;
  }
  return [...cut, text.slice(at)];
}

function assemble(deltas: readonly ToolCallDelta[], drop = false) {
  const tools = toolCallAssembler("call");
  const parts: StreamPart[] = [];
  const emit = (part: StreamPart): void => void parts.push(part);
  for (const delta of deltas) tools.push(delta, emit);
  const { sound } = tools;
  const fault = tools.completeAll(emit, drop);
  return {
    sound,
    fault,
    tools,
    parts,
    calls: parts.flatMap((part) => (part.type === "tool.completed" ? [{ ...part, type: undefined }] : [])),
  };
}

const input = fc.dictionary(
  fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
  fc.jsonValue({ maxDepth: 2 }),
  {
    maxKeys: 3,
  },
);
const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 8 });
const calls = fc.array(fc.tuple(input, sizes, fc.constantFrom("id", "index", "both", "current")), {
  minLength: 1,
  maxLength: 4,
});

describe("tool calls", () => {
  it("come together however they are cut, mixed and marked (acceptance 28)", () => {
    fc.assert(
      fc.property(calls, fc.boolean(), (made, mixed) => {
        const expected: { id: string; name: string; input: JsonValue }[] = [];
        const queues = made.map(([value, cut, by], index) => {
          const text = JSON.stringify(value);
          const call: Sent = { id: `id_${index}`, name: `tool_${index}`, text };
          expected.push({ id: call.id, name: call.name, input: JSON.parse(text) as JsonValue });
          // Pieces that are marked by nothing can only follow each other.
          const mark = mixed && by === "current" ? "index" : by;
          const [first, ...rest] = pieces(text, cut);
          const marks = { ...(mark !== "index" && { id: call.id }), ...(mark !== "id" && { index }) };
          const head: ToolCallDelta = { id: call.id, index, name: call.name, text: first };
          return [head, ...rest.map((piece): ToolCallDelta => ({ ...(mark === "current" ? {} : marks), text: piece }))];
        });
        const longest = Math.max(...queues.map((queue) => queue.length));
        const turns = Array.from({ length: longest }, (_, turn) =>
          queues.flatMap((queue) => queue.slice(turn, turn + 1)),
        );
        const result = assemble(mixed ? turns.flat() : queues.flat());
        expect(result.calls).toEqual(expected);
        expect(result).toMatchObject({ sound: true, fault: undefined });
      }),
    );
  });

  it("that are no JSON at their end are handed on whole, counted, or dropped where they were cut off (acceptance 28)", () => {
    const broken = fc.string({ minLength: 1 }).filter((text) => {
      try {
        JSON.parse(text);
        return false;
      } catch {
        return text.trim() !== "";
      }
    });
    fc.assert(
      fc.property(broken, sizes, (text, cut) => {
        const [first, ...rest] = pieces(text, cut);
        const deltas = [
          { index: 0, id: "a", name: "look", text: first },
          ...rest.map((piece) => ({ index: 0, text: piece })),
        ];
        const kept = assemble(deltas);
        expect(kept).toMatchObject({ sound: false, fault: undefined, calls: [{ id: "a", name: "look", input: text }] });
        expect(kept.tools.invalid).toBe(1);
        const dropped = assemble(deltas, true);
        expect(dropped.calls).toEqual([]);
        expect(dropped.tools).toMatchObject({ dropped: 1, count: 0, invalid: 0 });
      }),
    );
  });

  it("without a name are a fault, because nobody can answer them", () => {
    expect(assemble([{ index: 0, text: "{}" }]).fault).toMatchObject({ code: "provider_malformed_response" });
  });

  it("start once their name is known, and keep what came before it", () => {
    const { parts } = assemble([
      { index: 0, text: '{"a"' },
      { index: 0, name: "look" },
      { index: 0, text: ":1}" },
    ]);
    expect(parts).toEqual([
      { type: "tool.started", id: "call_0", name: "look" },
      { type: "tool.delta", id: "call_0", text: '{"a"' },
      { type: "tool.delta", id: "call_0", text: ":1}" },
      { type: "tool.completed", id: "call_0", name: "look", input: { a: 1 } },
    ]);
  });

  it("with one id but different indexes are different calls, each with an id of its own", () => {
    const { calls: made } = assemble([
      { id: "x", index: 0, name: "a", text: '{"q"' },
      { id: "x", index: 1, name: "b", text: '{"q"' },
      { index: 0, text: ":1}" },
      { id: "x", index: 1, text: ":2}" },
    ]);
    expect(made).toMatchObject([
      { id: "x", name: "a", input: { q: 1 } },
      { id: "call_1", name: "b", input: { q: 2 } },
    ]);
  });

  it("are kept up to a bound, in number and in length", () => {
    const many = Array.from({ length: 30_000 }, (_, index) => ({ id: `id_${index}`, index, name: "a", text: "{}" }));
    const long = Array.from({ length: 30 }, () => ({ index: 0, text: " ".repeat(1_000_000) }));
    const startMs = performance.now();
    for (const deltas of [many, long]) {
      const { tools } = assemble(deltas);
      expect(tools.fault).toMatchObject({ code: "provider_malformed_response" });
      expect(tools.count).toBeLessThan(10_010);
    }
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});
