import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { findObject, readStructured, schemaInstruction } from "./structured-output.ts";

const score = z.object({ score: z.number() });

test.each([
  ["alone", '{"score": 8}'],
  ["with space around it", '\n  {"score": 8}\n'],
  ["in a fence", 'Here it is:\n```json\n{"score": 8}\n```\nDone {or not}.'],
  ["in a fence without a name", '```\n{"score": 8}\n```'],
  ["in a fence after one of something else", '```ts\nconst x = {};\n```\n```json\n{"score": 8}\n```'],
  ["beside other text", 'The score is {"score": 8}, I think.'],
  ["before a citation", '{"score": 8} [p1]'],
  ["after a citation", 'As [p1] says: {"score": 8}.'],
])("JSON %s is read", async (_, text) => {
  expect(await readStructured(score, text)).toEqual({ ok: true, value: { score: 8 } });
});

test("a list beside other text is read", async () => {
  expect(await readStructured(z.array(score), 'They are [{"score": 8}].')).toEqual({ ok: true, value: [{ score: 8 }] });
});

test("what is wrong is said so that a model can correct it", async () => {
  expect(await readStructured(score, "eight")).toEqual({ ok: false, problem: "The answer is not JSON." });
  expect(await readStructured(score, '{"score": "8"}')).toMatchObject({
    ok: false,
    problem: expect.stringMatching(/schema: score: /) as unknown,
  });
});

test("no text of any kind breaks the reading", async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      expect((await readStructured(score, text)).ok).toBe(score.safeParse(parsed(text)).success);
    }),
  );
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test("a model that cannot be made to follow a schema is told it in words", () => {
  expect(schemaInstruction({ type: "object" })).toContain('{"type":"object"}');
});

test("an answer that never closes its fence is looked at once, however long it is", async () => {
  const start = performance.now();
  expect(await readStructured(z.object({}), "```".concat("\n".repeat(200_000)))).toMatchObject({ ok: false });
  expect(performance.now() - start).toBeLessThan(2_000);
});

test("an object is found in a fence and beside other text, and a list or a broken one is none", () => {
  expect(['Here: {"a":1}.', '```json\n{"a":1}\n```'].map(findObject)).toEqual([{ a: 1 }, { a: 1 }]);
  expect(["[1]", '{"a":', "no"].map(findObject)).toEqual([undefined, undefined, undefined]);
});
