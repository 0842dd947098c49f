import { describe, expect, it } from "vitest";
import type { StreamPart } from "../model.ts";
import { partialPattern } from "./partial-pattern.ts";
import { redact } from "./text-filters.ts";

const allowed: readonly RegExp[] = [
  /[\w.+-]+@[\w-]+\.[\w.-]+/,
  /\S+@\S+/,
  /sk-[a-z0-9]{20,}/i,
  /eyJ[\w-]+\.[\w-]+\.[\w-]+/,
  /https?:\/\/\S+/,
  /\b(?:\d[ -]?){13,16}\b/,
  /\d{3}[ -]?\d{2}[ -]?\d{4}/,
  /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/,
  /(?:password|secret)\s*[:=]\s*\S+/i,
  /Bearer\s+[\w.~+/-]+=*/,
  /-----BEGIN [A-Z ]+-----[\s\S]+?-----END [A-Z ]+-----/,
  /<think>.*?<\/think>/s,
  /sk-\w+|pk-\w+|\w+-key/,
  /(?:[A-Z]{2}\d{2}\s?)(?:\d{4}\s?){3,7}\d{1,4}/,
  /\p{Lu}\p{Ll}+ \p{Lu}\p{Ll}+/u,
  /ж+е+ё/,
];

const refused: readonly RegExp[] = [
  /a*a*a*a*a*b/,
  /a+a+b/,
  /\d+\d*€/,
  /\w*[a-z]*!/,
  /.*foo.*bar.*!/,
  /\d+[ -]?\d+;/,
  /(?:a*){2}b/,
  /(?:x|a+)a+b/,
  /a+(?:a+b)?/,
  /\w+\s*\w+$/,
  /a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b/,
  /ж+[а-я]+!/,
];

describe("a pattern for a stream", () => {
  it.each(allowed)("may be %s", (pattern) => {
    expect(partialPattern(pattern).whole.source).toBe(pattern.source);
  });

  it.each(refused)("may not be %s, whose time grows with more than the square of the text", (pattern) => {
    expect(() => partialPattern(pattern)).toThrow(/repetitions in a row|repeats itself/);
  });

  it("is looked at in no time, however many ways lead through it", () => {
    const begin = performance.now();
    partialPattern(new RegExp(`x.*${"(?:a|b)".repeat(60)}`));
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  it.each(allowed)("keeps the reader waiting for milliseconds at most: %s", (pattern) => {
    for (const piece of ["a", "a1", "1", "@", "a@", "a.", "=", " ", "sk-", "-----BEGIN A", "<think>", "1 ", "ж"]) {
      const text = piece.repeat(10_000 / piece.length);
      const active = redact([pattern]).start();
      const begin = performance.now();
      active.push({ type: "text.delta", text } satisfies StreamPart, () => {});
      active.push({ type: "text.delta", text: "\n!" } satisfies StreamPart, () => {});
      active.end(() => {});
      expect(performance.now() - begin, piece).toBeLessThan(500);
    }
  });
});
