import { describe, expect, it } from "vitest";
import { hostedCapabilities } from "../capabilities.ts";
import { collect, generate } from "../generate.ts";
import { type Message, userMessage } from "../message.ts";
import type { Model, ModelCapabilities, ModelRequest } from "../model.ts";
import { scripted } from "../scripted.ts";
import { adaptRequest } from "./adapt-request.ts";
import { group } from "./group.ts";

const to = (provider: string, differs: Partial<ModelCapabilities> = {}) => ({
  provider,
  capabilities: { ...hostedCapabilities, ...differs },
});
const call = (id: string) => ({ type: "tool.call", id, name: "weather", input: {} }) as const;
const result = (id: string) => ({ type: "tool.result", id, name: "weather", output: "rain" }) as const;
const conversation = (...messages: Message[]): ModelRequest => ({ messages: [userMessage("Hi"), ...messages] });

describe("a request for another model", () => {
  it("loses reasoning and signatures of other providers and keeps those of its own (acceptance 22)", () => {
    const thought = (provider: string) => ({ type: "reasoning", text: "Hm.", provider, signature: "s" }) as const;
    const request = conversation({ role: "assistant", content: [thought("a"), { type: "text", text: "Yes." }] });
    expect(adaptRequest(request, to("b")).messages[1]?.content).toEqual([{ type: "text", text: "Yes." }]);
    expect(adaptRequest(request, to("a"))).toBe(request);
  });

  it("has tool ids that the model takes, the same for a call and its result (acceptance 22)", () => {
    const id = "call:1/with.a|form-that-only-its-own-provider-would-ever-take";
    const request = conversation(
      { role: "assistant", content: [call(id), call("call_2")] },
      { role: "tool", content: [result(id), result("call_2")] },
    );
    const [, calls, results] = adaptRequest(request, to("b")).messages;
    const ids = (message: Message | undefined): string[] =>
      (message?.content ?? []).flatMap((part) => ("id" in part ? [part.id] : []));
    expect(ids(calls)).toEqual(ids(results));
    expect(ids(calls)[0]).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
    expect(ids(calls)[1]).toBe("call_2");
    const mistral = ids(adaptRequest(request, to("mistral")).messages[1]);
    for (const each of mistral) expect(each).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(new Set(mistral).size).toBe(2);
  });

  it("asks in words for a schema where there is no native way, and bounds the answer by the model (acceptance 22) (acceptance 30)", () => {
    const schema = { type: "object", properties: { city: { type: "string" } } };
    const request = { ...conversation(), responseFormat: { name: "place", schema }, maxOutputTokens: 9_000 };
    const adapted = adaptRequest(request, to("b", { structuredOutput: "none", maxOutputTokens: 4_096 }));
    expect(adapted.responseFormat).toBeUndefined();
    expect(adapted.maxOutputTokens).toBe(4_096);
    expect(adapted.messages[0]).toMatchObject({ role: "system" });
    expect(JSON.stringify(adapted.messages[0])).toContain("city");
    const withSystem = {
      ...request,
      messages: [{ role: "system", content: [{ type: "text", text: "Be brief." }] }],
    } as const;
    expect(adaptRequest(withSystem, to("b", { structuredOutput: "none" })).messages).toHaveLength(1);
  });

  it("is left to a group within the group as it is (acceptance 22)", () => {
    const request = { ...conversation(), responseFormat: { name: "place", schema: {} } };
    expect(adaptRequest(request, { ...to("group", { structuredOutput: "none" }), managed: true })).toBe(request);
  });
});

describe("a member", () => {
  it("gets only what it can take: tools, files, length and prefill are looked at before any score (acceptance 22) (acceptance 24)", async () => {
    const member = (name: string, differs: Partial<ModelCapabilities>): Model =>
      scripted(() => ({ text: name }), { provider: name, name: "m", capabilities: differs });
    const from = group({
      name: "g",
      members: [
        member("toolless", { tools: "none", files: ["image/*"], prefill: true }),
        member("blind", { files: [], prefill: true }),
        member("short", { contextTokens: 10, files: ["image/*"], prefill: true }),
        member("fresh", { files: ["image/*"], prefill: false }),
        member("able", { files: ["image/*"], prefill: true }),
      ],
    });
    const request: ModelRequest = {
      messages: [
        { role: "user", content: [{ type: "file", mediaType: "image/png", data: "" }] },
        { role: "assistant", content: [{ type: "text", text: "I see " }] },
      ],
      tools: [{ name: "weather", description: "Tells the weather.", inputSchema: {} }],
    };
    const { text, report } = await generate(from, request);
    expect(text).toBe("able");
    expect(report?.selections[0]?.rejected.map(({ reason, detail }) => [reason, detail])).toEqual([
      ["capability", "takes no tools"],
      ["capability", "takes no files of type image/png"],
      ["context_length", expect.stringContaining("reads 10 tokens")],
      ["capability", "can not go on from a message of the assistant"],
    ]);
  });

  it("is another one after the context was too long for the first (acceptance 22)", async () => {
    const small = scripted(() => ({ error: "provider_context_length" }), { provider: "small", name: "m" });
    const large = scripted(() => ({ text: "Yes." }), { provider: "large", name: "m" });
    const collector = collect({ provider: "g", name: "g" });
    const from = group({ name: "g", members: [small, large] });
    for await (const part of from.stream(conversation())) collector.push(part);
    expect(collector.result?.text).toBe("Yes.");
  });
});
