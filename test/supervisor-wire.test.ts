import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAtlas } from "../src/app/index.ts";
import { supervisor } from "../src/teams/supervisor/index.ts";

// A server that speaks the providers' own formats and that we did not write: what a role says comes over a real wire.
const mock = new LLMock({ port: 0, chunkSize: 7 });
let directory: string;

const says = (value: unknown): { content: string } => ({
  content: typeof value === "string" ? value : JSON.stringify(value),
});
const questions = { questions: [{ id: "q1", text: "Why does bread rise?" }], form: "list" };
const steps = { message: { kind: "steps", steps: [{ id: "s1", question: "q1", text: "Find it.", needs: [] }] } };
const handBack = {
  message: { kind: "open_points", to: "action", points: [{ text: "Name the gas." }], closed: [], score: 0.4 },
};
const acceptAll = { message: { kind: "accepted", closed: ["f1"], score: 0.9 } };

/** Answers by the role that asks: which one it is, its instructions say. */
const script: Readonly<
  Record<string, readonly (ReturnType<typeof says> | { error: { message: string; type: string }; status: number })[]>
> = {
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
const turns: Record<string, number> = {};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "atlas-supervisor-wire-"));
  for (const [role, list] of Object.entries(script)) {
    mock.on({ predicate: (request) => JSON.stringify(request).includes(`You are the ${role} role.`) }, () => {
      const turn = turns[role] ?? 0;
      turns[role] = turn + 1;
      return list[turn] ?? { error: { message: "The script is over.", type: "invalid_request_error" }, status: 400 };
    });
  }
  await mock.start();
});

afterAll(async () => {
  await mock.stop();
  rmSync(directory, { recursive: true, force: true });
});

const environments = [
  ["openai", () => ({ OPENAI_API_KEY: "sk-canary-1234567890", OPENAI_BASE_URL: `${mock.url}/v1` })],
  ["anthropic", () => ({ ANTHROPIC_API_KEY: "sk-ant-canary-1234567890", ANTHROPIC_BASE_URL: mock.url })],
] as const;

it.each(environments)(
  "roles that misbehave on the wire of %s are put right, and the loop ends accepted",
  { timeout: 30_000 },
  async (provider, environment) => {
    for (const role of Object.keys(script)) turns[role] = 0;
    const crew = supervisor({ name: "crew", model: `${provider}/test-model` });
    await using atlas = await createAtlas({ directory, environment: environment(), recover: false });
    const run = await atlas.start(crew, "Why does bread rise? As a list.");
    const result = await run.result();
    expect(result).toMatchObject({ output: "- Yeast breathes out carbon dioxide.", finishReason: "stop" });
    expect(result.metadata["supervisor"]).toMatchObject({ reason: "accepted", best: 2, scores: [0.4, 0.9] });
    expect(result.metadata["feedback"]).toMatchObject([{ id: "f1", text: "Name the gas.", open: false }]);
    expect(turns).toEqual({ reasoning: 3, planning: 2, action: 2, feedback: 4, completion: 2 });
    const log = await Array.fromAsync(run.events({ after: 0 }));
    const refused = log.filter(({ type }) => type === "message.refused").map(({ data }) => data);
    expect(refused).toMatchObject([{ from: "feedback" }, { from: "completion", problem: "The result has no list." }]);
    expect(JSON.stringify(log)).not.toContain("canary");
  },
);
