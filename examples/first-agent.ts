// An agent with a tool. Here a scripted model stands in for a real one, so that the example runs offline; leave `model` out
// and Atlas takes the model that is configured or found.
import { agent, createAtlas, scripted, tool } from "atlas-agents";
import { z } from "zod";

const weather = tool({
  name: "weather",
  description: "Tells tomorrow's weather in a city.",
  input: z.object({ city: z.string() }),
  run: ({ city }) => ({ city, sky: "clear", celsius: 24 }),
});

const model = scripted([
  { toolCalls: [{ name: "weather", input: { city: "Lisbon" } }] },
  "It will be clear and 24 degrees: walk up to the castle, then take the tram down to the river.",
]);

const guide = agent({ name: "guide", instructions: "Plan a day out.", model, tools: [weather] });

await using atlas = await createAtlas();
const run = await atlas.start(guide, "Lisbon, tomorrow");
for await (const event of run.events()) {
  if (!event.transient) console.log(event.seq, event.type);
}
const { output, usage } = await run.result();
console.log(output);
console.log(`${usage.inputTokens} tokens in, ${usage.outputTokens} out`);
