// A worker of the takeover tests. It tells its parent what happens by lines on its output: "ready", and one line of JSON for each body
// of a step that begins here, also written to a file that outlives it.
//   node worker.ts DATABASE RECORD NAME [--start N] [--skew-ms=N] [--steps N] [--pause-ms N] [--die]
import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../../src/base/index.ts";
import { createRuns, workflow } from "../../src/runs/index.ts";
import { sqlite } from "../../src/storage/adapters/sqlite.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    start: { type: "string", default: "0" },
    "skew-ms": { type: "string", default: "0" },
    steps: { type: "string", default: "5" },
    "pause-ms": { type: "string", default: "100" },
    die: { type: "boolean", default: false },
  },
});
const [path = "", record = "", name = ""] = positionals;
const skewMs = Number(values["skew-ms"]);
const steps = Number(values.steps);

const counting = workflow({
  name: "counting",
  run: async (context) => {
    for (let step = 0; step < steps; step++) {
      // Not durable on purpose: what is frozen here begins a step as the first thing when it thaws.
      await delay(Number(values["pause-ms"]));
      await context.step(`step ${step}`, () => {
        appendFileSync(record, `${JSON.stringify({ run: context.runId, step, by: name, at: Date.now() })}\n`);
        if (values.die) process.kill(process.pid, "SIGKILL");
        return step;
      });
    }
    return steps;
  },
});

const database = await sqlite({ path });
const clock = { ...systemClock, now: () => Date.now() + skewMs };
const runs = await createRuns({ database, clock, worker: { name } });
runs.register(counting);
for (let started = 0; started < Number(values.start); started++) await runs.start(counting, null);
process.stdout.write("ready\n");
// Stays until it is killed, as a worker does.
await new Promise(() => setInterval(() => {}, 60_000));
