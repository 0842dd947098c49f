import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { formatNames, wireKey, wireProviders } from "../../../test/lib/wires.ts";
import { generate } from "../generate.ts";
import { type Message, systemMessage, userMessage } from "../message.ts";
import { anthropicRequest } from "./anthropic-request.ts";
import { ollamaRequest } from "./ollama-request.ts";
import { compatibleQuirks, openaiChatRequest } from "./openai-chat-request.ts";
import { openaiResponsesRequest } from "./openai-responses-request.ts";

const target = { provider: "here", model: "m", files: [] };
const write: Readonly<Record<(typeof formatNames)[number], (messages: readonly Message[]) => JsonObject>> = {
  "openai-chat": (messages) => openaiChatRequest({ messages }, target, compatibleQuirks),
  "openai-responses": (messages) => openaiResponsesRequest({ messages }, target, { reasoning: false }),
  anthropic: (messages) => anthropicRequest({ messages }, target, { defaultMaxTokens: 9, structuredOutput: true }),
  ollama: (messages) => ollamaRequest({ messages }, target, { contextTokens: 9 }),
};

const ask = userMessage("Look.");
const said: Message = { role: "assistant", content: [{ type: "text", text: "Well." }] };
const call = (...ids: string[]): Message => ({
  role: "assistant",
  content: ids.map((id) => ({ type: "tool.call", id, name: "look", input: {} })),
});
const result = (...ids: string[]): Message => ({
  role: "tool",
  content: ids.map((id) => ({ type: "tool.result", id, name: "look", output: "a cat" })),
});

const wrong: readonly (readonly [string, readonly Message[], string])[] = [
  ["a call that nothing follows", [ask, call("a")], "call of the tool look without its result"],
  ["a call that the user's next message follows", [ask, call("a"), ask, result("a")], "without its result"],
  ["a call that words follow", [ask, call("a"), said], "without its result"],
  ["one call of two that has no result", [ask, call("a", "b"), result("a"), ask], "without its result"],
  ["a result without a call", [ask, result("a")], "result of the tool look without its call"],
  ["a result of another call", [ask, call("a"), result("b")], "without its call"],
  ["a result whose call was cut off the beginning", [result("a"), said, ask], "without its call"],
  ["a result that comes twice", [ask, call("a"), result("a", "a"), ask], "without its call"],
  ["no message", [], "nothing to answer"],
];

const right: readonly (readonly [string, readonly Message[]])[] = [
  ["calls that one message answers", [ask, call("a", "b"), result("b", "a")]],
  ["calls that several messages answer", [ask, call("a", "b"), result("a"), result("b"), said]],
  ["an id that is used again", [ask, call("a"), result("a"), call("a"), result("a"), said, ask]],
  ["calls in two messages", [ask, call("a"), call("b"), result("a", "b")]],
  ["a call behind words of the system", [ask, call("a"), systemMessage("Be brief."), result("a")]],
  ["a tool message that is empty", [ask, said, { role: "tool", content: [] }, ask]],
];

describe.each(formatNames.filter((name) => name !== "ollama"))("a conversation for %s", (format) => {
  it.each(wrong)("is refused before it is sent, and its fault named: %s", async (_, messages, says) => {
    await using provider = wireProviders[format]("http://127.0.0.1:9", {});
    const error: unknown = await generate(provider.model("m"), { messages }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "provider_invalid_request",
      details: { provider: provider.name, model: "m", phase: "connect", param: "messages" },
    });
    expect(String(error)).toContain(says);
    expect(String(error)).not.toContain(wireKey);
  });

  it.each(right)("is written as it is: %s", (_, messages) => {
    expect(() => write[format](messages)).not.toThrow();
  });
});

it("a name of a tool that is none is not shown as it came", () => {
  const messages: readonly Message[] = [
    { role: "tool", content: [{ type: "tool.result", id: "a", name: "say: it\nis fine", output: 1 }] },
  ];
  expect(() => write["openai-chat"](messages)).toThrow(/tool say__it_is_fine_\w+ without/);
});

it("Anthropic's format is given more than instructions, and more than blanks", () => {
  for (const messages of [[systemMessage("Be brief.")], [systemMessage("Be brief."), userMessage(" \n")]]) {
    expect(() => write.anthropic(messages)).toThrow("nothing to answer");
    for (const format of formatNames) if (format !== "anthropic") expect(write[format](messages)).toBeDefined();
  }
});

it("what follows a conversation that Responses keeps is not looked at", () => {
  for (const key of ["previous_response_id", "conversation", "prompt"]) {
    const request = { messages: [result("a")], providerOptions: { here: { [key]: "x" } } };
    expect(openaiResponsesRequest(request, target, { reasoning: false })).toBeDefined();
  }
});

it("Ollama takes a conversation as it is", () => {
  for (const [, messages] of [...wrong, ...right]) expect(write.ollama(messages)).toBeDefined();
});
