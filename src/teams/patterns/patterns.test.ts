import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { agent } from "../../agents/index.ts";
import type { AgentResult } from "../../agents/index.ts";
import { createAtlas } from "../../app/index.ts";
import type { Atlas } from "../../app/index.ts";
import type { JsonObject } from "../../base/index.ts";
import { append } from "../../graph/index.ts";
import type { Script, ScriptedTurn } from "../../providers/index.ts";
import { scripted } from "../../providers/index.ts";
import { workflow } from "../../runs/index.ts";
import type { AnyTeam } from "../team.ts";
import { textOf } from "./members.ts";
import { blackboard, debate, mapReduce, parallel, pipeline, sequential, vote } from "./index.ts";

let folder: string;
let atlas: Atlas;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-patterns-"));
  atlas = await createAtlas({ directory: folder, environment: {} });
});
afterAll(async () => {
  await atlas[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let count = 0;
const named = (word: string): string => `${word}${++count}`;
const says = (name: string, script: Script | string) =>
  agent({ name: named(name), model: scripted(typeof script === "string" ? [{ text: script }] : script) });
const broken = (name: string) =>
  agent({ name: named(name), model: scripted([{ error: "provider_invalid_request" } satisfies ScriptedTurn]) });
const upper = () => workflow({ name: named("upper"), run: async (_, text: string) => text.toUpperCase() });
/** Says what it was asked last. */
const echo = (name = "echo") =>
  says(name, (request) => {
    const part = request.messages.findLast(({ role }) => role === "user")?.content[0];
    return part?.type === "text" ? `<${part.text}>` : "";
  });

async function play(team: AnyTeam, goal = "Go.") {
  const run = await atlas.start(team, goal);
  const result = (await run.result()) as AgentResult<JsonObject>;
  const log = await Array.fromAsync(run.events({ live: false }));
  const all = (type: string) => log.filter((event) => event.type === type).map(({ data }) => data);
  return { run, result, all };
}

describe("one after the other", () => {
  it("each member gets the goal and what the one before gave; usage is summed", async () => {
    const last = workflow({ name: named("last"), run: async (_, { before }: { before: string }) => before });
    const team = sequential({ name: named("seq"), members: [says("first", "One."), echo(), last] });
    const { result, all } = await play(team);
    expect(result.text).toBe("<Go.\n\nBefore:\nOne.>");
    expect(all("member.answered")).toHaveLength(3);
    expect(result.steps).toBe(2);
    expect(result.usage.outputTokens).toBeGreaterThan(1);
    await expect(play(sequential({ name: named("seq"), members: [broken("bad")] }))).rejects.toMatchObject({
      code: "provider_invalid_request",
    });
  });

  it("a member that fails is left out where that is wanted, and told", async () => {
    const members = [says("first", "One."), broken("bad")];
    const { result, all } = await play(sequential({ name: named("seq"), members, onFailure: "skip" }));
    expect(result).toMatchObject({ output: "One.", metadata: { failed: [members[1]?.name] } });
    expect(all("member.failed")).toMatchObject([{ member: members[1]?.name, code: "provider_invalid_request" }]);
    const none = sequential({ name: named("seq"), members: [broken("a"), broken("b")], onFailure: "skip" });
    await expect(play(none)).rejects.toMatchObject({ code: "team_failed" });
  });

  it("ends at a limit with what there is, and says which", async () => {
    const members = [says("a", "One."), says("b", "Two.")];
    const { result, all } = await play(sequential({ name: named("seq"), members, limits: { maxCalls: 1 } }));
    expect(result).toMatchObject({ output: "One.", finishReason: "max_steps", metadata: { limit: "calls" } });
    expect(all("limit.reached")).toMatchObject([{ limit: "calls", calls: 1 }]);
    const dear = says("dear", [{ text: "One.", usage: { inputTokens: 5_000, outputTokens: 1 } }]);
    const spent = sequential({ name: named("seq"), members: [dear, says("b", "Two.")], limits: { maxTokens: 5_000 } });
    expect((await play(spent)).result).toMatchObject({ finishReason: "max_tokens", metadata: { limit: "tokens" } });
  });

  it("a pipeline gives each stage what the one before gave, with functions between, typed", async () => {
    const line = pipeline({
      name: named("line"),
      stages: [echo(), (text) => ({ text, length: text.length }), ({ length }) => [length]],
    });
    const { result, all } = await play(line, "abc");
    const typed: AgentResult<number[]> = await (await atlas.start(line, "abc")).result();
    expect(typed.output).toEqual([5]);
    expect(result.metadata).toEqual({ stage: 3 });
    expect(all("stage.completed")).toHaveLength(3);
  });
});

describe("at once", () => {
  it("gives results by name, typed; a failure ends it or is left out", async () => {
    const [a, b, bad] = [says("a", "A."), upper(), broken("bad")];
    const all = parallel({ name: named("par"), members: { left: a, right: b } });
    const result: AgentResult<{ readonly left?: string; readonly right?: string }> = await (
      await atlas.start(all, "x")
    ).result();
    expect(result.output).toEqual({ left: "A.", right: "X" });
    const some = parallel({ name: named("par"), members: { a, bad }, policy: "keep going" });
    expect((await play(some)).result).toMatchObject({ output: { a: "A." }, metadata: { failed: [bad.name] } });
    await expect(play(parallel({ name: named("par"), members: { a, bad } }))).rejects.toMatchObject({
      code: "provider_invalid_request",
    });
  });

  it("a budget that does not do for all is the limit of the result, also for whoever asked the team", async () => {
    const members = () => Object.fromEntries(["a", "b", "c"].map((name) => [name, says(name, "word ".repeat(100))]));
    const team = () => parallel({ name: named("par"), members: members(), policy: "keep going" });
    const spend = async (each: AnyTeam) =>
      await (await atlas.start(each, "x", { budget: { maxTokens: 100 } })).result();
    expect(await spend(team())).toMatchObject({ finishReason: "max_tokens", metadata: { limit: "tokens" } });
    const outer = await spend(sequential({ name: named("seq"), members: [team(), team()] }));
    expect(outer).toMatchObject({ finishReason: "max_tokens", metadata: { limit: "tokens" } });
    expect(outer.text).toContain("word");
  });

  it("the first answer wins, and the others are cancelled", async () => {
    const slow = workflow({ name: named("slow"), run: async (context) => await context.waitFor("never") });
    const team = parallel({
      name: named("par"),
      members: { bad: broken("bad"), slow, fast: says("fast", "Here.") },
      policy: "first wins",
    });
    const { run, result, all } = await play(team);
    expect(result).toMatchObject({ output: { fast: "Here." }, text: "Here." });
    expect(all("member.won")).toEqual([{ member: "fast" }]);
    const children = await atlas.runs.list({ parentId: run.id });
    expect(children.find((each) => each.workflow === slow.name)?.status).toBe("cancelled");
  });

  it("maps with bounded places, keeps the order, and reduces by a function or a member", async () => {
    let now = 0;
    let most = 0;
    const map = workflow({
      name: named("map"),
      run: async (context, n: number) =>
        await context.step("work", async () => {
          most = Math.max(most, ++now);
          await new Promise((done) => setImmediate(done));
          now--;
          if (n === 3) throw new TypeError("no three");
          return n * 10;
        }),
    });
    const options = { map, split: () => [1, 2, 3, 4, 5], concurrency: 2, onFailure: "skip" } as const;
    const summed = mapReduce({
      ...options,
      name: named("sum"),
      reduce: (results) => results.map(({ item, output }) => [item, output]),
    });
    const { result, all } = await play(summed);
    expect(result.output).toEqual([
      [1, 10],
      [2, 20],
      [4, 40],
      [5, 50],
    ]);
    expect(most).toBe(2);
    expect(all("items.mapped")).toEqual([{ done: 4, failed: 1, left: 0 }]);
    const joined = await play(mapReduce({ ...options, name: named("join"), reduce: echo() }), "Add.");
    expect(joined.result.text).toContain("[10,20,40,50]");
    const limited = mapReduce({ ...options, name: named("few"), reduce: echo(), limits: { maxCalls: 2 } });
    expect((await play(limited)).result).toMatchObject({ output: [10, 20], finishReason: "max_steps" });
    const many = mapReduce({ ...options, name: named("many"), reduce: echo(), maxItems: 4 });
    await expect(play(many)).rejects.toMatchObject({ code: "team_failed" });
  });
});

describe("deciding together", () => {
  it("a debate ends early where the sides agree", async () => {
    const stubborn = says("stubborn", "Blue.");
    const open = says("open", (request) => (JSON.stringify(request.messages).includes("Others:") ? "blue" : "Red."));
    const { result, all } = await play(debate({ name: named("debate"), sides: [stubborn, open], rounds: 5 }));
    expect(result.output).toMatchObject({ answer: "Blue.", agreed: true, rounds: 2, winner: null });
    expect(all("agreement.reached")).toHaveLength(1);
    expect(all("statement.made")).toHaveLength(4);
  });

  it("a judge decides where they do not; without one the nearest to the others wins; a side may fail", async () => {
    const [red, blue, judge] = [
      says("red", "Red it is."),
      says("blue", "Blue is best."),
      says("judge", "Blue is best."),
    ];
    const options = { rounds: 2, sides: [red, blue, broken("bad")] };
    const judged = await play(debate({ ...options, name: named("debate"), judge }));
    expect(judged.result.output).toMatchObject({ agreed: false, winner: blue.name, rounds: 2 });
    const alone = await play(debate({ ...options, name: named("debate") }));
    expect(alone.result.output).toMatchObject({ winner: red.name });
    expect(alone.all("judgement.given")).toMatchObject([{ by: "likeness" }]);
    const none = debate({ name: named("debate"), sides: [broken("a"), broken("b")] });
    await expect(play(none)).rejects.toMatchObject({ code: "team_failed" });
  });

  it("votes are counted; who fails or names no choice is no voter; below the quorum it fails", async () => {
    const voters = [says("a", "Yes!"), says("b", "no"), says("c", "I say yes."), broken("d"), says("e", "maybe")];
    const options = { voters, choices: ["yes", "no"], quorum: 3 };
    const { result, all } = await play(vote({ ...options, name: named("vote") }));
    expect(result.output).toMatchObject({ winner: "yes", votes: 3, shares: { yes: 2 / 3 } });
    expect(all("vote.refused")).toMatchObject([
      { reason: "provider_invalid_request" },
      { reason: "names none of the choices" },
    ]);
    await expect(play(vote({ ...options, name: named("vote"), quorum: 4 }))).rejects.toMatchObject({
      code: "team_failed",
    });
    const weights = { [String(voters[1]?.name)]: 5 };
    const weighted = vote({ ...options, name: named("vote"), counting: "weighted", weights });
    expect((await play(weighted)).result.output).toMatchObject({ winner: "no" });
  });

  it("one member votes several times; a ranking is read from its lines", async () => {
    const one = await play(vote({ name: named("vote"), voters: [says("a", "Forty two.")], samples: 3 }));
    expect(one.result).toMatchObject({ text: "Forty two.", output: { votes: 3 } });
    const voters = [says("a", "1. tea\n2. milk"), says("b", "milk\ntea"), says("c", "- water\n- milk")];
    const ranked = vote({ name: named("vote"), voters, choices: ["tea", "milk", "water"], counting: "ranked" });
    expect((await play(ranked)).result.output).toMatchObject({ winner: "milk" });
  });
});

const refuseAll = (): never => {
  throw new TypeError("no list");
};

describe("a blackboard", () => {
  const state = z.object({ facts: z.array(z.string()), verdict: z.string() });
  const initial = { facts: [], verdict: "" };

  it("is written by turns until its condition holds, and every change is an event", async () => {
    const team = blackboard({
      name: named("board"),
      state,
      initial,
      reducers: { facts: append },
      members: [
        { member: says("finder", "The door is open."), write: (text) => ({ facts: [textOf(text)] }) },
        { member: says("judge", "Guilty."), when: ({ facts }) => facts.length > 1, write: "verdict" },
      ],
      until: ({ verdict }) => verdict !== "",
    });
    const { result, all } = await play(team);
    expect(result.output).toEqual({ facts: ["The door is open.", "The door is open."], verdict: "Guilty." });
    expect(all("entry.written").map((each) => (each as JsonObject)["key"])).toEqual(["facts", "facts", "verdict"]);
    expect(all("board.ended")).toEqual([{ reason: "condition", rounds: 2, changes: 3 }]);
  });

  it("refuses what does not fit, ends when nothing changes or nobody has anything to do, and at its rounds", async () => {
    const wrong = workflow({ name: named("wrong"), run: async () => ({ verdict: 7, other: 1 }) });
    const refused = await play(blackboard({ name: named("board"), state, initial, members: [{ member: wrong }] }));
    expect(refused.all("entry.refused")).toMatchObject([{ keys: ["verdict"], code: "invalid_input" }]);
    expect(refused.result.metadata).toMatchObject({ reason: "unchanged" });
    const own = workflow({ name: named("own"), run: async () => ({ constructor: [1], toString: "x" }) });
    const odd = [{ member: own }, { member: wrong, write: refuseAll }];
    const strange = await play(blackboard({ name: named("board"), state, initial, members: odd }));
    expect(strange.all("entry.refused")).toMatchObject([{ keys: [], code: "invalid_input" }]);
    expect(strange.result.output).toEqual(initial);
    const idle = blackboard({ name: named("board"), state, initial, members: [{ member: wrong, when: () => false }] });
    expect((await play(idle)).result.metadata).toMatchObject({ reason: "idle", changes: 0 });
    const more = blackboard({
      name: named("board"),
      state,
      initial,
      turns: "at once",
      reducers: { facts: append },
      members: [
        { member: says("a", "x"), write: "facts" },
        { member: says("b", "y"), write: "facts" },
      ],
      limits: { maxRounds: 2 },
    });
    expect((await play(more)).result).toMatchObject({
      output: { facts: ["x", "y", "x", "y"] },
      finishReason: "max_steps",
      metadata: { reason: "limit", limit: "rounds" },
    });
  });
});

describe("what cannot work", () => {
  it("is refused when it is defined, with what is wrong", () => {
    const one = says("one", "x");
    const tool = { kind: "tool", name: "hammer" };
    expect(() => sequential({ name: "s", members: [] })).toThrow(/needs 1 or more/);
    expect(() => sequential({ name: "s", members: [tool] })).toThrow(/Member 1 of the team s is nothing/);
    expect(() => sequential({ name: "s", members: [one], limits: { maxCalls: 0 } })).toThrow(/maxCalls/);
    expect(() => debate({ name: "d", sides: [one] })).toThrow(/needs 2 or more/);
    expect(() => vote({ name: "v", voters: [one], quorum: 2 })).toThrow(/quorum/);
    expect(() => vote({ name: "v", voters: [one], choices: ["a"] })).toThrow(/choices/);
    expect(() => vote({ name: "v", voters: [one], weights: { one: Number.NaN } })).toThrow(/weights/);
    expect(() => mapReduce({ name: "m", map: one, reduce: () => 1, concurrency: 0 })).toThrow(/concurrency/);
    expect(() => pipeline({ name: "p", stages: [] as never })).toThrow(/no stages/);
  });
});
