import { expect, it } from "vitest";
import { createAtlas } from "../src/app/index.ts";
import { supervisor } from "../src/teams/supervisor/index.ts";
import { play, says, useWire } from "./lib/scripted-wire.ts";
import type { WireAnswer } from "./lib/scripted-wire.ts";

// What a role says comes over a real wire.
const { mock, directory, environments } = useWire();
const questions = { questions: [{ id: "q1", text: "Why does bread rise?" }], form: "list" };
const steps = { message: { kind: "steps", steps: [{ id: "s1", question: "q1", text: "Find it.", needs: [] }] } };
const handBack = {
  message: { kind: "open_points", to: "action", points: [{ text: "Name the gas." }], closed: [], score: 0.4 },
};
const acceptAll = { message: { kind: "accepted", closed: ["f1"], score: 0.9 } };

/** Answers by the role that asks: which one it is, its instructions say. */
const script: Readonly<Record<string, readonly WireAnswer[]>> = {
  reasoning: [says("Sure! Here is my thinking, and no JSON."), says({ questions: "many" }), says(questions)],
  planning: [
    { error: { message: "overloaded", type: "server_error" }, status: 503 },
    says(`\`\`\`json\n${JSON.stringify(steps)}\n\`\`\``),
  ],
  action: [says("Yeast breathes."), says("Yeast breathes out carbon dioxide.")],
  feedback: [
    says({ message: { kind: "open_points", to: "the boss", points: [] } }),
    says(handBack),
    says({ message: { kind: "accepted", closed: [] } }),
    says(acceptAll),
  ],
  completion: [says("No list at all."), says("- Yeast breathes out carbon dioxide.")],
};
const played = play(mock, script, (role) => `You are the ${role} role.`);

it.each(environments)(
  "roles that misbehave on the wire of %s are put right, and the loop ends accepted",
  { timeout: 30_000 },
  async (provider, environment) => {
    played.restart();
    const crew = supervisor({ name: "crew", model: `${provider}/test-model` });
    await using atlas = await createAtlas({ directory: directory(), environment: environment(), recover: false });
    const run = await atlas.start(crew, "Why does bread rise? As a list.");
    const result = await run.result();
    expect(result).toMatchObject({ output: "- Yeast breathes out carbon dioxide.", finishReason: "stop" });
    expect(result.metadata["supervisor"]).toMatchObject({ reason: "accepted", best: 2, scores: [0.4, 0.9] });
    expect(result.metadata["feedback"]).toMatchObject([{ id: "f1", text: "Name the gas.", open: false }]);
    expect(played.turns).toEqual({ reasoning: 3, planning: 2, action: 2, feedback: 4, completion: 2 });
    const log = await Array.fromAsync(run.events({ after: 0 }));
    const refused = log.filter(({ type }) => type === "message.refused").map(({ data }) => data);
    expect(refused).toMatchObject([{ from: "feedback" }, { from: "completion", problem: "The result has no list." }]);
    expect(JSON.stringify(log)).not.toContain("canary");
  },
);
