import { manualClock } from "../../src/testing/index.ts";
import type { ManualClock } from "../../src/testing/index.ts";
import { armKey, rewardOf, toolSet } from "../../src/teams/reward/index.ts";
import type { BenchRecord, RewardLedger, RewardRecord } from "../../src/teams/reward/index.ts";
import { summarise } from "../../src/teams/reward/statistics.ts";

/** Is a ledger of rewards that keeps nothing beyond the process, with the clock that it goes by. */
export interface MemoryRewards {
  readonly ledger: RewardLedger;
  readonly clock: ManualClock;
}

/** Makes a ledger in memory, for simulations of many thousand runs. */
export function memoryRewards(halfLifeMs = 14 * 86_400_000, window = 500): MemoryRewards {
  const clock = manualClock();
  const all: RewardRecord[] = [];
  const byArm = new Map<string, RewardRecord[]>();
  const benches = new Map<string, BenchRecord>();
  const ids = new Set<string>();
  const keyOf = (arm: Pick<RewardRecord, "agent" | "tools"> & { readonly model?: string }, task: string): string =>
    armKey({ ...arm, model: arm.model ?? "" }, task);
  const ledger: RewardLedger = {
    async record(entry) {
      if (ids.has(entry.id)) return false;
      ids.add(entry.id);
      const record = { ...entry, reward: rewardOf(entry.offset, entry.tokens), at: entry.at ?? clock.now() };
      all.unshift(record);
      const key = keyOf(entry, entry.task);
      byArm.set(key, [record, ...(byArm.get(key) ?? [])]);
      return true;
    },
    records: async () => all,
    async statistics(arm, task = "", since = 0) {
      const { agent, model, tools } = arm;
      const found = (byArm.get(keyOf(arm, task)) ?? []).filter(({ at }) => at >= since).slice(0, window);
      const about = { agent, tools: toolSet(tools), task, ...(model === undefined ? {} : { model }) };
      return summarise(found, about, { at: clock.now(), halfLifeMs });
    },
    list: async () => [],
    benches: async () => [...benches.values()],
    async writeBench(record) {
      if ((benches.get(record.key)?.revision ?? 0) !== record.revision - 1) return false;
      benches.set(record.key, record);
      return true;
    },
    prune: async () => 0,
  };
  return { ledger, clock };
}
