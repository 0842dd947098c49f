import type { Clock } from "../../base/index.ts";
import type { Database, Migration } from "../../storage/index.ts";
import type { RewardLedger } from "./ledger.ts";

/** Are the options of `openRewards`. */
export interface RewardLedgerOptions {
  readonly database: Database;
  readonly clock?: Clock;
  /** After this time a record counts half. Units: milliseconds; 14 days by default. */
  readonly halfLifeMs?: number;
  /** So many of an arm's newest records are looked at; 500 by default. */
  readonly window?: number;
}

/**
 * Opens the ledger of rewards of a database.
 *
 * Errors: reward_invalid for options that cannot work; those of the storage table.
 * Cost: what does the work is loaded here.
 */
export async function openRewards(options: RewardLedgerOptions): Promise<RewardLedger> {
  const { createRewardLedger } = await import("./reward-ledger.ts");
  return await createRewardLedger(options);
}

/** Gives the history of the ledger's schema, for those who back it up and restore it. Cost: it is loaded here. */
export async function rewardHistory(): Promise<readonly Migration[]> {
  return (await import("./reward-schema.ts")).rewardMigrations;
}
