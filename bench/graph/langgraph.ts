import { join } from "node:path";
import { fanOutNodes, linearNodes } from "./subjects.ts";
import type { OpenOptions, Shape, Subject } from "./subjects.ts";

interface State {
  readonly sum: number;
}

/** Is the little of LangGraph that is used. */
interface LangGraph {
  readonly START: string;
  readonly END: string;
  readonly Annotation: { (channel: object): unknown; Root(shape: object): unknown };
  readonly StateGraph: new (state: unknown) => Graph;
  readonly Send: new (node: string, state: object) => object;
  readonly MemorySaver: new () => object;
}

interface Graph {
  addNode(name: string, node: (state: State) => Partial<State>): Graph;
  addEdge(from: string, to: string): Graph;
  addConditionalEdges(from: string, choose: () => object[], to: readonly string[]): Graph;
  compile(options: { readonly checkpointer: unknown }): Compiled;
}

interface Compiled {
  invoke(
    input: State,
    options: { readonly configurable: { readonly thread_id: string }; readonly recursionLimit: number },
  ): Promise<State>;
}

interface Savers {
  readonly SqliteSaver: { fromConnString(path: string): { readonly db: { close(): void } } };
}

// Names that TypeScript does not follow: the packages are not part of this repository's install.
const packages = { graph: "@langchain/langgraph", saver: "@langchain/langgraph-checkpoint-sqlite" };

/** Opens LangGraph with one of its savers as they come; its nodes do not wait for their checkpoints. */
export async function open({ folder, saver }: OpenOptions): Promise<Subject> {
  const library = (await import(packages.graph)) as LangGraph;
  const { SqliteSaver } = (await import(packages.saver)) as Savers;
  const sqlite = saver === "sqlite" ? SqliteSaver.fromConnString(join(folder, "langgraph.db")) : undefined;
  const checkpointer = sqlite ?? new library.MemorySaver();
  const graphs: Readonly<Record<Shape, Compiled>> = {
    linear: linear(library).compile({ checkpointer }),
    fan_out: fanOut(library).compile({ checkpointer }),
  };
  let next = 0;
  return {
    async run(shape) {
      const options = { configurable: { thread_id: `run-${next++}` }, recursionLimit: 1_000 };
      return (await graphs[shape].invoke({ sum: 0 }, options)).sum;
    },
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      sqlite?.db.close();
    },
  };
}

function stateOf({ Annotation }: LangGraph): unknown {
  return Annotation.Root({ sum: Annotation({ reducer: (a: number, b: number) => a + b, default: () => 0 }) });
}

function linear(library: LangGraph): Graph {
  let graph = new library.StateGraph(stateOf(library));
  for (let index = 0; index < linearNodes; index++) {
    graph = graph.addNode(`n${index}`, () => ({ sum: 1 }));
    graph = graph.addEdge(index === 0 ? library.START : `n${index - 1}`, `n${index}`);
  }
  return graph.addEdge(`n${linearNodes - 1}`, library.END);
}

function fanOut(library: LangGraph): Graph {
  const { START, END, Send } = library;
  const sends = (): object[] => Array.from({ length: fanOutNodes }, (_, index) => new Send("work", { index }));
  return new library.StateGraph(stateOf(library))
    .addNode("split", () => ({}))
    .addNode("work", () => ({ sum: 1 }))
    .addNode("meet", () => ({}))
    .addEdge(START, "split")
    .addConditionalEdges("split", sends, ["work"])
    .addEdge("work", "meet")
    .addEdge("meet", END);
}
