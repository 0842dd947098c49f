import type { JsonValue } from "../base/index.ts";
import { isJsonObject } from "../base/index.ts";
import type { Runnable } from "../runs/index.ts";
import type { AnyTool } from "../tools/index.ts";
import { each, edge, end, start, when } from "./edge.ts";
import { graphErrors } from "./errors.ts";
import type { Graph } from "./graph.ts";
import { graph } from "./graph.ts";
import { plainState } from "./plain-state.ts";
import { append } from "./reducers.ts";

/** Is the state of `retrievalAnswer`. */
export type RetrievalState = {
  readonly question: string;
  readonly passages: readonly JsonValue[];
  readonly answer: JsonValue;
};

/** Says what a graph that answers from documents is made of. */
export interface RetrievalOptions {
  readonly name?: string;
  /** Finds passages: takes `{ query }` and gives `{ passages }`, as tools of the purpose `retrieval` do. */
  readonly search: AnyTool;
  /** Answers; it gets `{ question, passages }`. */
  readonly answer: Runnable;
  /** Is the answer where nothing is found: nobody is asked then. */
  readonly nothing?: string;
}

/**
 * Makes a graph that answers a question from documents: it searches, and has the passages answered with; where nothing is found, it
 * says so without asking anybody.
 *
 * @example examples/graph-ready.ts
 */
export function retrievalAnswer(options: RetrievalOptions): Graph<Partial<RetrievalState>, RetrievalState> {
  const { name = "retrieval-answer", search, answer, nothing = "Nothing was found that answers this." } = options;
  return graph({
    name,
    state: plainState<RetrievalState>({ question: "", passages: [], answer: null }),
    nodes: {
      search: {
        run: search,
        input: ({ question }) => ({ query: question }),
        output: (found: JsonValue) => ({ passages: passagesOf(found) }),
      },
      answer: { run: answer, input: ({ question, passages }) => ({ question, passages }), output: "answer" },
      nothing: () => ({ answer: nothing }),
    },
    edges: [
      start("search"),
      when("search", { path: "passages.0", exists: true }, ["answer", "nothing"]),
      edge("answer", end),
      edge("nothing", end),
    ],
  });
}

function passagesOf(found: JsonValue): readonly JsonValue[] {
  const passages = isJsonObject(found) ? found["passages"] : undefined;
  return Array.isArray(passages) ? (passages as readonly JsonValue[]) : [];
}

/** Is the state of `controllerWithWorkers`. */
export type ControllerState = {
  readonly goal: JsonValue;
  readonly tasks: readonly JsonValue[];
  readonly results: readonly JsonValue[];
  readonly output: JsonValue;
};

/** Says what a graph of a controller and its workers is made of. */
export interface ControllerOptions {
  readonly name?: string;
  /** Splits the goal: gives `{ tasks: […] }`, or the list itself. */
  readonly controller: Runnable;
  /** Does one task, which it gets as it stands in the list. */
  readonly worker: Runnable;
  /** Makes one output of all results: it gets `{ goal, results }`. The list of results is the output without it. */
  readonly gather?: Runnable;
  /** Units: workers at once; 16 by default. */
  readonly maxParallel?: number;
  /** Units: tasks; more are refused with graph_state_invalid. 1,000 by default. */
  readonly maxTasks?: number;
}

/**
 * Makes a graph in which a controller splits a goal into tasks, workers do them at once, and what they gave is gathered. `results`
 * holds `{ task, result }` in the order of the tasks.
 *
 * @example examples/graph-ready.ts
 */
export function controllerWithWorkers(options: ControllerOptions): Graph<Partial<ControllerState>, ControllerState> {
  const { name = "controller-with-workers", controller, worker, gather, maxParallel, maxTasks = 1_000 } = options;
  return graph({
    name,
    state: plainState<ControllerState>({ goal: null, tasks: [], results: [], output: null }),
    reducers: { results: append },
    nodes: {
      control: {
        run: controller,
        input: "goal",
        output: (plan: JsonValue) => ({ tasks: tasksOf(name, plan, maxTasks) }),
      },
      work: {
        run: worker,
        input: (_, { item = null }) => item,
        output: (result: JsonValue, _, { item = null }) => ({ results: [{ task: item, result }] }),
      },
      gather:
        gather === undefined
          ? ({ results }) => ({ output: results })
          : { run: gather, input: ({ goal, results }) => ({ goal, results }), output: "output" },
    },
    edges: [start("control"), each("control", "work", "tasks"), edge("work", "gather"), edge("gather", end)],
    ...(maxParallel === undefined ? {} : { limits: { maxParallel } }),
  });
}

function tasksOf(graph: string, plan: JsonValue, most: number): readonly JsonValue[] {
  const tasks = isJsonObject(plan) ? plan["tasks"] : plan;
  const isList = Array.isArray(tasks);
  if (isList && tasks.length <= most) return tasks as readonly JsonValue[];
  throw graphErrors.create(
    "graph_state_invalid",
    isList
      ? `The controller of the graph ${graph} gave ${tasks.length} tasks, and ${most} are allowed. Raise maxTasks.`
      : `The controller of the graph ${graph} gave no list of tasks, and no { tasks: […] }; give an agent an output schema for it.`,
    { details: { graph } },
  );
}
