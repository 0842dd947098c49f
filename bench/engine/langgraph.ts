import { join } from "node:path";
import { stepsPerRun } from "./subjects.ts";
import type { OpenOptions, Subject } from "./subjects.ts";

interface State {
  readonly index: number;
}

/** Is the little of LangGraph that is used. */
interface LangGraph {
  readonly START: string;
  readonly END: string;
  readonly Annotation: { (): unknown; Root(shape: object): unknown };
  readonly StateGraph: new (state: unknown) => Graph;
}

interface Graph {
  addNode(name: string, node: (state: State) => Promise<State>): Graph;
  addEdge(from: string, to: string): Graph;
  compile(options: { readonly checkpointer: unknown }): {
    invoke(input: State, options: { readonly configurable: { readonly thread_id: string } }): Promise<State>;
  };
}

interface Savers {
  readonly SqliteSaver: { fromConnString(path: string): { readonly db: { close(): void } } };
}

// Names that TypeScript does not follow: the packages are not part of this repository's install.
const packages = { graph: "@langchain/langgraph", saver: "@langchain/langgraph-checkpoint-sqlite" };

/** Opens LangGraph with its SQLite saver as they come: WAL and synchronous=NORMAL, checkpoints that the nodes do not wait for. */
export async function open({ folder }: OpenOptions): Promise<Subject> {
  const { START, END, Annotation, StateGraph } = (await import(packages.graph)) as LangGraph;
  const { SqliteSaver } = (await import(packages.saver)) as Savers;
  const checkpointer = SqliteSaver.fromConnString(join(folder, "langgraph.db"));
  let graph = new StateGraph(Annotation.Root({ index: Annotation() }));
  for (let index = 0; index < stepsPerRun; index++) {
    graph = graph.addNode(`n${index}`, (state) => Promise.resolve({ index: state.index + 1 }));
    graph = graph.addEdge(index === 0 ? START : `n${index - 1}`, `n${index}`);
  }
  const app = graph.addEdge(`n${stepsPerRun - 1}`, END).compile({ checkpointer });
  let next = 0;
  return {
    async run() {
      const { index } = await app.invoke({ index: 0 }, { configurable: { thread_id: `run-${next++}` } });
      if (index !== stepsPerRun) throw new Error(`The graph ended at ${index}.`);
    },
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      checkpointer.db.close();
    },
  };
}
