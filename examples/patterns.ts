// Each pattern of a team once. The members that answer use the offline model, so that this runs with no key and no network; any of
// them may be an agent of another model, a team, a graph or a workflow.
import { mkdirSync, writeFileSync } from "node:fs";
import { agent, append, createAtlas, workflow } from "atlas-agents";
import {
  blackboard,
  controller,
  debate,
  handOver,
  handoff,
  mapReduce,
  parallel,
  pipeline,
  retrievalAnswer,
  sequential,
  taskAware,
  vote,
} from "atlas-agents/teams/patterns";
import { z } from "zod";

mkdirSync("handbook", { recursive: true });
writeFileSync("handbook/holidays.md", "# Holidays\n\nEverybody has 30 days of holidays each year.\n");
writeFileSync("handbook/travel.md", "# Travel\n\nThe train is paid for every trip to a customer.\n");

const model = "offline/extractive";
const reader = agent({ name: "reader", description: "Reads the handbook.", knowledge: ["handbook"], model });
const travel = agent({
  name: "travel",
  description: "Knows train and trip.",
  knowledge: ["handbook/travel.md"],
  model,
});
const holidays = agent({
  name: "holidays",
  description: "Knows how many days of holidays.",
  knowledge: ["handbook/holidays.md"],
  model,
});
const shout = workflow({ name: "shout", run: async (_, text: string) => text.toUpperCase() });
const short = workflow({ name: "short", run: async (_, { before }: { before: string }) => `${before.split(".")[0]}.` });
const question = "How many days of holidays does everybody have?";

await using atlas = await createAtlas();

const told = await (await atlas.start(sequential({ name: "told", members: [reader, short] }), question)).result();
console.log("sequential: %s", told.output);

const line = pipeline({ name: "line", stages: [reader, (text) => text.split(" [")[0] ?? text, shout] });
console.log("pipeline: %s", (await (await atlas.start(line, question)).result()).output);

const both = parallel({ name: "both", members: { travel, holidays }, policy: "keep going" });
const { output } = await (await atlas.start(both, question)).result();
console.log("parallel: %s", Object.keys(output).join(" and "));

const mapped = mapReduce({
  name: "mapped",
  map: reader,
  reduce: (results) => results.map((each) => each.output),
});
const answers = await (await atlas.start(mapped, `${question} For which trip is the train paid?`)).result();
console.log("mapReduce: %d answers, %d citations", answers.output.length, answers.citations.length);

const argued = debate({ name: "argued", sides: [reader, holidays], rounds: 3 });
const { agreed, rounds } = (await (await atlas.start(argued, question)).result()).output;
console.log("debate: agreed: %s, after %d of 3 rounds", agreed, rounds);

const voted = vote({ name: "voted", voters: [reader, holidays, travel], quorum: 2 });
const poll = (await (await atlas.start(voted, question)).result()).output;
console.log("vote: %d votes for: %s", poll.votes, poll.winner);

const desk = workflow({ name: "desk", run: async () => handOver("travel", "A question of the house.") });
const office = handoff({ name: "office", members: [desk, travel, holidays] });
const handed = await atlas.start(office, question);
for await (const { type, data } of handed.events()) if (type === "handover.made") console.log("handoff: %o", data);
console.log("handoff: %s", (await handed.result()).text);

const board = blackboard({
  name: "board",
  state: z.object({ notes: z.array(z.string()), verdict: z.string() }),
  initial: { notes: [], verdict: "" },
  reducers: { notes: append },
  members: [
    { member: holidays, task: () => question, write: "notes", when: ({ notes }) => notes.length === 0 },
    { member: shout, task: ({ notes }) => notes[0] ?? "", write: "verdict", when: ({ notes }) => notes.length > 0 },
  ],
  until: ({ verdict }) => verdict !== "",
});
console.log("blackboard: %s", (await (await atlas.start(board, "Find out.")).result()).output.verdict);

const boss = controller({ name: "boss", workers: [travel, { member: holidays, replicas: 2 }] });
const work = await atlas.start(boss, `${question} For which trip is the train paid?`);
for await (const { type, data } of work.events()) if (type === "worker.chosen") console.log("controller: %o", data);
console.log("controller: %d done", (await work.result()).output.results.length);

const clerk = taskAware(reader, { kinds: { leave: { words: ["holidays", "leave"], instructions: "Name the days." } } });
console.log("taskAware: %o", (await (await atlas.start(clerk, question)).result()).metadata["taskKind"]);

const asked = retrievalAnswer({ name: "asked", knowledge: ["handbook"] });
const { text, citations, metadata } = await (await atlas.start(asked, question)).result();
console.log(
  "retrievalAnswer: %s %s, cites %s",
  text,
  metadata["grade"],
  citations[0]?.source.split("/").slice(-2).join("/"),
);
