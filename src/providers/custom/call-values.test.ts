import { describe, expect, it } from "vitest";
import { type Message, systemMessage, userMessage } from "../message.ts";
import { callValues } from "./call-values.ts";

const conversation: readonly Message[] = [
  systemMessage("Be short."),
  userMessage("Weather?"),
  { role: "assistant", content: [{ type: "tool.call", id: "c1", name: "weather", input: { city: "Łódź" } }] },
  { role: "tool", content: [{ type: "tool.result", id: "c1", name: "weather", output: { sky: "clear" } }] },
];

describe("the values of a call", () => {
  it("write a conversation as a list of messages", () => {
    const values = callValues("m", { messages: conversation }, { messages: "list", systemApart: false });
    expect(values("messages")).toEqual([
      { role: "system", content: "Be short." },
      { role: "user", content: "Weather?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Łódź"}' } }],
      },
      { role: "tool", tool_call_id: "c1", content: '{"sky":"clear"}' },
    ]);
  });

  it("write it as one text, with room for the answer, and the system apart where the template has a place for it", () => {
    const values = callValues("m", { messages: conversation }, { messages: "text", systemApart: true });
    const text =
      'User: Weather?\n\nAssistant: (calls weather with {"city":"Łódź"})\n\nTool: weather answered {"sky":"clear"}\n\nAssistant:';
    expect(values("messages")).toBe(text);
    expect(values("prompt")).toBe(text);
    expect(values("system")).toBe("Be short.");
  });

  it("give a lone message as it is, with its images in the list form", () => {
    const content = [
      { type: "text", text: "What is it?" },
      { type: "file", mediaType: "image/png", data: "AAAA" },
    ] as const;
    const request = { messages: [{ role: "user", content }] as const };
    const values = callValues("m", request, { messages: "list", systemApart: false });
    expect(values("prompt")).toBe("What is it?");
    expect(values("messages")).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
        ],
      },
    ]);
  });

  it("have nothing for what the call does not say", () => {
    const values = callValues("m", { messages: [userMessage("x")] }, { messages: "list", systemApart: false });
    const silent = [
      "system",
      "temperature",
      "maxOutputTokens",
      "stop",
      "seed",
      "tools",
      "toolChoice",
      "schema",
    ] as const;
    expect(silent.map(values)).toEqual(silent.map(() => undefined));
    const forced = { messages: [], toolChoice: { name: "weather" }, stopSequences: ["END"] };
    const told = callValues("m", forced, { messages: "list", systemApart: false });
    expect(told("toolChoice")).toEqual({ type: "function", function: { name: "weather" } });
    expect(told("stop")).toEqual(["END"]);
  });
});
