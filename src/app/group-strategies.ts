import type { Strategy } from "../providers/index.ts";
import {
  adaptive,
  byCapability,
  failover,
  lowestCost,
  lowestLatency,
  randomChoice,
  roundRobin,
  taskAware,
  weighted,
} from "../providers/index.ts";
import type { GroupSettings } from "./settings-shape.ts";

const makers: Readonly<Record<NonNullable<GroupSettings["strategy"]>, () => Strategy>> = {
  failover,
  "round-robin": roundRobin,
  random: randomChoice,
  weighted,
  "lowest-cost": lowestCost,
  "lowest-latency": lowestLatency,
  capability: byCapability,
  "task-aware": taskAware,
  adaptive,
};

/** Makes the strategy that settings name. */
export function strategyNamed(name: NonNullable<GroupSettings["strategy"]>): Strategy {
  return makers[name]();
}
