import { expect, test } from "vitest";
import { useAtlas } from "../../test/lib/atlas.ts";
import { agent } from "../agents/index.ts";
import { scripted } from "../providers/index.ts";
import type { Provider } from "../providers/index.ts";

const plan = (worker: string): string =>
  JSON.stringify({ goal: "Do it.", tasks: [{ id: "t1", goal: "Say so.", agent: worker }] });
// It plans for whichever of the agents it was told of last.
const model = scripted((request) => {
  const told = JSON.stringify(request.messages);
  return told.includes("You plan the work") ? plan(told.includes("late") ? "late" : "early") : "Said.";
});
const house: Provider = {
  name: "house",
  model: () => ({ ...model, provider: "house", name: "one" }),
  listModels: async () => ["one"],
  async [Symbol.asyncDispose]() {},
};
const early = agent({ name: "early", model });
const atlas = useAtlas({ providers: [house], agents: [early], settings: { model: "house/one" } });

test.each(["manager", "supervisor"])("a %s that is there without being defined works again and again", async (name) => {
  const results = [];
  for (const goal of ["Do one.", "Do two."]) results.push(await (await atlas().start(name, goal)).result());
  const together = await Promise.all(["Do three.", "Do four."].map((goal) => atlas().start(name, goal)));
  for (const run of together) results.push(await run.result());
  expect(results.map(({ text }) => text.includes("Said."))).toEqual([true, true, true, true]);
});

test("the manager that is there plans for agents that came later too", async () => {
  await (await atlas().start("manager", "Do it.")).result();
  atlas().registry.register(agent({ name: "late", model: scripted(["From late."]) }));
  expect(await (await atlas().start("manager", "Do it again.")).result()).toMatchObject({ text: "From late." });
});
