import { createHash } from "node:crypto";
import type { Clock } from "../base/index.ts";
import { baseErrors, systemClock } from "../base/index.ts";
import type { Message } from "../providers/index.ts";
import type { Database, Row } from "../storage/index.ts";
import type { DurableMemory, PinnedFact } from "./memory.ts";
import { memoryMigrations } from "./memory-schema.ts";

/** Are the options of `openMemory`. */
export interface MemoryOptions {
  readonly database: Database;
  readonly clock?: Clock;
  /** So many of a conversation's latest runs are recalled; 100 by default. The context window decides what of them is sent. */
  readonly maxTurns?: number;
}

const longestFact = 10_000;

/** Does what `openMemory` says. */
export async function createDurableMemory(options: MemoryOptions): Promise<DurableMemory> {
  const { database, clock = systemClock, maxTurns = 100 } = options;
  await database.migrate("memory", memoryMigrations);
  const facts: DurableMemory["facts"] = async ({ tenant = "", thread } = {}) => {
    const sql = `SELECT id, fact, at FROM memory_fact WHERE tenant = ? AND thread IN ('', ?) ORDER BY thread, at, id`;
    return (await database.read({ sql, params: [tenant, thread ?? ""] })).map(factOf);
  };
  return {
    async recall({ tenant = "", thread = "" }) {
      const known = await facts({ tenant, thread });
      if (thread === "") return { history: [], facts: known.map(({ text }) => text) };
      const sql = `SELECT goal, answer FROM memory_turn WHERE tenant = ? AND thread = ? ORDER BY at DESC, run_id DESC LIMIT ?`;
      const turns = await database.read({ sql, params: [tenant, thread, maxTurns] });
      return { history: turns.toReversed().flatMap(messagesOf), facts: known.map(({ text }) => text) };
    },
    async remember({ agent, tenant = "", thread, runId }, { goal, answer }) {
      if (thread === undefined) return;
      const sql = `INSERT INTO memory_turn(tenant, thread, run_id, agent, at, goal, answer) VALUES(?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT(tenant, thread, run_id) DO NOTHING`;
      await database.write([{ sql, params: [tenant, thread, runId, agent, clock.now(), goal, answer] }]);
    },
    async pin(fact, { tenant = "", thread = "" } = {}) {
      if (fact.trim() === "" || fact.length > longestFact)
        throw baseErrors.create(
          "invalid_input",
          `A fact that is pinned is a text of 1 to ${longestFact} characters: every run is sent it.`,
        );
      const id = `fact_${createHash("sha256")
        .update(JSON.stringify([tenant, thread, fact]))
        .digest("hex")
        .slice(0, 24)}`;
      const sql = `INSERT INTO memory_fact(id, tenant, thread, fact, at) VALUES(?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING`;
      await database.write([{ sql, params: [id, tenant, thread, fact, clock.now()] }]);
      return id;
    },
    async unpin(id) {
      const [done] = await database.write([{ sql: "DELETE FROM memory_fact WHERE id = ?", params: [id] }]);
      return done?.changes === 1;
    },
    facts,
    async forget(thread, tenant = "") {
      const params = [tenant, thread];
      await database.write([
        { sql: "DELETE FROM memory_turn WHERE tenant = ? AND thread = ?", params },
        { sql: "DELETE FROM memory_fact WHERE tenant = ? AND thread = ?", params },
      ]);
    },
  };
}

function messagesOf({ goal, answer }: Row): readonly Message[] {
  return [
    { role: "user", content: [{ type: "text", text: String(goal) }] },
    { role: "assistant", content: [{ type: "text", text: String(answer) }] },
  ];
}

function factOf({ id, fact, at }: Row): PinnedFact {
  return { id: String(id), text: String(fact), at: Number(at) };
}
