import { describe, expect, it } from "vitest";
import { brokenModels } from "../testing/broken-models.ts";
import { mustFail, registerContract } from "../testing/contract.ts";
import { manualClock } from "../testing/manual-clock.ts";
import {
  contractCall,
  contractText,
  modelContract,
  type ModelScenario,
  type ModelSubject,
} from "../testing/model-contract.ts";
import { generate } from "./generate.ts";
import type { Message } from "./message.ts";
import { userMessage } from "./message.ts";
import type { Model } from "./model.ts";
import { scripted, type ScriptedTurn } from "./scripted.ts";

const forever = 1e9;
const turns: Readonly<Record<ModelScenario, ScriptedTurn>> = {
  text: { text: contractText },
  tool: { toolCalls: [contractCall] },
  truncated: { text: contractText.slice(0, 20), error: "stream_interrupted" },
  stalled: { text: contractText, chunkDelayMs: forever },
  silent: { delayMs: forever },
  limited: { error: "provider_rate_limited" },
};

async function subject(wrap: (model: Model) => Model = (model) => model): Promise<ModelSubject & AsyncDisposable> {
  return {
    model: async (scenario) => wrap(scripted([turns[scenario]])),
    idle: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

describe("a scripted model keeps the contract:", () => {
  registerContract(it, { cases: modelContract, make: subject });
});

describe("the contract catches a model that", () => {
  it.each(brokenModels.map((broken) => [broken.name, broken] as const))("%s", async (_, { wrap, noticedBy }) => {
    await mustFail({ cases: modelContract, make: () => subject(wrap) }, noticedBy);
  });
});

describe("a script", () => {
  const ask = (...messages: readonly Message[]) => ({ messages: [userMessage("Go on."), ...messages] });
  const said = (text: string): Message => ({ role: "assistant", content: [{ type: "text", text }] });

  it("takes its turn by the assistant messages in the request, so a restarted conversation goes on", async () => {
    const script = ["one", { text: "two" }, (_: unknown, index: number) => `three, index ${index}`];
    expect((await generate(scripted(script), ask())).text).toBe("one");
    expect((await generate(scripted(script), ask(said("one"), said("two")))).text).toBe("three, index 2");
    expect((await generate(scripted(script), ask(said("one")))).text).toBe("two");
  });

  it("can be one function of the request", async () => {
    const model = scripted((request, index) => `${request.messages.length} messages, turn ${index}`);
    expect((await generate(model, ask(said("x")))).text).toBe("2 messages, turn 1");
  });

  it("says clearly when it is over", async () => {
    await expect(generate(scripted(["one"]), ask(said("one")))).rejects.toMatchObject({
      code: "script_exhausted",
      message: "scripted/script was asked for turn 2, which its script does not have. The script has 1.",
    });
    await expect(
      generate(
        scripted(() => undefined),
        ask(),
      ),
    ).rejects.toMatchObject({ code: "script_exhausted" });
  });

  it("waits by the clock it is given", async () => {
    const clock = manualClock();
    const answer = generate(scripted([{ text: "late", delayMs: 500 }], { clock }), ask());
    await clock.waitForSleepers(1);
    await clock.advance(500);
    expect((await answer).text).toBe("late");
  });

  it("throws an error of its own, and keeps reasoning, usage and metadata", async () => {
    await expect(generate(scripted([{ error: new RangeError("mine") }]), ask())).rejects.toThrow("mine");
    const answer = await generate(
      scripted([
        {
          reasoning: "Let me think about it.",
          text: "😀".repeat(20),
          usage: { inputTokens: 7 },
          metadata: { seen: true },
        },
      ]),
      ask(),
    );
    expect(answer.message.content[0]).toMatchObject({ type: "reasoning", text: "Let me think about it." });
    expect(answer.text).toBe("😀".repeat(20));
    expect(answer).toMatchObject({ usage: { inputTokens: 7 }, metadata: { scripted: true, seen: true } });
  });
});
