import type { CheckpointPendingWrite, DeltaChannelHistory } from "@langchain/langgraph-checkpoint";
import type { Row } from "../../storage/index.ts";
import { readValues, readWrites, refsOf } from "./langgraph-rows.ts";
import type { CheckpointPlace, Shelf } from "./langgraph-rows.ts";

const pageSize = 64;

const ancestors = `WITH RECURSIVE way(id, parent, refs, depth) AS (
    SELECT id, parent, refs, 1 FROM langgraph_checkpoint WHERE thread = ?1 AND namespace = ?2 AND id = ?3
    UNION ALL
    SELECT c.id, c.parent, c.refs, way.depth + 1 FROM way
      JOIN langgraph_checkpoint c ON c.thread = ?1 AND c.namespace = ?2 AND c.id = way.parent WHERE way.depth < ${pageSize})
  SELECT id, parent, refs FROM way ORDER BY depth`;

/**
 * Gives for each channel what was written to it on the way to a checkpoint, the oldest first, from the nearest ancestor on that holds
 * its value, which is the seed; without one from the root. An empty id stands for the latest checkpoint.
 */
export async function deltaHistory(
  shelf: Shelf,
  place: CheckpointPlace,
  channels: readonly string[],
): Promise<Record<string, DeltaChannelHistory>> {
  const { thread } = place;
  const collected = new Map(channels.map((channel): [string, CheckpointPendingWrite[]] => [channel, []]));
  const seeds = new Map<string, string>();
  const open = new Set(channels);
  for (let next = await parentOf(shelf, place); next !== undefined && open.size > 0;) {
    const page = await shelf.database.read({ sql: ancestors, params: [thread, place.namespace, next] });
    const writes = await readWrites(shelf, place, { ids: page.map((row) => String(row["id"])), channels: open });
    for (const row of page) {
      for (const { task, channel, value } of (writes.get(String(row["id"])) ?? []).toReversed())
        if (open.has(channel)) collected.get(channel)?.push([task, channel, value]);
      const refs = refsOf(row);
      for (const channel of open) {
        const ref = refs[channel];
        if (ref === undefined) continue;
        seeds.set(channel, ref);
        open.delete(channel);
      }
    }
    next = parentIn(page.at(-1));
  }
  const values = await readValues(shelf, thread, [...seeds.values()]);
  return Object.fromEntries(
    channels.map((channel) => {
      const writes = (collected.get(channel) ?? []).toReversed();
      const seed = seeds.get(channel);
      return [channel, seed === undefined ? { writes } : { writes, seed: values.get(seed) }];
    }),
  );
}

async function parentOf({ database }: Shelf, { thread, namespace, id }: CheckpointPlace): Promise<string | undefined> {
  const which = id === "" ? "ORDER BY id DESC LIMIT 1" : "AND id = ?";
  const sql = `SELECT parent FROM langgraph_checkpoint WHERE thread = ? AND namespace = ? ${which}`;
  const [row] = await database.read({ sql, params: [thread, namespace, ...(id === "" ? [] : [id])] });
  return parentIn(row);
}

function parentIn(row: Row | undefined): string | undefined {
  const parent = row?.["parent"];
  return typeof parent === "string" ? parent : undefined;
}
