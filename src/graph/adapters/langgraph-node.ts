import { BaseLangGraphError, Command, GraphRecursionError } from "@langchain/langgraph";
import type { JsonValue } from "../../base/index.ts";
import { baseErrors } from "../../base/index.ts";
import type { Database } from "../../storage/index.ts";
import { graphErrors } from "../errors.ts";
import type { InnerSurroundings, InnerTarget, NodeContext } from "../node.ts";
import type { CompiledLanggraph, ThreadConfig } from "./langgraph-compiled.ts";
import { eventsOf } from "./langgraph-events.ts";
import { outputOf, standingOf } from "./langgraph-standing.ts";
import type { Question } from "./langgraph-standing.ts";
import { langgraphSaver } from "./langgraph-saver.ts";
import type { LanggraphSaver } from "./langgraph-saver.ts";

/** Says how a graph of LangGraph runs as a node. */
export interface LanggraphOptions {
  /** Names it in drawings and events; its own name by default. */
  readonly name?: string;
  /**
   * Names the thread, such as one that further runs go on with; it is kept. By default each visit of the node has a thread of its
   * own, `RUN/NODE/VISIT`, which is deleted once what the node gave is recorded.
   */
  readonly threadId?: (input: JsonValue, context: NodeContext) => string;
  /** Bounds its steps, as LangGraph's own option does: 25 by default. */
  readonly recursionLimit?: number;
  /** What its nodes find in `config.configurable`, beside the thread. */
  readonly configurable?: Readonly<Record<string, unknown>>;
  /** What its nodes find in `config.context`. */
  readonly context?: Readonly<Record<string, unknown>>;
  /** Where its threads are kept; the store of this Atlas by default. */
  readonly database?: Database;
}

/** Is what a compiled graph gives, as its own types tell. */
export type LanggraphOutput<Compiled> = Compiled extends { readonly "~OutputType": infer Output } ? Output : unknown;

/** Is a graph of LangGraph that can be a node. Made by `langgraph()`. */
export interface LanggraphTarget<Output> extends InnerTarget<Output> {
  readonly kind: "langgraph";
}

/**
 * Makes of a compiled graph of LangGraph what a node can run. Its checkpoints are kept in the store of the run, whatever it was
 * compiled with, so that what a crash cuts off goes on from the last of them; what `interrupt()` asks is asked of a person.
 *
 * Order: a step of LangGraph begins when the checkpoint of the one before it is durable.
 * Errors: graph_steps_exceeded at the recursion limit, langgraph_failed for what LangGraph refuses; those of its nodes.
 * @example examples/langgraph.ts
 */
export function langgraph<const Compiled extends CompiledLanggraph>(
  compiled: Compiled,
  options: LanggraphOptions = {},
): LanggraphTarget<LanggraphOutput<Compiled>> {
  const { name = compiled.name ?? "LangGraph" } = options;
  return {
    kind: "langgraph",
    name,
    async within(input, around) {
      const thread = openThread(compiled, { name, options, around, input });
      try {
        // What it gives is what its types say; LangGraph's own methods leave it open.
        const output = (await runThread(thread)) as LanggraphOutput<Compiled>;
        // Its own thread has done its work when the log of the run holds what it gave.
        if (!thread.isShared) around.afterwards(async () => await thread.saver.deleteThread(thread.id));
        return output;
      } catch (error) {
        around.context.signal.throwIfAborted();
        throw failureOf(error, thread);
      }
    },
  };
}

/** Is one visit's work on a thread. */
interface Thread {
  readonly id: string;
  readonly name: string;
  readonly isShared: boolean;
  readonly graph: CompiledLanggraph;
  readonly saver: LanggraphSaver;
  readonly config: ThreadConfig;
  readonly input: JsonValue;
  readonly context: NodeContext;
  readonly options: LanggraphOptions;
}

interface Opening {
  readonly name: string;
  readonly options: LanggraphOptions;
  readonly around: InnerSurroundings;
  readonly input: JsonValue;
}

function openThread(compiled: CompiledLanggraph, { name, options, around, input }: Opening): Thread {
  const { context } = around;
  const { runId, node, visit } = context;
  const database = options.database ?? around.database;
  if (database === undefined)
    throw baseErrors.create(
      "invalid_input",
      `The node ${node} runs the LangGraph graph ${name} and has no database; give one: langgraph(compiled, { database }).`,
    );
  const id = options.threadId?.(input, context) ?? `${runId}/${node}/${visit}`;
  const saver = saverOf(database);
  const graph = compiled.withConfig({});
  graph.checkpointer = saver;
  const config = { configurable: { ...options.configurable, thread_id: id } };
  return { id, name, isShared: options.threadId !== undefined, graph, saver, config, input, context, options };
}

/** Runs a thread from where it is to its end, and gives what the graph gives. */
async function runThread(thread: Thread): Promise<unknown> {
  const { graph, saver, config, context, input } = thread;
  // What was there before this visit began is not its own: a thread that is shared may have been used before.
  const latest = async (): Promise<string> => (await saver.getTuple(config))?.checkpoint.id ?? "";
  const before = thread.isShared ? await context.step("thread", latest) : "";
  // Whether what the thread stands at was reached by this execution, or found.
  let isReached = false;
  const advance = async (given: unknown): Promise<void> => {
    await stream(thread, given);
    isReached = true;
  };
  if ((await latest()) === before) await advance(structuredClone(input));
  else await noteProgress(thread);
  while (true) {
    const state = await graph.getState(config);
    const standing = standingOf(graph, state, isReached);
    if (standing === "ended") return outputOf(graph, state);
    if (standing === "midway") {
      await advance(null);
      continue;
    }
    const progress = await saver.progress(thread.id);
    // An interrupt that was found may have its answer already, and its task not be done: then the thread goes on by itself.
    const isKnown = isReached || standing.isStatic;
    let isNew = false;
    const round = await context.step("interrupted", () => {
      isNew = true;
      return { progress: isKnown ? progress : "", questions: standing.questions };
    });
    if (round.progress === "") {
      if (isNew) await advance(null);
      continue;
    }
    const answers = await Promise.all(round.questions.map(({ text }) => context.interrupt(text)));
    // Earlier rounds are gone through in their order; what was answered then was taken already.
    if (round.progress === progress) await advance(answerWith(round.questions, answers));
  }
}

/** Records that a thread that was cut off had got further, if it had: a run that ends its process and gets nowhere is not taken up for ever. */
async function noteProgress({ saver, context, id }: Thread): Promise<void> {
  const progress = await saver.progress(id);
  // Each execution goes through what the ones before it had recorded, in the same order; a new record gives its own.
  let known = "";
  while (known !== progress) known = await context.step("reached", () => progress);
}

/** Makes what LangGraph goes on with: each answer at its interrupt; nothing where it stood still before or after a node. */
function answerWith(questions: readonly Question[], answers: readonly JsonValue[]): Command | null {
  const pairs = questions.flatMap(({ id }, index) => (id === "" ? [] : [[id, answers[index] ?? null] as const]));
  return pairs.length === 0 ? null : new Command({ resume: Object.fromEntries(pairs) });
}

async function stream({ graph, config, context, options, name }: Thread, input: unknown): Promise<void> {
  const { recursionLimit, context: given } = options;
  const chunks = await graph.stream(input, {
    ...config,
    signal: context.signal,
    durability: "sync",
    streamMode: ["updates", "messages", "custom"],
    subgraphs: true,
    ...(recursionLimit === undefined ? {} : { recursionLimit }),
    ...(given === undefined ? {} : { context: given }),
  });
  const { node, visit } = context;
  for await (const chunk of chunks)
    for (const event of eventsOf(chunk, { node, visit, graph: name })) context.emit(event);
  context.signal.throwIfAborted();
}

function failureOf(error: unknown, { name, context: { node }, options }: Thread): unknown {
  if (!(error instanceof BaseLangGraphError)) return error;
  const details = { node, graph: name, code: error.lc_error_code ?? error.name };
  if (error instanceof GraphRecursionError) {
    const { recursionLimit = 25 } = options;
    const message = `The LangGraph graph ${name} in the node ${node} has made ${recursionLimit} steps and has not ended; see what it repeats, or raise recursionLimit.`;
    return graphErrors.create("graph_steps_exceeded", message, { details, cause: error });
  }
  const message = `The LangGraph graph ${name} in the node ${node} cannot go on: ${error.message}`;
  return graphErrors.create("langgraph_failed", message, { details, cause: error });
}

const savers = new WeakMap<Database, LanggraphSaver>();

function saverOf(database: Database): LanggraphSaver {
  let saver = savers.get(database);
  if (saver === undefined) savers.set(database, (saver = langgraphSaver(database)));
  return saver;
}
