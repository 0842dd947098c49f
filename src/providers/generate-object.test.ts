import { expect, test } from "vitest";
import { z } from "zod";
import { generateObject } from "./generate-object.ts";
import { textOf, userMessage } from "./message.ts";
import type { ModelRequest } from "./model.ts";
import { scripted } from "./scripted.ts";

const schema = z.object({ score: z.number() });
const request: ModelRequest = { messages: [userMessage("How good is it?")] };
const inWords = { capabilities: { structuredOutput: "none" } } as const;

test("the schema is sent natively where the model has a way, and in words elsewhere (acceptance 30)", async () => {
  const seen: ModelRequest[] = [];
  const answer = (asked: ModelRequest): string => {
    seen.push(asked);
    return '{"score": 8}';
  };
  const native = scripted(answer, { capabilities: { structuredOutput: "native" } });
  expect((await generateObject(native, request, { schema, name: "verdict" })).object).toEqual({ score: 8 });
  expect((await generateObject(scripted(answer, inWords), request, { schema })).object).toEqual({ score: 8 });
  expect(seen[0]?.responseFormat?.name).toBe("verdict");
  expect(seen[0]?.messages.length).toBe(1);
  expect(seen[1]?.responseFormat).toBeUndefined();
  expect(textOf(seen[1]?.messages[0] ?? userMessage(""))).toContain('"score"');
});

test("an answer that does not follow goes back with what is wrong, a bounded number of times (acceptance 30)", async () => {
  const model = scripted(["Eight.", '{"score": "8"}', '{"score": 8}', "unused"], inWords);
  const { object, answers } = await generateObject(model, request, { schema });
  expect([object, answers.length]).toEqual([{ score: 8 }, 3]);
  const stubborn = scripted(() => "Eight.", inWords);
  await expect(generateObject(stubborn, request, { schema, repairs: 1 })).rejects.toMatchObject({
    code: "answer_invalid",
    details: { answers: 2 },
  });
});

test("a refusal is not asked again, nor is an answer that was cut off (acceptance 30)", async () => {
  let calls = 0;
  const refusing = scripted(() => {
    calls++;
    return { text: "No.", metadata: { refusal: "No." } };
  });
  await expect(generateObject(refusing, request, { schema })).rejects.toMatchObject({
    code: "answer_invalid",
    message: expect.stringContaining("refused") as unknown,
  });
  const cut = scripted(() => {
    calls++;
    return { text: '{"sco', finishReason: "length" };
  });
  await expect(generateObject(cut, request, { schema })).rejects.toMatchObject({ code: "answer_invalid" });
  expect(calls).toBe(2);
});
