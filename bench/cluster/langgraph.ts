import { Pool } from "pg";
import { stepsPerRun } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

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
  readonly PostgresSaver: new (pool: Pool) => { setup(): Promise<void> };
}

// Names that TypeScript does not follow: the packages are not part of this repository's install.
const packages = { graph: "@langchain/langgraph", saver: "@langchain/langgraph-checkpoint-postgres" };

/** Opens LangGraph with its PostgreSQL saver as it comes, on 50 connections; its nodes do not wait for the checkpoints. */
export async function open(url: string): Promise<Subject> {
  const { START, END, Annotation, StateGraph } = (await import(packages.graph)) as LangGraph;
  const { PostgresSaver } = (await import(packages.saver)) as Savers;
  const pool = new Pool({ connectionString: url, max: 50 });
  const checkpointer = new PostgresSaver(pool);
  await checkpointer.setup();
  let graph = new StateGraph(Annotation.Root({ index: Annotation() }));
  for (let index = 0; index < stepsPerRun; index++) {
    graph = graph.addNode(`n${index}`, (state) => Promise.resolve({ index: state.index + 1 }));
    graph = graph.addEdge(index === 0 ? START : `n${index - 1}`, `n${index}`);
  }
  const app = graph.addEdge(`n${stepsPerRun - 1}`, END).compile({ checkpointer });
  let next = 0;
  return {
    async direct() {
      const { index } = await app.invoke({ index: 0 }, { configurable: { thread_id: `run-${next++}` } });
      if (index !== stepsPerRun) throw new Error(`The graph ended at ${index}.`);
    },
    async [Symbol.asyncDispose]() {
      await pool.end();
    },
  };
}
