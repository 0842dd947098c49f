import type { ArmId } from "./arm.ts";
import type { RewardEntry, RewardRecord } from "./record.ts";
import type { ArmStatistics } from "./statistics.ts";

/** Says which records are meant: those of this kind of task, agent, model and set of tools, and not older than `since`. */
export interface RewardQuery {
  readonly task?: string;
  readonly agent?: string;
  readonly model?: string;
  readonly tools?: readonly string[];
  readonly since?: number;
  /** At most so many, the newest; 1,000 by default. */
  readonly limit?: number;
}

/** Says why an arm is benched, or has returned. */
export type BenchReason = "harmful" | "no_offset" | "failed_probation" | "cooldown_over" | "passed_probation";

/** Is where an arm stands that was benched once. Units: times in ms since the Unix epoch. */
export type BenchRecord = {
  /** See `armKey`. */
  readonly key: string;
  /** `probation`: it may be chosen, and its next runs decide. */
  readonly state: "benched" | "probation" | "free";
  readonly reason: BenchReason;
  /** Since when it is in this state; what was recorded before its return is forgiven. */
  readonly since: number;
  readonly until: number;
  /** How often it was benched without having passed a probation in between: each time for twice as long. */
  readonly times: number;
  /** Who changed it, so that a step that is done again after a crash finds its own change. */
  readonly changedBy: string;
  /** Counts the changes; a change says which it follows, so that of two at once one is refused. */
  readonly revision: number;
};

/** Keeps what was paid off by whom, and who is benched, in a database that all processes share. */
export interface RewardLedger {
  /**
   * Records a measured run; false when it was recorded before, also by another process: it is not counted twice.
   * Errors: reward_invalid; those of the storage table.
   */
  record(entry: RewardEntry): Promise<boolean>;
  /** Reads records. Order: the newest first. */
  records(query?: RewardQuery): Promise<readonly RewardRecord[]>;
  /** Computes the statistics of what is known of an arm. Cost: one read of at most the ledger's window. */
  statistics(arm: ArmId, task?: string, since?: number): Promise<ArmStatistics>;
  /** Lists the statistics of all arms. Order: by task, agent, model, tools. */
  list(query?: Pick<RewardQuery, "task" | "agent" | "model">): Promise<readonly ArmStatistics[]>;
  benches(): Promise<readonly BenchRecord[]>;
  /** Writes where an arm stands; false when another was first. */
  writeBench(record: BenchRecord): Promise<boolean>;
  /** Deletes records older than a time; gives how many. Units: ms since the Unix epoch. */
  prune(before: number): Promise<number>;
}
