import { expect, test } from "vitest";
import { useAtlas } from "../../../test/lib/atlas.ts";
import {
  crew,
  eventsOf,
  go,
  open,
  questions,
  role,
  steps,
  teamOf,
  ways,
} from "../../../test/supervisor/scripted-crew.ts";
import { tool } from "../../tools/index.ts";
import { textDebt } from "../reward/index.ts";
import { z } from "zod";

const atlas = useAtlas();

test("work goes down the roles by typed messages and comes out accepted", async () => {
  const { result, told } = await go(atlas(), crew());
  expect(result).toMatchObject({ output: "Bread rises because yeast breathes.", finishReason: "stop" });
  expect(ways(told)).toEqual([
    "reasoning>planning questions downstream",
    "planning>action steps downstream",
    "action>feedback findings downstream",
    "feedback>completion accepted downstream",
    "completion>supervisor result downstream",
  ]);
  expect(told("loop.ended")).toMatchObject([{ reason: "accepted", rounds: 1, best: 1, scores: [1] }]);
});

test("feedback hands open points back to the role that must mend them, and they stay open until they are closed", async () => {
  const models = crew({
    action: role("Yeast.", "Yeast breathes out gas."),
    feedback: role(open("Too short", { score: 0.3 }), { message: { kind: "accepted", closed: ["f1"], score: 0.9 } }),
  });
  const { result, told } = await go(atlas(), models);
  expect(ways(told)).toContain("feedback>action open_points upstream");
  expect(models.action.said()[1]).toContain("f1: Too short");
  expect(models.planning.seen).toHaveLength(1);
  expect(told("point.closed")).toMatchObject([{ id: "f1", round: 2 }]);
  expect(result.metadata["feedback"]).toMatchObject([{ id: "f1", open: false, closed: true, weight: 1 }]);
  expect(told("round.finished").map(({ score }) => score)).toEqual([0.3, 0.9]);
  // What was closed is the debt that was paid off, as the reward reads it.
  const after = { when: "after" as const, goal: "", result };
  expect(await textDebt().measure(after, { signal: new AbortController().signal })).toMatchObject({ total: -1 });
});

test("feedback hands back to planning and to reasoning, and the work goes down from there", async () => {
  const models = crew();
  const back = (to: string, text: string) => ({ message: { kind: "open_points", to, points: [{ text }] } });
  const feedback = role(back("planning", "a"), back("reasoning", "b"), {
    message: { kind: "accepted", closed: ["f1", "f2"] },
  });
  const { told } = await go(atlas(), { ...models, feedback });
  expect(told("round.started").map(({ from }) => from)).toEqual(["reasoning", "planning", "reasoning"]);
  expect([models.reasoning.seen.length, models.planning.seen.length]).toEqual([2, 3]);
  expect(models.planning.said()[1]).toContain("f1: a");
  expect(models.reasoning.said()[1]).toContain("f2: b");
});

test("a step that cannot be done goes back to planning, whose other step is done", async () => {
  const models = crew({
    planning: role(steps, { message: { kind: "steps", steps: [{ id: "s2", question: "q1", text: "Ask a baker." }] } }),
    action: role({ message: { kind: "blocked", reason: "There is no library." } }, "The baker says: yeast."),
  });
  const { result, told } = await go(atlas(), models);
  expect(ways(told)).toContain("action>planning blocked upstream");
  expect(models.planning.said()[1]).toContain("There is no library.");
  expect(models.action.said()[1]).toContain("Ask a baker.");
  expect(result.finishReason).toBe("stop");
});

test("no role sees the tools, the notes or the conversation of another, and each keeps its own", async () => {
  const secret = (name: string) => tool({ name: `${name}_tool`, input: z.object({}), run: () => name });
  const models = crew({
    reasoning: role({ ...questions, notes: ["reasoning-secret"] }),
    planning: role({ ...steps, notes: ["planning-secret"] }),
    action: role({ message: { kind: "findings", text: "Yeast." }, notes: ["action-secret"] }),
    feedback: role(
      { ...open("more"), notes: ["feedback-secret"] },
      { message: { kind: "open_points", to: "reasoning", points: [{ id: "f1", text: "more" }] } },
      { message: { kind: "accepted", closed: ["f1"] } },
    ),
  });
  const names = ["reasoning", "planning", "action", "feedback"] as const;
  const roles = Object.fromEntries(names.map((name) => [name, { model: models[name].model, tools: [secret(name)] }]));
  const { told } = await go(atlas(), models, { roles });
  for (const name of names) {
    expect(models[name].seen.length).toBeGreaterThan(1);
    for (const request of models[name].seen) expect(request.tools?.map((each) => each.name)).toEqual([`${name}_tool`]);
    const others = names.filter((other) => other !== name);
    for (const text of models[name].said()) for (const other of others) expect(text).not.toContain(`${other}-secret`);
    expect(models[name].said()[1]).toContain(`${name}-secret`);
  }
  expect(
    told("memory.kept")
      .map(({ role: who }) => who)
      .slice(0, 4),
  ).toEqual([...names]);
});

test("the best round is given, not the last, with the reason and the scores of all", async () => {
  const models = crew({
    action: role("One.", "Two is best.", "Three.", "Four."),
    feedback: role(
      open("a", { score: 0.2 }),
      open("b", { score: 0.8 }),
      open("c", { score: 0.4 }),
      open("d", { score: 0.3 }),
    ),
    completion: role("done"),
  });
  const { result, told } = await go(atlas(), models, { limits: { noProgress: 2 } });
  expect(told("loop.ended")).toMatchObject([
    { reason: "no_progress", best: 2, scores: [0.2, 0.8, 0.4, 0.3], accepted: false },
  ]);
  expect(models.completion.said()[0]).toContain("Two is best.");
  expect(models.completion.said()[0]).not.toContain("Four.");
  expect(result.finishReason).toBe("max_steps");
  expect(result.metadata["feedback"]).toMatchObject([{ id: "f1" }, { id: "f2" }]);
});

test("what a person steers reaches the roles that are asked after it", async () => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const wait = tool({
    name: "wait",
    input: z.object({}),
    run: async () => {
      started.resolve();
      await release.promise;
      return "ok";
    },
  });
  const models = crew({ action: role({ toolCalls: [{ name: "wait", input: {} }] }, "Yeast.", "Rye yeast.") });
  const run = await atlas().start(
    teamOf(models, { roles: { action: { model: models.action.model, tools: [wait] } } }),
    "Why?",
  );
  await started.promise;
  await run.steer("Only rye bread.");
  await run.steer({ bias: { role: "action", target: "instructions", wanted: "Speak of rye.", reason: "asked" } });
  release.resolve();
  await run.result();
  const told = await eventsOf(run);
  expect(told("steering.passed")).toMatchObject([{ text: "Only rye bread.", round: 1 }]);
  expect(told("round.started")).toHaveLength(2);
  expect(models.reasoning.said()[1]).toContain("Only rye bread.");
  expect(models.action.said().at(-1)).toContain("Speak of rye.");
});
