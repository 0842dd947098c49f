// A program whose team records a reward. With "die" it is killed, without any notice, right after the ledger has written it and
// before the run's log knows; without, it takes the run up and ends it.
import { createAtlas, workflow } from "../../src/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";
import { debtReport, openRewards, withReward } from "../../src/teams/reward/index.ts";

const database = await sqlite({ path: "rewards.db" });
const ledger = await openRewards({ database });
const dies = process.argv[2] === "die";
const work = workflow({ name: "work", run: (context) => context.step("work", () => "done") });
const crew = withReward(work, {
  meter: {
    name: "fixed",
    measure: async ({ when }) =>
      debtReport("fixed", [{ name: "owed", count: when === "before" ? 9 : 2, weight: 1, measured: true, note: "" }]),
  },
  ledger: {
    ...ledger,
    async record(entry) {
      const counted = await ledger.record(entry);
      if (dies) process.kill(process.pid, "SIGKILL");
      return counted;
    },
  },
});

const atlas = await createAtlas({ teams: [crew] });
const runs = await atlas.runs.list();
const own = runs.find(({ parentId }) => parentId === undefined);
const run = own === undefined ? await atlas.start(crew, "Work.") : await atlas.runs.open(own.id);
await run.result();
const recorded: unknown[] = [];
for await (const event of run.events()) if (event.type === "reward.recorded") recorded.push(event.data);
process.stdout.write(JSON.stringify({ recorded, arms: await ledger.list() }));
await database[Symbol.asyncDispose]();
await atlas.close();
