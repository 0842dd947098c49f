import type { Migration } from "../../storage/index.ts";

/**
 * Holds the tables of the ledger of rewards.
 *
 * `reward` has a row for each measured run: `tools` is its set of tools, sorted, with commas; the reward is `sign` times e to the
 * power of `log_magnitude`; `parts` is the JSON of the offset's parts. `reward_bench` has a row for each arm that was ever benched.
 */
export const rewardMigrations: readonly Migration[] = [
  {
    version: 1,
    name: "rewards and benches",
    statements: [
      `CREATE TABLE reward(
        id TEXT PRIMARY KEY, task TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL, tools TEXT NOT NULL,
        debt_offset REAL NOT NULL, tokens REAL NOT NULL, sign INTEGER NOT NULL, log_magnitude REAL NOT NULL,
        parts TEXT NOT NULL, at INTEGER NOT NULL)`,
      `CREATE INDEX reward_by_arm ON reward(task, agent, tools, model, at)`,
      `CREATE INDEX reward_by_time ON reward(at)`,
      `CREATE TABLE reward_bench(
        arm TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
        times INTEGER NOT NULL, changed_by TEXT NOT NULL, revision INTEGER NOT NULL)`,
    ],
  },
];
