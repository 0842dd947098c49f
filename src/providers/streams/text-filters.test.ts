import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StreamPart } from "../model.ts";
import { holdBack, redact, replace } from "./text-filters.ts";
import { startTransforms, type StreamTransform } from "./transform.ts";

const usage = { inputTokens: 1, outputTokens: 1, provenance: "reported" } as const;
const text = (value: string): StreamPart => ({ type: "text.delta", text: value });
const finished: StreamPart = { type: "response.finished", finishReason: "stop", usage, metadata: {} };

function run(transforms: readonly StreamTransform[], parts: readonly StreamPart[]): StreamPart[] {
  const out: StreamPart[] = [];
  const chain = startTransforms(transforms, (part) => out.push(part));
  for (const part of parts) chain.push(part);
  chain.end();
  return out;
}

const textsOf = (parts: readonly StreamPart[]): string[] =>
  parts.flatMap((part) => (part.type === "text.delta" ? [part.text] : []));
const through = (transform: StreamTransform, pieces: readonly string[]): string[] =>
  textsOf(run([transform], pieces.map(text)));

/** Cuts a text at some places. */
const cut = (whole: string, places: readonly number[]): string[] => {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
  return [...ends, whole.length].map((end, index) => whole.slice(ends[index - 1] ?? 0, end));
};

describe("redact", () => {
  it("finds a text wherever it is cut, and holds back only what may still become it", () => {
    expect(through(redact(["secret"]), ["a se", "cr", "et b"])).toEqual(["a ", "[redacted] b"]);
    expect(through(redact(["secret"]), ["a se", "a"])).toEqual(["a ", "sea"]);
    expect(through(redact(["secret"]), ["no more than"])).toEqual(["no more than"]);
    expect(through(redact(["secret"]), ["at the end sec"])).toEqual(["at the end ", "sec"]);
  });

  it("takes the longest text where several begin", () => {
    expect(through(redact(["abc", "abcdef"]), ["xabc", "def abc"]).join("")).toBe("x[redacted] [redacted]");
    expect(through(redact(["abc", "abcdef"]), ["xabc", "de."]).join("")).toBe("x[redacted]de.");
  });

  it("finds any text of any cut, as replaceAll does in the whole (acceptance 5)", () => {
    const words = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 5 });
    const whole = fc.string({ unit: fc.constantFrom("a", "b", " "), maxLength: 60 });
    fc.assert(
      fc.property(words, whole, fc.array(fc.nat(60), { maxLength: 12 }), (word, answer, places) => {
        const pieces = through(redact([word], { replacement: "#" }), cut(answer, places));
        expect(pieces.join("")).toBe(answer.replaceAll(word, "#"));
      }),
      { numRuns: 500 },
    );
  });

  it("finds characters beyond the basic plane wherever they are cut, also in the middle of one", () => {
    const whole = `x😀secret🔑 ${"y".repeat(1_020)}🔑secret😀🔑`;
    for (const pattern of [/secret🔑/u, /[\u{1F600}-\u{1F64F}]/u, /\p{Emoji_Presentation}+/u, "secret🔑", "🔑"]) {
      const expected = whole.replaceAll(typeof pattern === "string" ? pattern : new RegExp(pattern, "gu"), "#");
      for (let at = 0; at <= whole.length; at++) {
        expect(through(redact([pattern], { replacement: "#" }), cut(whole, [at])).join("")).toBe(expected);
      }
      expect(through(redact([pattern], { replacement: "#" }), whole.split("")).join("")).toBe(expected);
    }
    // Half a character at the end of an answer is no reason to lose it.
    expect(through(redact([/secret/u]), ["a\ud83d"]).join("")).toBe("a\ud83d");
  });

  it.each([
    ["a key", /sk-[A-Za-z0-9]{4,}/],
    ["an address", /\b[\w.]+@[\w.]+\b/],
    ["a number in groups", /(?:\d{4}[ -]?){2}\d{2}/],
    ["lines", /^key: .*$/m],
    ["alternatives", /(?:foo|fo)o?bar|baz/i],
    ["not a word", /\Bab\b/],
  ])("finds %s by a pattern wherever it is cut", (_name, pattern) => {
    const unit = fc.constantFrom("sk-", "aB1", "x@y.z", "1234", " ", "-", "\n", "key: ", "foo", "bar", "b", "az", ".");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 14 }), fc.array(fc.nat(60), { maxLength: 9 }), (answer, places) => {
        const pieces = through(redact([pattern], { replacement: "#" }), cut(answer, places));
        expect(pieces.join("")).toBe(answer.replaceAll(new RegExp(pattern, `g${pattern.flags}`), "#"));
      }),
      { numRuns: 500 },
    );
  });

  it("holds no more than it may: a match that is longer is redacted to its end", () => {
    const key = `sk-${"a".repeat(5_000)}`;
    const pieces = cut(
      `key ${key} end`,
      Array.from({ length: 300 }, (_, index) => index * 17),
    );
    const out = through(redact([/sk-[a-z]+/], { maxHoldChars: 64 }), pieces);
    expect(out.join("")).toBe("key [redacted] end");
  });

  it("takes a beginning that grows too long for a match, up to where it ends", () => {
    const block = `-----BEGIN ${"k\n".repeat(500)} END-----`;
    const out = through(redact([/-----BEGIN[\s\S]+?END-----/], { maxHoldChars: 64 }), `${block} after`.split(""));
    expect(out.join("")).toBe("[redacted] after");
  });

  it("stays fast with much text in one delta and a pattern that looks far", () => {
    const started = performance.now();
    const out = through(redact([/\w+@\w+/]), ["a".repeat(200_000), " end"]);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(out.join("")).toBe("[redacted] end");
  });

  it.each([/(a+)+b/, /(?:a|aa)*b/, /(\w)\1/, /(?<=x)y/, /a(?!b)/, /a*/, ""])("refuses %s", (pattern) => {
    expect(() => redact([pattern])).toThrow(expect.objectContaining({ code: "invalid_input" }));
  });

  it("finds a text that is longer than what may be held, and refuses a bound that is none", () => {
    const long = "long ".repeat(20);
    expect(through(redact([long], { maxHoldChars: 8 }), [`a ${long.slice(0, 50)}`, `${long.slice(50)}b`])).toEqual([
      "a ",
      "[redacted]b",
    ]);
    expect(through(redact([long], { maxHoldChars: 8 }), [long.slice(0, 50), "!"]).join("")).toBe(
      `${long.slice(0, 50)}!`,
    );
    expect(() => redact(["a"], { maxHoldChars: Number.NaN })).toThrow(
      expect.objectContaining({ code: "invalid_input" }),
    );
  });

  it("leaves tool arguments alone unless asked", () => {
    const parts: StreamPart[] = [
      text("the se"),
      { type: "tool.started", id: "1", name: "send" },
      { type: "tool.delta", id: "1", text: '{"to":"sec' },
      { type: "tool.delta", id: "1", text: 'ret"}' },
      { type: "tool.completed", id: "1", name: "send", input: { to: "secret", deep: ["a secret", 1, null] } },
      finished,
    ];
    expect(run([redact(["secret"])], parts)).toEqual([text("the "), text("se"), ...parts.slice(1)]);
    const input = { to: "#", deep: ["a #", 1, null] };
    expect(run([redact(["secret"], { replacement: "#", channels: ["tools"] })], parts)).toEqual([
      ...parts.slice(0, 2),
      { type: "tool.delta", id: "1", text: JSON.stringify(input) },
      { type: "tool.completed", id: "1", name: "send", input },
      finished,
    ]);
  });

  it("covers reasoning, and a thought that was changed loses its signature", () => {
    const thoughts: StreamPart[] = [
      { type: "reasoning.delta", text: "the sec" },
      { type: "reasoning.delta", text: "ret", signature: "s1" },
      { type: "reasoning.delta", text: "fine", signature: "s2" },
    ];
    expect(run([redact(["secret"], { replacement: "#" })], thoughts)).toEqual([
      { type: "reasoning.delta", text: "the " },
      { type: "reasoning.delta", text: "#" },
      { type: "reasoning.delta", text: "fine", signature: "s2" },
    ]);
  });

  it("lets usage pass without letting go, and forgets what it holds when the answer restarts", () => {
    const restarted: StreamPart = { type: "response.restarted", from: "a/1", to: "b/2", code: "provider_error" };
    const parts = [text("sec"), { type: "usage.updated", usage } as const, text("ret"), text(" sec"), restarted];
    expect(textsOf(run([redact(["secret"])], [...parts, text("ret")]))).toEqual(["[redacted]", " ", "ret"]);
  });

  it("serves several streams at once", () => {
    const transform = redact(["ab"]);
    const outs: string[] = [];
    const chains = [0, 1].map((index) =>
      startTransforms([transform], (part) => void (part.type === "text.delta" && outs.push(`${index}${part.text}`))),
    );
    chains[0]?.push(text("a"));
    chains[1]?.push(text("b"));
    chains[0]?.end();
    expect(outs).toEqual(["1b", "0a"]);
  });
});

describe("replace", () => {
  it("puts a text, or what a function makes of the match, in the place of each match", () => {
    expect(through(replace("colour", "color"), ["col", "our colours"]).join("")).toBe("color colors");
    expect(
      through(
        replace(/\d+/, (match) => `<${match}>`),
        ["1", "2 3"],
      ).join(""),
    ).toBe("<12> <3>");
  });

  it("lets go of a beginning that grows too long", () => {
    const long = "x".repeat(100);
    expect(through(replace(/x+y/, "#", { maxHoldChars: 16 }), long.split("")).join("")).toBe(long);
  });
});

describe("holdBack", () => {
  it.each([
    ["word", ["Hello wor", "ld and", " more"], ["Hello ", "world ", "and ", "more"]],
    ["word", ["日本", "語"], ["日本", "語"]],
    ["sentence", ["It is 3.", "5 m. Re", "ally? Yes"], ["It is 3.5 m. ", "Really? ", "Yes"]],
    ["line", ["a\nb", "c\nd"], ["a\n", "bc\n", "d"]],
  ] as const)("lets whole %ss go on", (boundary, pieces, expected) => {
    expect(through(holdBack(boundary), pieces)).toEqual(expected);
  });

  it("asks a function, and never holds more than it may", () => {
    expect(
      through(
        holdBack((held) => held.indexOf(";") + 1),
        ["a", "b;c", "d"],
      ),
    ).toEqual(["ab;", "cd"]);
    expect(through(holdBack("line", { maxHoldChars: 3 }), ["ab", "cd", "e"])).toEqual(["abcd", "e"]);
  });

  it("works behind another transform", () => {
    expect(textsOf(run([redact(["secret"]), holdBack("word")], [text("my sec"), text("ret is"), finished]))).toEqual([
      "my ",
      "[redacted] ",
      "is",
    ]);
  });
});
