import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { database, events, restart, runs, until, useEngine } from "../../../test/lib/engine.ts";
import type { JsonObject } from "../../base/index.ts";
import type { Resolve, RunEvent, RunHandle } from "../../runs/index.ts";
import { edge, end, graph, graphWorkflow, node, start, when } from "../index.ts";
import type { AnyGraph, InnerTarget } from "../index.ts";
import { langgraph, langgraphSaver } from "./langgraph.ts";

useEngine();

const resolve: Resolve = (runnable) => {
  throw new Error(`nothing resolves ${runnable.name}`);
};
const flowOf = (made: AnyGraph) => graphWorkflow(made, resolve, { database });
const begin = async (made: AnyGraph, state: JsonObject = {}) => await runs.start(flowOf(made), state);

const Words = Annotation.Root({
  words: Annotation<string[]>({ reducer: (words, more) => [...words, ...more], default: () => [] }),
});
const say = (word: string) => () => ({ words: [word] });

/** Makes a graph of Atlas with one node, whose state has the same words. */
const around = (
  target: InnerTarget<{ words: string[] }>,
  more: { timeoutMs?: number; retry?: { attempts: number } } = {},
) =>
  graph({
    name: "around",
    state: z.object({ words: z.array(z.string()).default([]) }),
    nodes: { inner: node(target, more) },
    edges: [start("inner"), edge("inner", end)],
  });

/** Follows a run until it waits for a signal, and answers. */
async function answer(run: RunHandle<unknown>, name: string, value: string | boolean | JsonObject): Promise<void> {
  for await (const { type, data } of run.events())
    if (type === "signal.awaited" && (data as JsonObject)["name"] === name) return await run.signal(name, value);
}

const questions = (log: readonly RunEvent[]) =>
  log.filter(({ type }) => type === "question.asked").map(({ data }) => (data as JsonObject)["question"]);

describe("a graph of LangGraph as a node", () => {
  test("takes the state and gives what it ends with; its nodes are told of in the log of the run", async () => {
    const compiled = new StateGraph(Words)
      .addNode("one", say("one"))
      .addNode("two", say("two"))
      .addEdge(START, "one")
      .addEdge("one", "two")
      .addEdge("two", END)
      .compile();
    const run = await begin(around(langgraph(compiled)), { words: ["zero"] });
    expect(await run.result()).toEqual({ words: ["zero", "one", "two"] });
    const told = (await events(run)).filter(({ type }) => type === "langgraph.updated");
    expect(told.map(({ data }) => data)).toEqual([
      { node: "inner", visit: 1, graph: "LangGraph", at: "one", update: { words: ["one"] } },
      { node: "inner", visit: 1, graph: "LangGraph", at: "two", update: { words: ["two"] } },
    ]);
  });

  test("takes what input gives and is mapped by output, whose types are its own", async () => {
    const compiled = new StateGraph(Words).addNode("one", say("one")).addEdge(START, "one").compile();
    const made = graph({
      name: "mapped",
      state: z.object({ topic: z.string(), length: z.number().default(0) }),
      nodes: {
        count: node(langgraph(compiled, { name: "counter" }), {
          input: (state: { topic: string }) => ({ words: [state.topic] }),
          output: ({ words }) => ({ length: words.join("").length }),
        }),
      },
      edges: [start("count"), edge("count", end)],
    });
    expect(await (await begin(made, { topic: "bread" })).result()).toEqual({ topic: "bread", length: 8 });
    expect(made.compiled.structure.nodes["count"]).toMatchObject({ kind: "langgraph", target: "counter" });
  });

  test("has a thread of its own in each visit, which begins anew", async () => {
    const threads: unknown[] = [];
    const compiled = new StateGraph(Words)
      .addNode("one", (_, { configurable }) => {
        threads.push(configurable?.["thread_id"]);
        return { words: ["one"] };
      })
      .addEdge(START, "one")
      .compile();
    const made = graph({
      name: "visits",
      state: z.object({ words: z.array(z.string()).default([]), total: z.array(z.number()).default([]) }),
      nodes: {
        inner: node(langgraph(compiled), { input: () => ({ words: [] }) }),
        count: (state) => ({ total: [...state.total, state.words.length] }),
      },
      edges: [
        start("inner"),
        edge("inner", "count"),
        when("count", (now: { total: number[] }) => (now.total.length < 2 ? "inner" : end), ["inner", end]),
      ],
    });
    const run = await begin(made);
    expect(await run.result()).toMatchObject({ total: [1, 1] });
    expect(threads).toEqual([`${run.id}/inner/1`, `${run.id}/inner/2`]);
    // What it gave is in the log of the run: the threads are not needed any more.
    expect(await Array.fromAsync(langgraphSaver(database).list({}))).toEqual([]);
  });

  test("goes on with a thread that runs share, and takes what it gave then", async () => {
    const compiled = new StateGraph(Words).addNode("one", say("one")).addEdge(START, "one").compile();
    const made = around(langgraph(compiled, { threadId: () => "talk" }));
    const flow = flowOf(made);
    await (await runs.start(flow, { words: ["a"] })).result();
    const second = await runs.start(flow, { words: ["b"] });
    expect(await second.result()).toEqual({ words: ["a", "one", "b", "one"] });
    const kept = await langgraphSaver(database).getTuple({ configurable: { thread_id: "talk" } });
    expect(kept?.checkpoint.channel_values["words"]).toEqual(["a", "one", "b", "one"]);
  });
});

describe("a graph of LangGraph that is cut off", () => {
  test("goes on from its own checkpoint: what its nodes had done is not done again", async () => {
    const done: string[] = [];
    const reached = Promise.withResolvers<void>();
    let isSecond = false;
    const compiled = new StateGraph(Words)
      .addNode("one", () => {
        done.push("one");
        return { words: ["one"] };
      })
      .addNode("two", async (_, { signal }) => {
        done.push("two");
        if (!isSecond) {
          reached.resolve();
          await new Promise((_resolve, reject) =>
            signal?.addEventListener("abort", () => reject(new Error("stopped"))),
          );
        }
        return { words: ["two"] };
      })
      .addEdge(START, "one")
      .addEdge("one", "two")
      .compile();
    const flow = flowOf(around(langgraph(compiled)));
    const run = await runs.start(flow, {});
    await reached.promise;
    await restart({ worker: false });
    isSecond = true;
    runs.register(flow);
    expect(await (await runs.resume(run.id)).result()).toEqual({ words: ["one", "two"] });
    expect(done).toEqual(["one", "two", "two"]);
  });

  test("goes on from it too when a node of it fails and the node is tried again", async () => {
    const done: string[] = [];
    const compiled = new StateGraph(Words)
      .addNode("one", () => {
        done.push("one");
        return { words: ["one"] };
      })
      .addNode("two", () => {
        done.push("two");
        if (done.length < 3) throw new Error("not yet");
        return { words: ["two"] };
      })
      .addEdge(START, "one")
      .addEdge("one", "two")
      .compile();
    const run = await begin(around(langgraph(compiled), { retry: { attempts: 2 } }));
    // A failure of unknown cause is not tried again by policy.
    await run.result().catch(() => {});
    expect(done.filter((name) => name === "one")).toEqual(["one"]);
  });

  test("is cancelled with its run, within the node that is at work", async () => {
    const reached = Promise.withResolvers<void>();
    const stopped = Promise.withResolvers<void>();
    const compiled = new StateGraph(Words)
      .addNode("long", async (_, { signal }) => {
        signal?.addEventListener("abort", () => stopped.resolve());
        reached.resolve();
        await stopped.promise;
        return {};
      })
      .addEdge(START, "long")
      .compile();
    const run = await begin(around(langgraph(compiled)));
    await reached.promise;
    expect(await run.cancel("enough")).toMatchObject({ status: "cancelled" });
    await stopped.promise;
  });
});

describe("a question of LangGraph", () => {
  const asking = () =>
    new StateGraph(Words)
      .addNode("ask", () => {
        const first = String(interrupt("Sure?"));
        const second = String(interrupt("Sure?"));
        return { words: [first, second] };
      })
      .addEdge(START, "ask")
      .compile();

  test("is asked of a person, one after the other, and each answer goes to its place", async () => {
    const run = await begin(around(langgraph(asking())));
    await answer(run, "inner", false);
    await answer(run, "inner/q2", "later");
    expect(await run.result()).toEqual({ words: ["false", "later"] });
    expect(questions(await events(run))).toEqual(["Sure?", "Sure?"]);
  });

  test("is not asked again after a restart, and answers that were taken stay with their questions", async () => {
    const flow = flowOf(around(langgraph(asking())));
    const run = await runs.start(flow, {});
    await until(run, "signal.awaited");
    await restart({ worker: false });
    runs.register(flow);
    const again = await runs.resume(run.id);
    await answer(again, "inner", "first");
    for await (const { type, data } of again.events())
      if (type === "signal.awaited" && (data as JsonObject)["name"] === "inner/q2") break;
    await restart({ worker: false });
    runs.register(flow);
    const last = await runs.resume(run.id);
    await last.signal("inner/q2", "second");
    expect(await last.result()).toEqual({ words: ["first", "second"] });
  });

  test("of several branches at once is several questions, answered in any order", async () => {
    const compiled = new StateGraph(Words)
      .addNode("left", () => ({ words: [`left ${String(interrupt({ question: "Left?", more: 1 }))}`] }))
      .addNode("right", () => ({ words: [`right ${String(interrupt({ which: "right" }))}`] }))
      .addEdge(START, "left")
      .addEdge(START, "right")
      .compile();
    const run = await begin(around(langgraph(compiled)));
    await answer(run, "inner/q2", "yes");
    await answer(run, "inner", "no");
    expect(await run.result()).toEqual({ words: ["left no", "right yes"] });
    expect(questions(await events(run))).toEqual(["Left?", '{"which":"right"}']);
  });

  test("of a subgraph is asked as well", async () => {
    const run = await begin(
      around(
        langgraph(
          new StateGraph(Words)
            .addNode("sub", asking())
            .addNode("after", say("after"))
            .addEdge(START, "sub")
            .addEdge("sub", "after")
            .compile(),
        ),
      ),
    );
    await answer(run, "inner", "a");
    await answer(run, "inner/q2", "b");
    expect(await run.result()).toEqual({ words: ["a", "b", "after"] });
  });

  test("is made of a place where the graph was compiled to stand still", async () => {
    const compiled = new StateGraph(Words)
      .addNode("one", say("one"))
      .addNode("two", say("two"))
      .addEdge(START, "one")
      .addEdge("one", "two")
      .compile({ interruptBefore: ["two"] });
    const run = await begin(around(langgraph(compiled)));
    await answer(run, "inner", true);
    expect(await run.result()).toEqual({ words: ["one", "two"] });
    expect(questions(await events(run))).toEqual(["Go on with two?"]);
  });
});

describe("what goes wrong in a graph of LangGraph", () => {
  test("is graph_steps_exceeded at its recursion limit", async () => {
    const compiled = new StateGraph(Words)
      .addNode("again", say("again"))
      .addEdge(START, "again")
      .addEdge("again", "again")
      .compile();
    const run = await begin(around(langgraph(compiled, { recursionLimit: 5 })));
    await expect(run.result()).rejects.toMatchObject({
      code: "graph_steps_exceeded",
      details: { node: "inner", code: "GRAPH_RECURSION_LIMIT" },
    });
  });

  test("is langgraph_failed where LangGraph refuses something, with its code", async () => {
    const State = Annotation.Root({ words: Annotation<string[]> });
    const compiled = new StateGraph(State)
      .addNode("left", () => ({ words: ["left"] }))
      .addNode("right", () => ({ words: ["right"] }))
      .addEdge(START, "left")
      .addEdge(START, "right")
      .compile();
    await expect((await begin(around(langgraph(compiled)), { words: ["a"] })).result()).rejects.toMatchObject({
      code: "langgraph_failed",
      details: { node: "inner", code: "INVALID_CONCURRENT_GRAPH_UPDATE" },
    });
  });

  test("is graph_timed_out when it takes longer than the node may", async () => {
    const compiled = new StateGraph(Words)
      .addNode("long", async (_, { signal }) => {
        await new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("stopped"))));
        return {};
      })
      .addEdge(START, "long")
      .compile();
    await expect((await begin(around(langgraph(compiled), { timeoutMs: 20 }))).result()).rejects.toMatchObject({
      code: "graph_timed_out",
    });
  });

  test("is a database that is missing, said before anything runs", async () => {
    const compiled = new StateGraph(Words).addNode("one", say("one")).addEdge(START, "one").compile();
    const run = await runs.start(graphWorkflow(around(langgraph(compiled)), resolve), {});
    await expect(run.result()).rejects.toMatchObject({ code: "invalid_input" });
  });
});
