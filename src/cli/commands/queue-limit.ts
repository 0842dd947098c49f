import type { QueueLimits } from "../../runs/index.ts";
import type { Call } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { openAtlas } from "../open.ts";
import { queueShow } from "./queue-show.ts";

/** Are the options of `atlas queue limit`. */
export interface QueueLimitOptions {
  readonly concurrency?: number;
  readonly perTenant?: number;
  readonly tenant?: readonly string[];
  readonly weight?: readonly string[];
  readonly none?: boolean;
}

/** Sets how much of a queue may run at once, over all workers. What is not named has no limit. */
export async function queueLimit(call: Call<QueueLimitOptions>): Promise<number> {
  const { concurrency, perTenant, tenant = [], weight = [], none = false } = call.options;
  const limits: QueueLimits = {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(perTenant === undefined ? {} : { perTenant }),
    ...(tenant.length === 0 ? {} : { tenants: numbersOf(tenant, "--tenant") }),
    ...(weight.length === 0 ? {} : { weights: numbersOf(weight, "--weight") }),
  };
  if ((Object.keys(limits).length === 0) !== none)
    throw cliErrors.create("usage", "Say all limits that the queue is to have, or --none alone to lift them.");
  {
    await using atlas = await openAtlas(call);
    await atlas.runs.queues.limit(call.args[0] ?? "", limits);
  }
  return await queueShow(call);
}

function numbersOf(texts: readonly string[], flag: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.lastIndexOf("=");
      const value = Number(text.slice(at + 1));
      if (at > 0 && text.length > at + 1 && Number.isFinite(value) && value > 0) return [text.slice(0, at), value];
      throw cliErrors.create("usage", `${flag} takes NAME=NUMBER, as in ${flag} acme=4.`);
    }),
  );
}
