import { expect, test } from "vitest";
import { z } from "zod";
import { agent } from "../../agents/index.ts";
import { end, graph } from "../../graph/index.ts";
import { factsOf, rankMembers } from "./choose-agent.ts";

test("what is said of a graph counts as what is said of an agent", () => {
  const words = graph({
    name: "words",
    description: "Translates texts.",
    state: z.object({ text: z.string() }),
    nodes: { one: (state) => state },
    edges: { start: "one", one: end },
  });
  const members = [agent({ name: "sums", description: "Adds numbers up." }), words].map(factsOf);
  expect(rankMembers("Translate the text.", members)[0]).toMatchObject({ name: "words", kind: "graph" });
});
