import { describe, expect, it } from "vitest";
import { registerContract } from "../../testing/contract.ts";
import {
  contractCall,
  contractText,
  modelContract,
  type ModelScenario,
  type ModelSubject,
} from "../../testing/model-contract.ts";
import type { Model } from "../model.ts";
import { scripted, type ScriptedTurn } from "../scripted.ts";
import { group, guarded } from "./group.ts";

const forever = 1e9;
const turns: Readonly<Record<ModelScenario, ScriptedTurn>> = {
  text: { text: contractText },
  tool: { toolCalls: [contractCall] },
  truncated: { text: contractText.slice(0, 20), error: "stream_interrupted" },
  stalled: { text: contractText, chunkDelayMs: forever },
  silent: { delayMs: forever },
  limited: { error: "provider_rate_limited" },
};

function subjectOf(make: (model: Model) => Model) {
  return async (): Promise<ModelSubject & AsyncDisposable> => ({
    model: async (scenario) => make(scripted([turns[scenario]])),
    idle: async () => {},
    [Symbol.asyncDispose]: async () => {},
  });
}

describe("a guarded model keeps the contract of models:", () => {
  registerContract(it, {
    cases: modelContract,
    make: subjectOf((model) => guarded(model, { retry: { maxAttempts: 1 } })),
  });
});

describe("a group of one keeps the contract of models:", () => {
  const make = subjectOf((model) => ({
    ...group({ name: "one", members: [model], retry: { maxAttempts: 1 } }),
    // The contract asks for the provider of the error, which is the member's.
    provider: model.provider,
    name: model.name,
  }));
  registerContract(it, { cases: modelContract, make });
});

describe("a guarded model", () => {
  it("keeps its own name and is not guarded twice", () => {
    const model = guarded(scripted(["x"]));
    expect([model.provider, model.name, model.managed]).toEqual(["scripted", "script", true]);
    expect(guarded(model)).toBe(model);
  });
});
