import type { CheckpointPendingWrite, CheckpointTuple, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { compareWritesSortKeys, maxChannelVersion, TASKS, writesSortKey } from "@langchain/langgraph-checkpoint";
import type { Checkpoint } from "@langchain/langgraph-checkpoint";
import type { Database, Row, SqlValue } from "../../storage/index.ts";

/** Names the columns that a checkpoint is read from. */
export const checkpointColumns = "thread, namespace, id, parent, kind, body, metadata_kind, metadata, refs";

/** So many values or writes' checkpoints are asked for at once. */
const idsAtOnce = 256;
/** Sends are kept in the checkpoint itself since this format. */
const sendsInCheckpoint = 4;

/** Is what reading checkpoints works with. */
export interface Shelf {
  readonly database: Database;
  readonly serde: SerializerProtocol;
}

/** Names a checkpoint as its namespace's thread knows it. */
export interface CheckpointPlace {
  readonly thread: string;
  readonly namespace: string;
  readonly id: string;
}

/** Is one write of a task, as it is kept. */
interface KeptWrite {
  readonly task: string;
  readonly path: string;
  readonly place: number;
  readonly channel: string;
  readonly value: unknown;
}

/** Says for each channel of a checkpoint which value it has. */
export type Refs = Readonly<Record<string, string>>;

/** Reads the refs of a row. */
export function refsOf(row: Row): Refs {
  return JSON.parse(String(row["refs"])) as Refs;
}

/** Makes LangGraph's tuples of rows, in their order. Cost: a read for the values of all, and one for the writes of each namespace. */
export async function tuplesOf(shelf: Shelf, rows: readonly Row[]): Promise<readonly CheckpointTuple[]> {
  const checkpoints = await Promise.all(rows.map((row) => bodyOf(shelf, row)));
  const wanted = rows.flatMap((row, index) => {
    const place = placeOf(row);
    const parent = row["parent"];
    return needsSends(checkpoints[index], parent) ? [place, { ...place, id: String(parent) }] : [place];
  });
  const [values, writes] = await Promise.all([valuesOf(shelf, rows), writesOf(shelf, wanted)]);
  return await Promise.all(
    rows.map(async (row, index) => {
      const place = placeOf(row);
      const checkpoint = { ...checkpoints[index] } as Checkpoint;
      const own = values.get(place.thread);
      const refs = Object.entries(refsOf(row)).filter(([, id]) => own?.has(id));
      checkpoint.channel_values = Object.fromEntries(refs.map(([channel, id]) => [channel, own?.get(id)]));
      const { parent } = row;
      if (typeof parent === "string" && needsSends(checkpoint, parent))
        addSends(checkpoint, writes.get(keyOf({ ...place, id: parent })) ?? []);
      const kept = writes.get(keyOf(place)) ?? [];
      return {
        config: configOf(place),
        checkpoint,
        metadata: await load(shelf, row["metadata_kind"], row["metadata"]),
        ...(typeof parent === "string" ? { parentConfig: configOf({ ...place, id: parent }) } : {}),
        pendingWrites: kept.map(({ task, channel, value }): CheckpointPendingWrite => [task, channel, value]),
      } as CheckpointTuple;
    }),
  );
}

/** Reads the metadata of a row. */
export async function metadataOf(shelf: Shelf, row: Row): Promise<Readonly<Record<string, unknown>>> {
  return (await load(shelf, row["metadata_kind"], row["metadata"])) as Readonly<Record<string, unknown>>;
}

/** Reads the checkpoint of a row, without its values. */
export async function bodyOf(shelf: Shelf, row: Row): Promise<Checkpoint> {
  return (await load(shelf, row["kind"], row["body"])) as Checkpoint;
}

/** Makes the config that names a checkpoint. */
export function configOf({ thread, namespace, id }: CheckpointPlace): {
  readonly configurable: Readonly<Record<"thread_id" | "checkpoint_ns" | "checkpoint_id", string>>;
} {
  return { configurable: { thread_id: thread, checkpoint_ns: namespace, checkpoint_id: id } };
}

/** Reads values by their ids. */
export async function readValues(
  shelf: Shelf,
  thread: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const some of inPages([...new Set(ids)])) {
    const sql = `SELECT id, kind, body FROM langgraph_value WHERE thread = ? AND id IN (${marks(some)})`;
    const rows = await shelf.database.read({ sql, params: [thread, ...some] });
    await Promise.all(
      rows.map(async (row) => void found.set(String(row["id"]), await load(shelf, row["kind"], row["body"]))),
    );
  }
  return found;
}

/** Reads what tasks wrote at checkpoints of a namespace, in the order in which LangGraph applies it; `channels` are all by default. */
export async function readWrites(
  shelf: Shelf,
  { thread, namespace }: Omit<CheckpointPlace, "id">,
  { ids, channels }: { readonly ids: readonly string[]; readonly channels?: ReadonlySet<string> },
): Promise<ReadonlyMap<string, readonly KeptWrite[]>> {
  const found = new Map<string, KeptWrite[]>();
  for (const some of inPages([...new Set(ids)])) {
    const sql = `SELECT checkpoint, task, place, path, channel, kind, body FROM langgraph_write
      WHERE thread = ? AND namespace = ? AND checkpoint IN (${marks(some)})`;
    const rows = await shelf.database.read({ sql, params: [thread, namespace, ...some] });
    for (const row of rows) {
      const [id, channel] = [String(row["checkpoint"]), String(row["channel"])];
      if (channels !== undefined && !channels.has(channel)) continue;
      const value = await load(shelf, row["kind"], row["body"]);
      const write = {
        task: String(row["task"]),
        path: String(row["path"]),
        place: Number(row["place"]),
        channel,
        value,
      };
      const others = found.get(id);
      if (others === undefined) found.set(id, [write]);
      else others.push(write);
    }
  }
  for (const writes of found.values()) writes.sort((one, other) => compareWritesSortKeys(sortKey(one), sortKey(other)));
  return found;
}

function sortKey({ path, task, place }: KeptWrite): ReturnType<typeof writesSortKey> {
  return writesSortKey(path, task, place);
}

async function valuesOf(
  shelf: Shelf,
  rows: readonly Row[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, unknown>>> {
  const groups = Map.groupBy(rows, (row) => String(row["thread"]));
  const read = [...groups].map(async ([thread, own]) => {
    const ids = own.flatMap((row) => Object.values(refsOf(row)));
    return [thread, await readValues(shelf, thread, ids)] as const;
  });
  return new Map(await Promise.all(read));
}

async function writesOf(
  shelf: Shelf,
  places: readonly CheckpointPlace[],
): Promise<ReadonlyMap<string, readonly KeptWrite[]>> {
  const groups = Map.groupBy(places, ({ thread, namespace }) => keyOf({ thread, namespace, id: "" }));
  const found = new Map<string, readonly KeptWrite[]>();
  await Promise.all(
    [...groups.values()].map(async (own) => {
      const [first] = own;
      if (first === undefined) return;
      const writes = await readWrites(shelf, first, { ids: own.map(({ id }) => id) });
      for (const [id, kept] of writes) found.set(keyOf({ ...first, id }), kept);
    }),
  );
  return found;
}

function needsSends(checkpoint: Checkpoint | undefined, parent: SqlValue | undefined): boolean {
  return checkpoint !== undefined && checkpoint.v < sendsInCheckpoint && typeof parent === "string";
}

/** Puts into a checkpoint of an older format what was sent at its parent. */
function addSends(checkpoint: Checkpoint, writes: readonly KeptWrite[]): void {
  const sends = writes.filter(({ channel }) => channel === TASKS).map(({ value }) => value);
  const versions = Object.values(checkpoint.channel_versions);
  checkpoint.channel_values[TASKS] = sends;
  checkpoint.channel_versions = {
    ...checkpoint.channel_versions,
    [TASKS]: versions.length > 0 ? maxChannelVersion(...versions) : 1,
  };
}

async function load({ serde }: Shelf, kind: SqlValue | undefined, body: SqlValue | undefined): Promise<unknown> {
  return (await serde.loadsTyped(String(kind), body instanceof Uint8Array ? body : String(body))) as unknown;
}

function placeOf(row: Row): CheckpointPlace {
  return { thread: String(row["thread"]), namespace: String(row["namespace"]), id: String(row["id"]) };
}

function keyOf({ thread, namespace, id }: CheckpointPlace): string {
  return JSON.stringify([thread, namespace, id]);
}

/** Cuts ids into pages, each filled up to a power of two, so that few texts of SQL are made. */
function inPages(ids: readonly string[]): readonly (readonly string[])[] {
  const pages: string[][] = [];
  for (let from = 0; from < ids.length; from += idsAtOnce) {
    const page = ids.slice(from, from + idsAtOnce);
    const size = 2 ** Math.ceil(Math.log2(page.length));
    const [first = ""] = page;
    pages.push([...page, ...Array.from({ length: size - page.length }, () => first)]);
  }
  return pages;
}

function marks(ids: readonly string[]): string {
  return ids.map(() => "?").join();
}
