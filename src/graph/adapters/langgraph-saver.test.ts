import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { copyCheckpoint, emptyCheckpoint, MemorySaver, uuid6 } from "@langchain/langgraph-checkpoint";
import type { BaseCheckpointSaver, Checkpoint, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "../../../test/lib/postgres.ts";
import type { PostgresServer } from "../../../test/lib/postgres.ts";
import { postgresStore } from "../../storage/adapters/postgres-backup.ts";
import { postgres } from "../../storage/adapters/postgres.ts";
import { sqliteStore } from "../../storage/adapters/sqlite-portable.ts";
import { sqlite } from "../../storage/adapters/sqlite.ts";
import { restoreDatabase } from "../../storage/index.ts";
import type { Database } from "../../storage/index.ts";
import { graphDomains } from "../index.ts";
import { langgraphSaver } from "./langgraph.ts";

const namespaces = ["", "child:1"] as const;
const channels = ["a", "b", "c"] as const;
const place = { thread: fc.constantFrom("t1", "t2"), namespace: fc.constantFrom(...namespaces) };
const value = fc.oneof(
  fc.json({ maxDepth: 1 }).map((text) => JSON.parse(text) as unknown),
  fc.constant(new Map([["key", new Set([1])]])),
);
// A channel that holds undefined is one without a value for LangGraph's memory saver, and not for its base class; bytes as a write
// are more than the memory saver can read.
const held = fc.oneof(value, fc.uint8Array({ maxLength: 8 }));
const written = fc.oneof(value, fc.constant(undefined));
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      ...place,
      /** Which of the checkpoints there is the parent; the latest ones are the likeliest. */
      parent: fc.nat({ max: 6 }),
      changes: fc.dictionary(fc.constantFrom(...channels), held, { noNullPrototype: true }),
      removes: fc.subarray([...channels], { maxLength: 1 }),
      source: fc.constantFrom("loop", "input"),
      again: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      ...place,
      at: fc.nat({ max: 1 }),
      task: fc.constantFrom("task-a", "task-b"),
      path: fc.constantFrom("", "~__pregel_pull, b", "~__pregel_pull, a"),
      writes: fc.array(fc.tuple(fc.constantFrom("a", "b", "__resume__", "__interrupt__"), written), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), ...place }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Does the same with a saver and with LangGraph's memory saver, and checks that both then hold the same. */
async function agree(saver: BaseCheckpointSaver, actions: readonly Action[]): Promise<void> {
  const memory = new MemorySaver();
  const known = new Map<string, Checkpoint[]>();
  const listOf = (thread: string, namespace: string): Checkpoint[] => {
    const key = `${thread}/${namespace}`;
    const list = known.get(key) ?? [];
    known.set(key, list);
    return list;
  };
  const parents = new Map<string, { readonly configurable: Readonly<Record<string, string>> }>();
  let clock = 0;
  for (const each of actions) {
    const { thread, namespace } = each;
    const list = listOf(thread, namespace);
    if (each.kind === "delete") {
      for (const one of namespaces) listOf(thread, one).length = 0;
      for (const one of [saver, memory]) await one.deleteThread(thread);
      continue;
    }
    const at = list.at(-1 - (each.kind === "put" ? each.parent : each.at));
    const config = {
      configurable: { thread_id: thread, checkpoint_ns: namespace, ...(at ? { checkpoint_id: at.id } : {}) },
    };
    if (each.kind === "write") {
      if (at !== undefined)
        for (const one of [saver, memory]) await one.putWrites(config, each.writes, each.task, each.path);
      continue;
    }
    const { checkpoint, changed } = childOf(at, each, uuid6(++clock));
    let base: { readonly configurable: Readonly<Record<string, string>> } = config;
    if (each.again && at !== undefined) {
      // A checkpoint that is there already is put once more, with other values, under its own parent.
      checkpoint.id = at.id;
      base = parents.get(at.id) ?? config;
    } else {
      parents.set(checkpoint.id, config);
      list.push(checkpoint);
    }
    const metadata = { source: each.source as "loop", step: clock, parents: {} };
    const kept = [saver, memory].map(async (one) => await one.put(base, copyCheckpoint(checkpoint), metadata, changed));
    const [ours, theirs] = await Promise.all(kept);
    expect(ours).toEqual(theirs);
  }
  await compare(saver, memory, known);
}

/** Makes a checkpoint as LangGraph does: what changed has the next version, also where another branch has that already. */
function childOf(parent: Checkpoint | undefined, { changes, removes }: Extract<Action, { kind: "put" }>, id: string) {
  const checkpoint = parent ? copyCheckpoint(parent) : emptyCheckpoint();
  const next = Math.max(0, ...Object.values(checkpoint.channel_versions).map(Number)) + 1;
  const changed = Object.fromEntries([...Object.keys(changes), ...removes].map((channel) => [channel, next]));
  Object.assign(checkpoint.channel_values, changes);
  for (const channel of removes) delete checkpoint.channel_values[channel];
  return {
    checkpoint: { ...checkpoint, id, channel_versions: { ...checkpoint.channel_versions, ...changed } },
    changed,
  };
}

async function compare(
  saver: BaseCheckpointSaver,
  memory: MemorySaver,
  known: ReadonlyMap<string, readonly Checkpoint[]>,
) {
  const byId = (tuples: readonly CheckpointTuple[]) =>
    tuples.toSorted((one, other) => (one.checkpoint.id < other.checkpoint.id ? 1 : -1));
  const listed = async (one: BaseCheckpointSaver, ...given: Parameters<BaseCheckpointSaver["list"]>) =>
    await Array.fromAsync(one.list(...given));
  expect(byId(await listed(saver, {}))).toEqual(byId(await listed(memory, {})));
  for (const [key, list] of known) {
    const [thread_id = "", checkpoint_ns = ""] = key.split("/");
    const configurable = { thread_id, checkpoint_ns };
    expect(await saver.getTuple({ configurable })).toEqual(await memory.getTuple({ configurable }));
    for (const { id } of list) {
      const config = { configurable: { ...configurable, checkpoint_id: id } };
      expect(await saver.getTuple(config)).toEqual(await memory.getTuple(config));
      const asked = { config, channels: [...channels] };
      const ours = await saver.getDeltaChannelHistory(asked);
      const theirs = await memory.getDeltaChannelHistory(asked);
      expect(ours).toEqual(theirs);
      for (const options of [
        { before: config },
        { before: config, limit: 2 },
        { filter: { source: "loop" }, limit: 1 },
      ])
        expect(await listed(saver, { configurable }, options)).toEqual(await listed(memory, { configurable }, options));
    }
  }
}

let folder: string;
let server: PostgresServer;
let files: Database;
let tables: Database;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "atlas-langgraph-"));
  server = await startPostgres();
  files = await sqlite({ path: join(folder, "atlas.db"), synchronous: "normal" });
  tables = await postgres({ url: await server.createDatabase("langgraph") });
});
afterAll(async () => {
  await files[Symbol.asyncDispose]();
  await tables[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const actions = fc.array(action, { minLength: 1, maxLength: 14 });

async function holds(make: () => BaseCheckpointSaver, numRuns: number, isBroken = false): Promise<void> {
  await fc.assert(
    fc.asyncProperty(actions, async (given) => {
      const saver = make();
      for (const thread of ["t1", "t2"]) await saver.deleteThread(thread);
      await agree(saver, given);
    }),
    // How small a failure is that was made on purpose is of no interest.
    { numRuns, endOnFailure: isBroken },
  );
}

describe("the saver", () => {
  it("holds on SQLite what LangGraph's memory saver holds, whatever is done", { timeout: 120_000 }, async () => {
    await holds(() => langgraphSaver(files), 120);
  });

  it("holds on PostgreSQL what LangGraph's memory saver holds, whatever is done", { timeout: 120_000 }, async () => {
    await holds(() => langgraphSaver(tables), 60);
  });

  it("remembers nothing that another one on the same database would not find", { timeout: 120_000 }, async () => {
    // A new saver for each call: none has anything in memory.
    const fresh = new Proxy(langgraphSaver(files), {
      get(_, key) {
        const saver = langgraphSaver(files);
        const found: unknown = Reflect.get(saver, key);
        return typeof found === "function" ? (found.bind(saver) as unknown) : found;
      },
    });
    await holds(() => fresh, 30);
  });
});

/** Wraps a sound saver, with some of its methods replaced. */
function broken(change: (sound: BaseCheckpointSaver) => Partial<BaseCheckpointSaver>): () => BaseCheckpointSaver {
  return () => Object.assign(langgraphSaver(files), change(langgraphSaver(files)));
}

const brokenSavers: Readonly<Record<string, () => BaseCheckpointSaver>> = {
  "forgets the namespace": broken((sound) => ({
    put: async (config, ...rest) => {
      const own = { ...config, configurable: { ...config.configurable, checkpoint_ns: "" } };
      return await sound.put(own, ...rest);
    },
  })),
  "lets a value stand for all of its version": broken((sound) => {
    const values = new Map<string, unknown>();
    return {
      put: async (config, checkpoint, ...rest) => {
        const kept = copyCheckpoint(checkpoint);
        for (const channel of Object.keys(kept.channel_values)) {
          const key = JSON.stringify(
            [config.configurable, channel, kept.channel_versions[channel]],
            (name, value: unknown) => (name === "checkpoint_id" ? undefined : value),
          );
          if (!values.has(key)) values.set(key, kept.channel_values[channel]);
          kept.channel_values[channel] = values.get(key);
        }
        return await sound.put(config, kept, ...rest);
      },
    };
  }),
  "keeps the first answer of a task for ever": broken((sound) => ({
    putWrites: async (...[config, writes, task, path]) => {
      const known = (await sound.getTuple(config))?.pendingWrites ?? [];
      const isNew = ([channel]: readonly [string, unknown]) => !known.some(([by, at]) => by === task && at === channel);
      await sound.putWrites(config, writes.filter(isNew), task, path);
    },
  })),
  "gives writes in the order in which they came": broken((sound) => ({
    putWrites: async (config, writes, task) => await sound.putWrites(config, writes, task),
  })),
  "lists what is not before": broken((sound) => ({
    list: (config, options = {}) => sound.list(config, { ...options, before: {} }),
  })),
  "leaves threads undeleted": broken(() => ({ deleteThread: async () => {} })),
};

describe("a saver that is broken on purpose", () => {
  it.each(Object.entries(brokenSavers))("fails when it %s", { timeout: 120_000 }, async (_, make) => {
    await expect(holds(make, 2_000, true)).rejects.toThrow();
    for (const thread of ["t1", "t2"]) await langgraphSaver(files).deleteThread(thread);
  });
});

const Count = Annotation.Root({
  count: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
  trail: Annotation<string[]>({ reducer: (trail, more) => [...trail, ...more], default: () => [] }),
});
const step = (name: string) => (state: typeof Count.State) => ({ count: state.count + 1, trail: [name] });
const compiledOn = (database: Database) =>
  new StateGraph(Count)
    .addNode("one", step("one"))
    .addNode("two", step("two"))
    .addNode("three", step("three"))
    .addEdge(START, "one")
    .addEdge("one", "two")
    .addEdge("two", "three")
    .compile({ checkpointer: langgraphSaver(database) });

describe("LangGraph on the saver", () => {
  it.each(["SQLite", "PostgreSQL"])(
    "travels in time on %s: history, a changed past, and a branch beside the first",
    async (storage) => {
      const graph = compiledOn(storage === "SQLite" ? files : tables);
      const config = { configurable: { thread_id: "travel" } };
      expect(await graph.invoke({}, config)).toEqual({ count: 3, trail: ["one", "two", "three"] });
      const history = await Array.fromAsync(graph.getStateHistory(config));
      expect(history.map(({ next }) => next.join())).toEqual(["", "three", "two", "one", "__start__"]);
      const past = history.find(({ next }) => next.includes("two"));
      const branch = await graph.updateState(past?.config ?? config, { count: 10, trail: ["changed"] });
      expect(await graph.invoke(null, branch)).toEqual({ count: 12, trail: ["one", "changed", "two", "three"] });
      // The first branch is as it was.
      expect((await graph.getState(history[0]?.config ?? config)).values).toEqual({
        count: 3,
        trail: ["one", "two", "three"],
      });
      await langgraphSaver(storage === "SQLite" ? files : tables).deleteThread("travel");
      expect((await graph.getState(config)).values).toEqual({});
    },
  );

  it("writes a large value once, however many steps leave it as it is", async () => {
    const State = Annotation.Root({ large: Annotation<string>, count: Annotation<number> });
    const graph = new StateGraph(State)
      .addNode("one", (state) => ({ count: (state.count ?? 0) + 1 }))
      .addEdge(START, "one")
      .addConditionalEdges("one", (state) => (state.count < 20 ? "one" : "__end__"))
      .compile({ checkpointer: langgraphSaver(files) });
    const config = { configurable: { thread_id: "large" } };
    await graph.invoke({ large: "x".repeat(100_000), count: 0 }, { ...config, recursionLimit: 50 });
    const [row] = await files.read({
      sql: "SELECT sum(length(body)) AS size, count(*) AS count FROM langgraph_value WHERE thread = ?",
      params: ["large"],
    });
    // Once as the input, once as the value.
    expect(Number(row?.["size"])).toBeLessThan(250_000);
    const listed = await Array.fromAsync(
      langgraphSaver(files).list(config),
      ({ checkpoint }) => checkpoint.channel_values["large"],
    );
    expect(listed.filter((large) => large === "x".repeat(100_000))).toHaveLength(21);
  });
});

describe("a backup of a store with threads", () => {
  it("brings them to the other database as they were", async () => {
    const graph = compiledOn(files);
    const config = { configurable: { thread_id: "moved" } };
    await graph.invoke({}, config);
    const source = join(folder, "moved.db");
    await files.backup(source);
    const domains = await graphDomains();
    const file = join(folder, "moved.atlas");
    await sqliteStore(source).backup(file, { domains });
    const target = await server.createDatabase("moved");
    await restoreDatabase(file, postgresStore(target), { domains });
    await using database = await postgres({ url: target });
    const saver = langgraphSaver(database);
    expect(await Array.fromAsync(saver.list(config))).toEqual(
      await Array.fromAsync(langgraphSaver(files).list(config)),
    );
    expect(await compiledOn(database).invoke({ count: 10 }, config)).toMatchObject({ count: 13 });
  });
});
