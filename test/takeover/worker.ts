// A worker of the takeover tests. It says "ready" when it works, and stays until it is killed.
//   node worker.ts ADDRESS RECORD NAME [--start N] [--skew-ms=N] [--steps N] [--pause-ms N] [--die]
import { parseArgs } from "node:util";
import { systemClock } from "../../src/base/index.ts";
import { createRuns } from "../../src/runs/index.ts";
import { counting } from "./counting.ts";
import { openStore } from "./store.ts";

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
const [address = "", record = "", name = ""] = positionals;
const skewMs = Number(values["skew-ms"]);
const steps = Number(values.steps);
const count = counting({ record, by: name, steps, pauseMs: Number(values["pause-ms"]), die: values.die });

const { database, queue } = await openStore(address);
const clock = { ...systemClock, now: () => Date.now() + skewMs };
const runs = await createRuns({ database, clock, worker: { name }, ...(queue && { queue }) });
runs.register(count);
for (let started = 0; started < Number(values.start); started++) await runs.start(count, null);
process.stdout.write("ready\n");
setInterval(() => {}, 60_000);
