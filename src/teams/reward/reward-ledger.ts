import { parseJson, stringifyJson, systemClock } from "../../base/index.ts";
import type { Row, SqlValue } from "../../storage/index.ts";
import { storageErrors } from "../../storage/index.ts";
import { teamErrors } from "../errors.ts";
import { toolSet } from "./arm.ts";
import type { OffsetPart } from "./debt.ts";
import type { BenchRecord, RewardLedger, RewardQuery } from "./ledger.ts";
import type { RewardEntry, RewardRecord } from "./record.ts";
import type { RewardLedgerOptions } from "./open-rewards.ts";
import { rewardMigrations } from "./reward-schema.ts";
import { rewardOf } from "./reward.ts";
import { summarise } from "./statistics.ts";

/** Does what `openRewards` says. */
export async function createRewardLedger(options: RewardLedgerOptions): Promise<RewardLedger> {
  const { database, clock = systemClock, halfLifeMs = 14 * 86_400_000, window = 500 } = options;
  if (!(halfLifeMs > 0) || !Number.isSafeInteger(window) || window < 1) {
    throw teamErrors.create("reward_invalid", "The halfLifeMs and the window of a ledger of rewards must be above 0.");
  }
  await database.migrate("rewards", rewardMigrations);
  const records = async (query: RewardQuery = {}): Promise<readonly RewardRecord[]> => {
    const { where, params } = conditionsOf(query);
    const sql = `SELECT * FROM reward ${where} ORDER BY at DESC, id LIMIT ?`;
    return (await database.read({ sql, params: [...params, query.limit ?? 1000] })).map(recordOf);
  };
  const ledger: RewardLedger = {
    record: async (entry) => await unlessConflict(() => database.write([insertOf(entry, clock.now())])),
    records,
    async statistics({ agent, model, tools }, task = "", since = 0) {
      const own = model === undefined ? {} : { model };
      const found = await records({ agent, tools, task, since, limit: window, ...own });
      return summarise(found, { agent, tools: toolSet(tools), task, ...own }, { at: clock.now(), halfLifeMs });
    },
    async list(query = {}) {
      const { where, params } = conditionsOf(query);
      const sql = `SELECT task, agent, model, tools FROM reward ${where} GROUP BY task, agent, model, tools
        ORDER BY task, agent, model, tools`;
      const arms = await database.read({ sql, params });
      return await Promise.all(
        arms.map(({ task, agent, model, tools }) =>
          ledger.statistics(
            { agent: String(agent), model: String(model), tools: namesOf(String(tools)) },
            String(task),
          ),
        ),
      );
    },
    benches: async () => (await database.read({ sql: "SELECT * FROM reward_bench ORDER BY arm" })).map(benchOf),
    writeBench: async (record) => await unlessConflict(() => database.write([benchStatement(record)])),
    async prune(before) {
      const [result] = await database.write([{ sql: "DELETE FROM reward WHERE at < ?", params: [before] }]);
      return result?.changes ?? 0;
    },
  };
  return ledger;
}

async function unlessConflict(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (storageErrors.is(error, "write_conflict")) return false;
    throw error;
  }
}

function insertOf(entry: RewardEntry, now: number): { sql: string; params: readonly SqlValue[]; expectRows: number } {
  const { id, task, agent, model, tools, parts } = entry;
  const { sign, logMagnitude } = rewardOf(entry.offset, entry.tokens);
  const offset = bounded(entry.offset);
  const at = Math.round(entry.at ?? now);
  return {
    sql: `INSERT INTO reward(id, task, agent, model, tools, debt_offset, tokens, sign, log_magnitude, parts, at)
      VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING`,
    params: [
      id,
      task,
      agent,
      model,
      toolSet(tools).join(","),
      offset,
      bounded(entry.tokens),
      sign,
      logMagnitude,
      stringifyJson(parts, "the parts of a debt offset"),
      at,
    ],
    expectRows: 1,
  };
}

/** Gives a number that a column can hold. */
function bounded(value: number): number {
  return Math.min(Math.max(value, -Number.MAX_VALUE), Number.MAX_VALUE);
}

function conditionsOf(query: RewardQuery): { readonly where: string; readonly params: readonly SqlValue[] } {
  const { task, agent, model, tools, since } = query;
  const wanted: readonly (readonly [sql: string, value: SqlValue | undefined])[] = [
    ["task = ?", task],
    ["agent = ?", agent],
    ["model = ?", model],
    ["tools = ?", tools === undefined ? undefined : toolSet(tools).join(",")],
    ["at >= ?", since],
  ];
  const conditions: string[] = [];
  const params: SqlValue[] = [];
  for (const [sql, value] of wanted) {
    if (value === undefined) continue;
    conditions.push(sql);
    params.push(value);
  }
  return { where: conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`, params };
}

function recordOf(row: Row): RewardRecord {
  const sign = Number(row["sign"]);
  return {
    id: String(row["id"]),
    task: String(row["task"]),
    agent: String(row["agent"]),
    model: String(row["model"]),
    tools: namesOf(String(row["tools"])),
    offset: Number(row["debt_offset"]),
    tokens: Number(row["tokens"]),
    reward: { sign: sign > 0 ? 1 : sign < 0 ? -1 : 0, logMagnitude: Number(row["log_magnitude"]) },
    parts: parseJson(String(row["parts"]), "the parts of a debt offset") as unknown as readonly OffsetPart[],
    at: Number(row["at"]),
  };
}

function namesOf(tools: string): readonly string[] {
  return tools === "" ? [] : tools.split(",");
}

function benchStatement(record: BenchRecord): { sql: string; params: readonly SqlValue[]; expectRows: number } {
  const { key, state, reason, since, until, times, changedBy, revision } = record;
  return {
    sql: `INSERT INTO reward_bench(arm, state, reason, since, until, times, changed_by, revision)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?8 = 1 OR EXISTS(SELECT 1 FROM reward_bench WHERE arm = ?1)
      ON CONFLICT(arm) DO UPDATE SET state = ?2, reason = ?3, since = ?4, until = ?5, times = ?6, changed_by = ?7,
        revision = ?8 WHERE reward_bench.revision = ?8 - 1`,
    params: [key, state, reason, since, until, times, changedBy, revision],
    expectRows: 1,
  };
}

function benchOf(row: Row): BenchRecord {
  const text = (name: string): string => String(row[name]);
  return {
    key: text("arm"),
    state: text("state") as BenchRecord["state"],
    reason: text("reason") as BenchRecord["reason"],
    since: Number(row["since"]),
    until: Number(row["until"]),
    times: Number(row["times"]),
    changedBy: text("changed_by"),
    revision: Number(row["revision"]),
  };
}
