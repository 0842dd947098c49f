import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../base/index.ts";
import { type Attempt, type CallReport, collect, userMessage } from "../index.ts";
import { providerErrors } from "../errors.ts";
import type { Model, ModelRequest, StreamOptions, StreamPart } from "../model.ts";
import { scripted, type ScriptedOptions, type ScriptedTurn } from "../scripted.ts";
import { group, guarded } from "./group.ts";
import { isReport } from "./call-recorder.ts";
import type { GroupOptions } from "./group-options.ts";

const request: ModelRequest = { messages: [userMessage("Why does bread rise?")] };

function model(name: string, turn: ScriptedTurn, options: ScriptedOptions = {}): Model {
  return scripted(() => turn, { provider: name, name: "m", chunkSize: 4, ...options });
}

interface Read {
  readonly parts: StreamPart[];
  readonly text: string;
  readonly report: CallReport | undefined;
  readonly error: { code: string; details: JsonObject } | undefined;
}

async function read(from: Model, options?: StreamOptions, asked = request): Promise<Read> {
  const parts: StreamPart[] = [];
  const collector = collect(from);
  let error: Read["error"];
  try {
    for await (const part of from.stream(asked, options)) {
      parts.push(part);
      collector.push(part);
    }
  } catch (thrown) {
    error = thrown as NonNullable<Read["error"]>;
  }
  const inError = error?.details["report"];
  const report = collector.result?.report ?? (isReport(inError) ? inError : undefined);
  return { parts, text: collector.result?.text ?? "", report, error };
}

const groupOf = (members: GroupOptions["members"], rules: Partial<GroupOptions> = {}): Model =>
  group({ name: "g", members, ...rules });
const works = model("c", { text: "Yeast." });
const typesOf = (parts: readonly StreamPart[]): string[] => parts.map((part) => part.type);

describe("fallback by what has reached the reader", () => {
  it("is unseen when nothing has: the reader gets one answer of one model (acceptance 21)", async () => {
    const broken = model("a", { error: "stream_interrupted", usage: { inputTokens: 5, outputTokens: 0 } });
    const { parts, text, report } = await read(groupOf([broken, model("b", { text: "Yeast breathes." })]));
    expect(text).toBe("Yeast breathes.");
    expect(typesOf(parts).filter((type) => type.startsWith("response."))).toEqual([
      "response.started",
      "response.finished",
    ]);
    expect(report?.attempts.map((each) => [each.provider, each.outcome])).toEqual([
      ["a", "failed"],
      ["b", "finished"],
    ]);
    expect(report?.seams).toEqual([]);
  });

  it("drops what a model that thinks first repeats of the answer that it continues (acceptance 21)", async () => {
    const members = [
      model("a", { text: "Bread rises because", error: "stream_interrupted" }),
      model("b", { reasoning: "Where was I?", text: "Bread rises because yeast breathes." }),
    ];
    const { text } = await read(groupOf(members, { fallback: { onText: "continue", continuePrompt: "Go on." } }));
    expect(text).toBe("Bread rises because yeast breathes.");
  });

  it("restarts an answer whose text was seen, and says so before the new one begins (acceptance 21)", async () => {
    const broken = model("a", { text: "Because of", error: "stream_interrupted" });
    const { parts, text, report } = await read(groupOf([broken, model("b", { text: "Yeast breathes." })]));
    expect(text).toBe("Yeast breathes.");
    const seam = { from: "a/m", to: "b/m", code: "stream_interrupted" };
    expect(parts.find((part) => part.type === "response.restarted")).toEqual({ type: "response.restarted", ...seam });
    expect(typesOf(parts).filter((type) => type === "response.started")).toHaveLength(1);
    expect(report?.seams).toEqual([{ kind: "restarted", ...seam, atChars: 10 }]);
  });

  it("restarts once when the second model breaks before it says anything (acceptance 21)", async () => {
    const members = [
      model("a", { text: "Because", error: "stream_interrupted" }),
      model("b", { error: "provider_error" }),
      model("c", { text: "Yeast." }),
    ];
    const { parts, text } = await read(groupOf(members));
    expect(text).toBe("Yeast.");
    expect(parts.filter((part) => part.type === "response.restarted")).toEqual([
      { type: "response.restarted", from: "a/m", to: "c/m", code: "stream_interrupted" },
    ]);
  });

  it("continues with prefill and drops nothing and repeats nothing (acceptance 21)", async () => {
    const seen: ModelRequest[] = [];
    const next: Model = {
      ...model("b", {}, { capabilities: { prefill: true } }),
      stream: (asked, options) => {
        seen.push(asked);
        return model("b", { text: " yeast breathes." }).stream(asked, options);
      },
    };
    const broken = model("a", { text: "Because ", error: "stream_interrupted" });
    const { parts, text, report } = await read(groupOf([broken, next], { fallback: { onText: "continue" } }));
    expect(seen[0]?.messages.at(-1)).toEqual({ role: "assistant", content: [{ type: "text", text: "Because" }] });
    expect(text).toBe("Because yeast breathes.");
    expect(typesOf(parts)).toContain("response.continued");
    expect(report?.seams[0]).toMatchObject({ kind: "continued", atChars: 8 });
  });

  it("continues by a prompt where there is no prefill, and drops what the model says again (acceptance 21)", async () => {
    const seen: ModelRequest[] = [];
    const next: Model = {
      ...model("b", {}),
      stream: (asked, options) => {
        seen.push(asked);
        return model("b", { text: "rises because yeast breathes." }).stream(asked, options);
      },
    };
    const broken = model("a", { text: "Bread rises because", error: "stream_interrupted" });
    const fallback = { onText: "continue", continuePrompt: "Go on exactly where you stopped." } as const;
    const { text } = await read(groupOf([broken, next], { fallback }));
    expect(text).toBe("Bread rises because yeast breathes.");
    expect(seen[0]?.messages.at(-1)).toEqual(userMessage("Go on exactly where you stopped."));
  });

  it("restarts where the next model can not continue (acceptance 21)", async () => {
    const broken = model("a", { text: "Because", error: "stream_interrupted" });
    const next = model("b", { text: "Yeast." });
    const { parts, text } = await read(groupOf([broken, next], { fallback: { onText: "continue" } }));
    expect(text).toBe("Yeast.");
    expect(typesOf(parts)).toContain("response.restarted");
  });

  it.each([
    ["a tool call", { toolCalls: [{ name: "pay", input: { euros: 5 } }] }],
    ["signed reasoning", {}],
  ])("ends with the error when %s has been seen (acceptance 21)", async (what, turn) => {
    const base = model("a", { ...turn, error: "stream_interrupted" });
    const broken: Model = {
      ...base,
      async *stream(asked, options) {
        if (what === "signed reasoning") yield { type: "reasoning.delta", text: "Hm.", signature: "s" };
        yield* base.stream(asked, options);
      },
    };
    const { error, report } = await read(groupOf([broken, model("b", { text: "Yeast." })]));
    expect(error?.code).toBe("stream_interrupted");
    expect(report?.attempts).toHaveLength(1);
    const again = await read(groupOf([broken, model("b", { text: "Yeast." })], { fallback: { onTools: "restart" } }));
    expect(again.text).toBe("Yeast.");
  });

  it("stops where text is not to be replaced (acceptance 21)", async () => {
    const broken = model("a", { text: "Because", error: "stream_interrupted" });
    const { error, report } = await read(
      groupOf([broken, model("b", { text: "x" })], { fallback: { onText: "stop" } }),
    );
    expect(error?.code).toBe("stream_interrupted");
    expect(report?.attempts).toHaveLength(1);
  });

  it("can be switched off while the answer streams (acceptance 21)", async () => {
    const broken = model("a", { text: "Because of the", error: "stream_interrupted" });
    const fallback = { enabled: true };
    const from = groupOf([broken, model("b", { text: "Yeast." })]);
    const texts: string[] = [];
    const run = async (): Promise<void> => {
      for await (const part of from.stream(request, { fallback })) {
        if (part.type === "text.delta") texts.push(part.text);
        fallback.enabled = false;
      }
    };
    await expect(run()).rejects.toMatchObject({ code: "stream_interrupted" });
    expect(texts.join("")).toBe("Because of the");
  });

  it("takes an answer that ends without its end for broken (acceptance 1)", async () => {
    const base = model("a", { text: "Because" });
    const cut: Model = {
      ...base,
      async *stream(asked, options) {
        for await (const part of base.stream(asked, options)) if (part.type !== "response.finished") yield part;
      },
    };
    expect((await read(groupOf([cut, model("b", { text: "Yeast." })]))).text).toBe("Yeast.");
    expect((await read(groupOf([cut]))).error?.code).toBe("stream_interrupted");
  });
});

describe("the account of a call", () => {
  const prices = {
    version: "test",
    costMicroUsd: ({ usage }: { usage: { outputTokens: number } }) => usage.outputTokens,
  };
  const metered = { capabilities: { cost: "metered" } } as const;

  it("adds up what every attempt used and cost, the broken ones included (acceptance 10)", async () => {
    const usage = { inputTokens: 10, outputTokens: 4 };
    const members = [
      model("a", { text: "Because", error: "stream_interrupted" }, metered),
      model("b", { text: "Yeast.", usage }, metered),
    ];
    const told: string[] = [];
    const { parts, report } = await read(groupOf(members, { prices }), {
      onAttempt: (attempt) => told.push(`${attempt.provider} ${attempt.outcome} ${attempt.usage.provenance}`),
    });
    const finished = parts.at(-1);
    const [first, second] = report?.attempts ?? [];
    expect(second?.usage).toEqual({ ...usage, provenance: "reported" });
    expect(first?.usage.outputTokens).toBeGreaterThan(0);
    expect(finished).toMatchObject({
      usage: {
        outputTokens: 4 + (first?.usage.outputTokens ?? 0),
        inputTokens: 10 + (first?.usage.inputTokens ?? 0),
        provenance: "estimated",
      },
    });
    expect(report?.costMicroUsd).toBe((first?.costMicroUsd ?? 0) + (second?.costMicroUsd ?? 0));
    expect(told).toEqual(["a failed estimated", "b finished reported"]);
  });

  it("is on the error of a call that failed, and says null where no price is known (acceptance 10)", async () => {
    const { error, report } = await read(groupOf([model("a", { text: "Bec", error: "provider_quota" }, metered)]));
    expect(error?.code).toBe("provider_quota");
    expect(report).toMatchObject({ group: "g", costMicroUsd: null, knownCostMicroUsd: 0 });
    expect(report?.attempts[0]).toMatchObject({ outcome: "failed", code: "provider_quota" });
  });

  it("is told of a reader that leaves, by its estimate (acceptance 10)", async () => {
    const told: Attempt[] = [];
    const from = groupOf([model("a", { text: "Because yeast breathes." })]);
    for await (const part of from.stream(request, { onAttempt: (attempt) => told.push(attempt) })) {
      if (part.type === "text.delta") break;
    }
    expect(told).toMatchObject([{ outcome: "cancelled", usage: { outputTokens: 1, provenance: "estimated" } }]);
    expect(told[0]?.usage.inputTokens).toBeGreaterThan(0);
  });

  it("marks an attempt that follows one which may have been billed (acceptance 18)", async () => {
    const { report } = await read(
      groupOf([model("a", { text: "Be", error: "stream_interrupted" }), model("b", { text: "Yeast." })]),
    );
    expect(report?.attempts.map((each) => each.possiblyBilledTwice)).toEqual([undefined, true]);
  });

  it("holds the attempts of a group within the group, each once (acceptance 10)", async () => {
    const inner = group({
      name: "inner",
      members: [model("a", { error: "provider_error" }), model("b", { error: "provider_error" })],
      retry: { maxAttempts: 2 },
    });
    const told: string[] = [];
    const { report, text } = await read(groupOf([inner, model("c", { text: "Yeast." })]), {
      onAttempt: (attempt) => told.push(attempt.provider),
    });
    expect(text).toBe("Yeast.");
    expect(report?.attempts.map((each) => each.provider)).toEqual(["a", "b", "c"]);
    expect(told).toEqual(["a", "b", "c"]);
  });

  it("takes over from a group, or a guarded model, that has used all of its own attempts (acceptance 21)", async () => {
    const broken = (name: string): Model => model(name, { error: "provider_error" });
    const retry = { maxAttempts: 3, baseDelayMs: 0 };
    const ofGroup = group({ name: "inner", members: [broken("a"), broken("b")], retry });
    expect((await read(groupOf([ofGroup, works], { retry }))).text).toBe("Yeast.");
    const { report } = await read(groupOf([guarded(broken("a"), { retry }), works], { retry }));
    expect(report?.attempts.map((each) => each.provider)).toEqual(["a", "a", "a", "c"]);
  });

  it("costs nothing at a member that was not reached, whose price nobody knows (acceptance 13)", async () => {
    const error = providerErrors.create("provider_unreachable", "a/m could not be reached.");
    const away = model("a", { error }, { capabilities: { cost: "metered" } });
    const { report } = await read(groupOf([away, works]));
    expect(report?.attempts.map((each) => [each.provider, each.costMicroUsd])).toEqual([
      ["a", 0],
      ["c", 0],
    ]);
    expect(report?.costMicroUsd).toBe(0);
  });
});
