import type { ArmId } from "./arm.ts";
import type { OffsetPart } from "./debt.ts";
import type { Reward } from "./reward.ts";

/** Is one measured run. Units: `offset` in debt points; `tokens` input and output; `at` in ms since the Unix epoch. */
export type RewardRecord = ArmId & {
  /** The run's id; where one run is measured more than once, with what tells them apart. It is counted once, however often it is told. */
  readonly id: string;
  /** The kind of the task, such as `code` or `summary`; "" where none was named. */
  readonly task: string;
  readonly model: string;
  readonly offset: number;
  readonly tokens: number;
  readonly reward: Reward;
  readonly parts: readonly OffsetPart[];
  readonly at: number;
};

/** Is what is told to the ledger: it computes the reward. `at` is now by default. */
export type RewardEntry = Omit<RewardRecord, "reward" | "at"> & { readonly at?: number };
