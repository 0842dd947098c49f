// A supervised team in a process of its own, for the test that kills it.
//   node process.ts FOLDER RECORD [--kill-at N]   takes up what is unfinished, or starts it; is killed within the Nth call of a model
import { appendFileSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createAtlas, scripted } from "../../src/index.ts";
import { supervisor } from "../../src/teams/supervisor/index.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "kill-at": { type: "string", default: "0" } },
});
const [directory = "", record = ""] = positionals;

/** Makes a role's model that writes each call down outside of the database, and may end the process while it answers. */
const role = (name: string, answer: (text: string) => string) =>
  scripted((request) => {
    appendFileSync(record, `${name} ${JSON.stringify(request.messages.at(-1))}\n`);
    const count = readFileSync(record, "utf8").split("\n").length - 1;
    if (count === Number(values["kill-at"])) process.kill(process.pid, "SIGKILL");
    return answer(JSON.stringify(request.messages));
  });

const round = (text: string): number => Number(/in round (\d)/.exec(text)?.[1] ?? 1);
const crew = supervisor({
  name: "crew",
  limits: { timeoutMs: 600_000 },
  roles: {
    reasoning: {
      model: role("reasoning", () =>
        JSON.stringify({ questions: ["q1", "q2"].map((id) => ({ id, text: `Question ${id}?` })), form: "table" }),
      ),
    },
    planning: {
      model: role("planning", () =>
        JSON.stringify({
          message: {
            kind: "steps",
            steps: ["1", "2"].map((id) => ({ id: `s${id}`, question: `q${id}`, text: `Do ${id}.`, needs: [] })),
          },
          bias: { target: "instructions", wanted: "Plan tersely.", reason: "It is long." },
        }),
      ),
    },
    action: {
      model: role("action", (text) =>
        JSON.stringify({ message: { kind: "findings", text: `Found in round ${round(text)}.` }, notes: ["mine"] }),
      ),
    },
    feedback: {
      model: role("feedback", (text) =>
        JSON.stringify({
          message:
            round(text) === 1
              ? { kind: "open_points", to: "action", points: [{ text: "Again." }], score: 0.5 }
              : { kind: "accepted", closed: ["f1"], score: 1 },
        }),
      ),
    },
    completion: { model: role("completion", () => "| a | b |\n| --- | --- |\n| 1 | 2 |") },
  },
});

const atlas = await createAtlas({ directory, environment: {}, recover: false });
// Of a key there is one unfinished run: a second start takes it up.
await (await atlas.start(crew, "Answer in a table.", { key: "one" })).result();
await atlas.close();
