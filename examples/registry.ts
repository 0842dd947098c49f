// Agents in a registry: versions, what they can do, what they require, and a factory that makes them of a configuration.
import { agent, agentFactory, createAtlas, scripted, tool } from "atlas-agents";
import { z } from "zod";

const search = tool({
  name: "search",
  version: "1.3.0",
  description: "Searches the catalogue.",
  permissions: ["net"],
  idempotent: true,
  input: z.object({ query: z.string() }),
  output: z.object({ hits: z.array(z.string()) }),
  examples: [{ title: "A book", input: { query: "bread" }, output: { hits: ["Bread from scratch"] } }],
  run: ({ query }) => ({ hits: [`${query} from scratch`] }),
});

const researcher = (version: string, strength: number) =>
  agent({
    name: "researcher",
    version,
    description: "Finds sources.",
    capabilities: { research: strength },
    requires: { tools: { search: "^1.0.0" } },
    tools: [search],
    permissions: ["net"],
    model: scripted([{ toolCalls: [{ name: "search", input: { query: "bread" } }] }, `Found by ${version}.`]),
  });

const guides = agentFactory({
  name: "guides",
  config: z.object({ city: z.string().min(1) }),
  make: ({ city }) =>
    agent<unknown>({
      name: `guide-${city.toLowerCase()}`,
      capabilities: ["travel"],
      instructions: `You know ${city}.`,
      model: scripted([`Take the tram in ${city}.`]),
    }),
});

await using atlas = await createAtlas({ agents: [researcher("2.0.0", 0.9), researcher("1.4.0", 0.6)] });
atlas.registry.register(guides);
await atlas.registry.create("guides", { city: "Lisbon" });

for (const { name, version, kind } of atlas.registry.list()) console.log(name, version, kind);
const [best] = atlas.registry.query({ capability: "research", needs: { tools: { search: "^1.2.0" } } });
console.log(`best for research: ${best?.name} ${best?.version}, ${best?.score}`);

for (const wanted of ["researcher", "researcher@^1.0.0", "guide-lisbon"]) {
  const run = await atlas.start(wanted, "Find out about bread");
  console.log(`${wanted}: ${(await run.result()).text}`);
}
console.log(`search was called ${atlas.tools.use()[0]?.calls} times`);
await atlas.registry.create("guides", { city: "" }).catch((error: Error) => console.log(error.message));
