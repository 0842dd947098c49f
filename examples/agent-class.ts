// An agent that is a class, and tools that are its methods. Used as functions here, since Node runs TypeScript without compiling
// decorators; compiled by tsc, the same two are `@agentClass(...)` before the class and `@toolMethod(...)` before a method.
import { agentClass, agentOf, createAtlas, scripted, toolMethod } from "atlas-agents";
import { z } from "zod";

const model = scripted([
  { toolCalls: [{ name: "weather", input: { city: "Lisbon" } }] },
  { toolCalls: [{ name: "asked", input: {} }] },
  "Clear skies: walk up to the castle.",
]);

const Guide = agentClass({ name: "guide", instructions: "Plan a day out.", capabilities: ["travel"], model })(
  class {
    readonly #cities: string[] = [];

    readonly weather = toolMethod({ description: "Tells tomorrow's weather.", input: z.object({ city: z.string() }) })(
      ({ city }) => {
        this.#cities.push(city);
        return { city, sky: "clear" };
      },
    );

    readonly asked = toolMethod({ description: "Lists the cities that were asked for.", input: z.object({}) })(
      () => this.#cities,
    );
  },
);

await using atlas = await createAtlas();
const run = await atlas.start(agentOf(Guide), "Lisbon, tomorrow");
for await (const event of run.events()) if (event.type === "tool.completed") console.log(event.type, event.data);
console.log((await run.result()).output);
