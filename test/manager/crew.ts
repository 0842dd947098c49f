// A process that carries a plan out, until it is killed or done.
//   node crew.ts FOLDER
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { agent, createAtlas, scripted } from "../../src/index.ts";
import { manager } from "../../src/teams/manager/index.ts";

const [folder = ""] = process.argv.slice(2);
const tasks = Array.from({ length: 12 }, (_, index) => ({
  id: `t${index}`,
  goal: `Do task ${index}.`,
  agent: index % 2 === 0 ? "even" : "odd",
  needs: index < 4 ? [] : [`t${index - 4}`, `t${index - 3}`],
}));

/** Tells a file outside of the database of each task that it is asked for. */
const worker = (name: string) =>
  agent({
    name,
    model: scripted(
      (request) => {
        const id = /Do task (\d+)\./.exec(JSON.stringify(request.messages.at(-1)))?.[1] ?? "?";
        appendFileSync(join(folder, "asked"), `t${id}\n`);
        return { text: `Result ${id}.`, delayMs: 20 + ((Number(id) * 37) % 90) };
      },
      { name },
    ),
  });

const planner = scripted(() => {
  appendFileSync(join(folder, "asked"), "plan\n");
  return { text: JSON.stringify({ tasks }) };
});
const crew = manager({ name: "crew", agents: [worker("even"), worker("odd")], model: planner, aggregate: "joined" });
await using atlas = await createAtlas({ directory: folder, environment: {}, teams: [crew] });
const run = await atlas.start(crew, "Reach it.", { key: "crew" });
const result = await run.result();
process.stdout.write(JSON.stringify({ id: run.id, isNew: run.isNew, text: result.text }));
