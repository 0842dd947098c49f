import { expect, it } from "vitest";
import { agent, createAtlas } from "../src/index.ts";
import { manager } from "../src/teams/manager/index.ts";
import { play, says, useWire } from "./lib/scripted-wire.ts";

// Plans, answers and verdicts come over a real wire.
const { mock, directory, environments } = useWire();
const fails = (status: number) => ({ error: { message: "no", type: "server_error" }, status });
const oven = (id: string, needs: readonly string[]) => ({
  id,
  goal: "How hot is the oven?",
  agent: "worker",
  needs,
  successCheck: [{ kind: "contains", texts: ["230"] }],
});
const bread = (needs: readonly string[]) => ({
  id: "bread",
  goal: "Why does bread rise?",
  agent: "Worker",
  needs,
  successCheck: [{ kind: "judge", question: "Does it name the gas?" }],
});

const script = {
  "You plan the work": [
    says("Sure! Here is my plan, and no JSON."),
    says({ tasks: "many" }),
    says({ tasks: [bread(["oven"]), oven("oven", ["bread"])] }),
    fails(503),
    says(`\`\`\`json\n${JSON.stringify({ tasks: [bread([]), oven("oven", ["bread"])] })}\n\`\`\``),
    says({ tasks: [oven("again", ["bread"])] }),
  ],
  "You are the worker": [
    { toolCalls: [{ name: "rm_rf", arguments: '{"path":"/"}' }] },
    says("Yeast breathes."),
    says("Yeast breathes out a gas."),
    says("It is hot."),
    says("Hot, I said."),
    says("230 degrees."),
  ],
  "You judge whether": [
    says("Looks fine to me."),
    says({ accepted: false, reason: "no gas" }),
    says({ accepted: true, reason: "it does" }),
  ],
  "You write one answer": [says("")],
};
const played = play(mock, script);

it.each(environments)(
  "a planner, an agent, a judge and a writer that misbehave on the wire of %s are put right, and the plan is done",
  { timeout: 30_000 },
  async (provider, environment) => {
    played.restart();
    const model = `${provider}/test-model`;
    const worker = agent({ name: "worker", model, instructions: "You are the worker." });
    const other = agent({ name: "other", model, instructions: "Nobody needs you." });
    const crew = manager({ name: "crew", agents: [worker, other], model });
    await using atlas = await createAtlas({ directory: directory(), environment: environment(), recover: false });
    const run = await atlas.start(crew, "Tell me about bread.");
    const result = await run.result();
    expect(result.text).toBe(
      "Why does bread rise?\n\nYeast breathes out a gas.\n\nHow hot is the oven?\n\n230 degrees.",
    );
    expect(result).toMatchObject({
      finishReason: "stop",
      metadata: { done: ["bread", "again"], missing: [], changes: 1 },
    });
    const asked = Object.fromEntries(Object.entries(script).map(([who, list]) => [who, list.length]));
    expect(played.turns).toEqual(asked);
    const log = await Array.fromAsync(run.events({ after: 0 }));
    const of = (type: string) => log.filter((event) => event.type === type).map(({ data }) => data);
    expect(of("plan.refused")).toMatchObject([{ tries: 1, problems: [{ task: "bread" }] }]);
    expect(of("task.failed")).toMatchObject([
      { id: "bread", final: false },
      { id: "oven" },
      { id: "oven", final: true },
    ]);
    expect(of("plan.changed")).toMatchObject([{ failed: ["oven"], added: ["again"] }]);
    expect(of("results.joined")).toMatchObject([{ writer: "crew.writer" }]);
    expect(JSON.stringify(log)).not.toContain("canary");
  },
);
