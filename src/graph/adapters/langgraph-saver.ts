import { randomBytes } from "node:crypto";
import type { RunnableConfig } from "@langchain/core/runnables";
import { BaseCheckpointSaver, copyCheckpoint, getCheckpointId, WRITES_IDX_MAP } from "@langchain/langgraph-checkpoint";
import type {
  ChannelVersions,
  CheckpointListOptions,
  CheckpointTuple,
  DeltaChannelHistory,
  SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import { baseErrors } from "../../base/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Database, SqlValue, Statement } from "../../storage/index.ts";
import { langgraphHistory } from "../langgraph-schema.ts";
import { deltaHistory } from "./langgraph-deltas.ts";
import { listCheckpoints } from "./langgraph-list.ts";
import { bodyOf, checkpointColumns, configOf, refsOf, tuplesOf } from "./langgraph-rows.ts";
import type { CheckpointPlace, Refs } from "./langgraph-rows.ts";

/** Is what a checkpoint's children need of it: its channels' values by id, and their versions. */
interface Known {
  readonly refs: Refs;
  readonly versions: ChannelVersions;
}

/** So many checkpoints' refs are remembered, of those that were written last. */
const maxKnown = 256;

/** Are the options of `langgraphSaver`. */
export interface LanggraphSaverOptions {
  /** Writes and reads values; LangGraph's own by default. */
  readonly serde?: SerializerProtocol;
}

/**
 * Makes a checkpointer for LangGraph that keeps its threads in a database of Atlas, on SQLite or PostgreSQL.
 *
 * Order: a checkpoint or write that resolved has survived a power cut.
 * Errors: those of the storage table; invalid_input for a config without `thread_id`.
 * Cost: a step writes the channels that changed; those that did not are referred to. Its tables are made at the first use.
 * @example examples/langgraph.ts
 */
export function langgraphSaver(database: Database, { serde }: LanggraphSaverOptions = {}): LanggraphSaver {
  return new LanggraphSaver(database, serde);
}

/** Keeps LangGraph's threads in a database of Atlas. Made by `langgraphSaver()`; LangGraph asks that it extends a class of its own. */
export class LanggraphSaver extends BaseCheckpointSaver {
  readonly #database: Database;
  readonly #known = new Map<string, Known>();

  constructor(database: Database, serde?: SerializerProtocol) {
    super(serde);
    this.#database = database;
  }

  /** Reads a checkpoint, the latest one of its namespace without `checkpoint_id`. */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread, namespace } = placeIn(config);
    if (thread === undefined) return undefined;
    await this.#open();
    const id = getCheckpointId(config);
    const which = id === "" ? "ORDER BY id DESC LIMIT 1" : "AND id = ?";
    const sql = `SELECT ${checkpointColumns} FROM langgraph_checkpoint WHERE thread = ? AND namespace = ? ${which}`;
    const params = [thread, namespace ?? "", ...(id === "" ? [] : [id])];
    return (await tuplesOf(this.#shelf, await this.#database.read({ sql, params })))[0];
  }

  /** Lists checkpoints. Order: the latest first. Cost: reads pages, and those only as far as they are asked for. */
  override async *list(config: RunnableConfig, options: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
    await this.#open();
    const { before, ...rest } = options;
    const id = getCheckpointId(config);
    yield* listCheckpoints(this.#shelf, {
      ...rest,
      ...placeIn(config),
      ...(id === "" ? {} : { id }),
      before: before === undefined ? "" : getCheckpointId(before),
    });
  }

  /** Keeps a checkpoint, with the values that its parent does not have. */
  override async put(...given: Parameters<BaseCheckpointSaver["put"]>): Promise<RunnableConfig> {
    const [config, checkpoint, metadata, newVersions] = given;
    const place = { ...this.#place(config, "put a checkpoint"), id: checkpoint.id };
    const parent = getCheckpointId(config);
    const copy = copyCheckpoint(checkpoint);
    const values = copy.channel_values;
    // What changed is written before anything is waited for: whoever calls may change it afterwards.
    const changed = Object.keys(values).filter((channel) => Object.hasOwn(newVersions, channel));
    const [body, kept, ...dumped] = await Promise.all([
      this.serde.dumpsTyped({ ...copy, channel_values: {} }),
      this.serde.dumpsTyped(metadata),
      ...changed.map((channel) => this.serde.dumpsTyped(values[channel])),
    ]);
    const [base] = await Promise.all([
      parent === "" ? undefined : this.#knownOf({ ...place, id: parent }),
      this.#open(),
    ]);
    const refs: Record<string, string> = {};
    const stored = new Map(changed.map((channel, index) => [channel, dumped[index]]));
    const statements: Statement[] = [];
    // A value is told by an id of its own: branches of a thread have other values under one version.
    const unique = randomBytes(9).toString("base64url");
    for (const channel of Object.keys(values)) {
      const inherited = base?.refs[channel];
      const isSame = base?.versions[channel] === copy.channel_versions[channel];
      if (!stored.has(channel) && inherited !== undefined && isSame) {
        refs[channel] = inherited;
        continue;
      }
      const [kind, bytes] = stored.get(channel) ?? (await this.serde.dumpsTyped(values[channel]));
      const id = `${unique}${statements.length}`;
      refs[channel] = id;
      statements.push({ sql: insertValue, params: [place.thread, id, kind, bytes], commutes: true });
    }
    const params = [place.thread, place.namespace, place.id, parent === "" ? null : parent, ...body, ...kept];
    await this.#insert(
      statements,
      [{ sql: insertCheckpoint, params: [...params, JSON.stringify(refs)] }],
      () => replaceCheckpoint,
    );
    this.#remember(place, { refs, versions: copy.channel_versions });
    return configOf(place);
  }

  /** Keeps what a task wrote at a checkpoint. LangGraph's own writes replace what was there; those of a task stay as they first were. */
  override async putWrites(...given: Parameters<BaseCheckpointSaver["putWrites"]>): Promise<void> {
    const [config, writes, taskId, taskPath = ""] = given;
    const place = { ...this.#place(config, "put writes"), id: getCheckpointId(config) };
    if (place.id === "") throw missing("put writes", "checkpoint_id");
    const dumped = await Promise.all(writes.map(([, value]) => this.serde.dumpsTyped(value)));
    await this.#open();
    const statements = writes.map(([channel], index): Statement => {
      const at = WRITES_IDX_MAP[channel] ?? index;
      const [kind = "", body = null] = dumped[index] ?? [];
      return {
        sql: insertWrite,
        params: [place.thread, place.namespace, place.id, taskId, at, taskPath, channel, kind, body],
      };
    });
    await this.#insert([], statements, ({ params = [] }) => (Number(params[4]) < 0 ? replaceWrite : keepWrite));
  }

  /** Deletes a thread with everything that is kept of it. */
  override async deleteThread(threadId: string): Promise<void> {
    await this.#open();
    for (const [key] of this.#known) if ((JSON.parse(key) as string[])[0] === threadId) this.#known.delete(key);
    await this.#database.write(
      ["langgraph_checkpoint", "langgraph_value", "langgraph_write"].map((table) => ({
        sql: `DELETE FROM ${table} WHERE thread = ?`,
        params: [threadId],
      })),
    );
  }

  /** Gives what was written to channels along the way to a checkpoint. Cost: reads pages of the way, and the values where it ends. */
  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { config, channels } = options;
    const { thread, namespace = "" } = placeIn(config);
    if (channels.length === 0 || thread === undefined) return {};
    await this.#open();
    return await deltaHistory(this.#shelf, { thread, namespace, id: getCheckpointId(config) }, channels);
  }

  /**
   * Tells how far a thread has come, as a text that is another one after each step and each answer that a node has taken.
   * Cost: reads the index of its checkpoints, and the sizes of its answers.
   */
  async progress(threadId: string): Promise<string> {
    await this.#open();
    const [latest, answers] = await Promise.all([
      this.#database.read({
        sql: `SELECT namespace, max(id) AS id FROM langgraph_checkpoint WHERE thread = ? GROUP BY namespace ORDER BY namespace`,
        params: [threadId],
      }),
      // An answer belongs to a task once the task has taken it; before, it stands under no task's own id.
      this.#database.read({
        sql: `SELECT count(*) AS count, coalesce(sum(length(body)), 0) AS size FROM langgraph_write
          WHERE thread = ? AND place = ${WRITES_IDX_MAP["__resume__"] ?? -4} AND length(task) = 36 AND task <> ?`,
        params: [threadId, nobody],
      }),
    ]);
    const [{ count, size } = {}] = answers;
    return JSON.stringify([...latest.map(({ namespace, id }) => [namespace, id]), Number(count), Number(size)]);
  }

  get #shelf() {
    return { database: this.#database, serde: this.serde };
  }

  /** Makes the tables, once for each database. */
  async #open(): Promise<void> {
    let ready = opened.get(this.#database);
    if (ready === undefined)
      opened.set(this.#database, (ready = this.#database.migrate("langgraph", langgraphHistory())));
    try {
      await ready;
    } catch (error) {
      opened.delete(this.#database);
      throw error;
    }
  }

  /** Inserts rows; where some are there already, does what is said of those in one more write. */
  async #insert(
    own: readonly Statement[],
    statements: readonly Statement[],
    otherwise: (statement: Statement) => string,
  ): Promise<void> {
    try {
      await this.#database.write([...own, ...statements.map((each) => ({ ...each, commutes: true as const }))]);
    } catch (error) {
      if (!storageErrors.is(error, "write_conflict")) throw error;
      await this.#database.write([
        ...own,
        ...statements.map((each) => ({ ...each, sql: `${each.sql} ${otherwise(each)}` })),
      ]);
    }
  }

  #place(config: RunnableConfig, what: string): Omit<CheckpointPlace, "id"> {
    const { thread, namespace = "" } = placeIn(config);
    if (thread === undefined) throw missing(what, "thread_id");
    return { thread, namespace };
  }

  async #knownOf(place: CheckpointPlace): Promise<Known | undefined> {
    const found = this.#known.get(keyOf(place));
    if (found !== undefined) return found;
    await this.#open();
    const sql = `SELECT ${checkpointColumns} FROM langgraph_checkpoint WHERE thread = ? AND namespace = ? AND id = ?`;
    const [row] = await this.#database.read({ sql, params: [place.thread, place.namespace, place.id] });
    if (row === undefined) return undefined;
    return { refs: refsOf(row), versions: (await bodyOf(this.#shelf, row)).channel_versions };
  }

  #remember(place: CheckpointPlace, known: Known): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= maxKnown && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(keyOf(place), known);
  }
}

const opened = new WeakMap<Database, Promise<void>>();
/** Is the id that LangGraph gives to writes of no task. */
const nobody = "00000000-0000-0000-0000-000000000000";
const insertValue = "INSERT INTO langgraph_value(thread, id, kind, body) VALUES(?, ?, ?, ?)";
const insertCheckpoint = `INSERT INTO langgraph_checkpoint(${checkpointColumns}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const replaceCheckpoint = `ON CONFLICT(thread, namespace, id) DO UPDATE SET parent = excluded.parent, kind = excluded.kind,
  body = excluded.body, metadata_kind = excluded.metadata_kind, metadata = excluded.metadata, refs = excluded.refs`;
const insertWrite = `INSERT INTO langgraph_write(thread, namespace, checkpoint, task, place, path, channel, kind, body)
  VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const keepWrite = "ON CONFLICT(thread, namespace, checkpoint, task, place) DO NOTHING";
const replaceWrite = `ON CONFLICT(thread, namespace, checkpoint, task, place) DO UPDATE SET path = excluded.path,
  channel = excluded.channel, kind = excluded.kind, body = excluded.body`;

function placeIn({ configurable }: RunnableConfig): {
  readonly thread: string | undefined;
  readonly namespace: string | undefined;
} {
  // LangGraph leaves open what stands in a config.
  const { thread_id: thread, checkpoint_ns: namespace } = (configurable ?? {}) as Readonly<
    Record<string, SqlValue | undefined>
  >;
  return {
    thread: thread === undefined || thread === null ? undefined : String(thread),
    namespace: namespace === undefined || namespace === null ? undefined : String(namespace),
  };
}

function keyOf({ thread, namespace, id }: CheckpointPlace): string {
  return JSON.stringify([thread, namespace, id]);
}

function missing(what: string, key: string): Error {
  return baseErrors.create(
    "invalid_input",
    `LangGraph asked to ${what} without ${key}; call the graph with { configurable: { thread_id: "…" } }.`,
  );
}
