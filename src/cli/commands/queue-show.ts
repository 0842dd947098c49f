import type { Call } from "../command.ts";
import { openAtlas } from "../open.ts";
import { queueLine } from "./queue-list.ts";

/** Shows one queue with its limits. */
export async function queueShow(call: Call): Promise<number> {
  const { args, screen } = call;
  await using atlas = await openAtlas(call);
  const queue = await atlas.runs.queues.show(args[0] ?? "");
  if (screen.json) screen.printJson(queue);
  else {
    screen.print(queueLine(queue));
    const { concurrency, perTenant, tenants = {}, weights = {} } = queue.limits;
    screen.print(`  at once: ${concurrency ?? "no limit"}; of each tenant: ${perTenant ?? "no limit"}`);
    for (const [name, limit] of Object.entries(tenants)) screen.print(`  tenant ${name}: ${limit} at once`);
    for (const [name, weight] of Object.entries(weights)) screen.print(`  tenant ${name}: weight ${weight}`);
  }
  return 0;
}
