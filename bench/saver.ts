// Measures LangGraph with the checkpointer of Atlas beside LangGraph with its own SQLite saver.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { langgraphSaver } from "../src/graph/adapters/langgraph.ts";
import { sqlite } from "../src/storage/adapters/sqlite.ts";
import { alternate } from "./lib/harness.ts";
import type { BenchResult } from "./lib/harness.ts";
import { installPeers } from "./lib/peers.ts";

const nodes = 10;
const roundMs = 500;

interface TheirSaver extends BaseCheckpointSaver {
  setup(): void;
  readonly db: { pragma(text: string): unknown; close(): void };
}

interface Savers {
  readonly SqliteSaver: { fromConnString(path: string): TheirSaver };
}

// A name that TypeScript does not follow: the package is not part of this repository's install.
const theirs = "@langchain/langgraph-checkpoint-sqlite";

/** Measures ten nodes in a line, each thread a new one, on one database for each saver, in alternating rounds. */
export async function run(): Promise<BenchResult> {
  await installPeers();
  const { SqliteSaver } = (await import(theirs)) as Savers;
  const folder = mkdtempSync(join(tmpdir(), "atlas-saver-"));
  const database = await sqlite({ path: join(folder, "atlas.db") });
  const [normal, full] = ["normal", "full"].map((name) => SqliteSaver.fromConnString(join(folder, `${name}.db`)));
  if (normal === undefined || full === undefined) throw new Error("There are two databases.");
  full.setup();
  full.db.pragma("synchronous=FULL");
  const graphs = {
    atlas: line(langgraphSaver(database)),
    langgraph_sqlite: line(normal),
    langgraph_sqlite_full: line(full),
  };
  const metrics: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  try {
    for (const atOnce of [1, 64]) {
      const subjects = Object.fromEntries(
        Object.entries(graphs).map(([name, graph]) => [name, async () => await measure(graph, atOnce)]),
      ) as Record<keyof typeof graphs, () => Promise<number>>;
      const speeds = await alternate(subjects);
      for (const [name, speed] of Object.entries(speeds)) metrics[`${name}_per_s_c${atOnce}`] = speed;
      for (const peer of ["langgraph_sqlite", "langgraph_sqlite_full"] as const)
        ratios[`vs_${peer}_c${atOnce}`] = speeds.atlas / speeds[peer];
    }
  } finally {
    for (const saver of [normal, full]) saver.db.close();
    await database[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
  return { metrics, ratios, notes };
}

const notes = [
  `LangGraph graphs a second, from start to end: ${nodes} nodes in a line, each step waiting for its checkpoint (durability "sync"), one after the other and 64 at once; medians of alternating rounds of ${roundMs} ms.`,
  "Atlas commits with synchronous=FULL, from a thread of its own. LangGraph's SQLite saver commits with NORMAL as it comes, which a power cut may take back; langgraph_sqlite_full is the same saver with FULL, both on the event loop's thread.",
  "Left out: PostgreSQL, large states, other systems than Linux. Most of the time is LangGraph's own.",
];

const State = Annotation.Root({ sum: Annotation<number>({ reducer: (sum, more) => sum + more, default: () => 0 }) });

function line(checkpointer: BaseCheckpointSaver) {
  // Its types name each node; here nodes are counted.
  const graph = new StateGraph<typeof State.spec, typeof State.State, typeof State.Update, string>(State);
  for (let index = 0; index < nodes; index++) {
    graph.addNode(`n${index}`, () => ({ sum: 1 }));
    graph.addEdge(index === 0 ? START : `n${index - 1}`, `n${index}`);
  }
  return graph.compile({ checkpointer });
}

let threads = 0;

/** Gives graphs a second. */
async function measure(graph: ReturnType<typeof line>, atOnce: number): Promise<number> {
  const begin = performance.now();
  let done = 0;
  const work = async (): Promise<void> => {
    do {
      const options = { configurable: { thread_id: `thread-${threads++}` }, durability: "sync" as const };
      const { sum } = await graph.invoke({ sum: 0 }, options);
      if (sum !== nodes) throw new Error(`The graph gave ${sum}.`);
      done++;
    } while (performance.now() - begin < roundMs);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return (done * 1_000) / (performance.now() - begin);
}
