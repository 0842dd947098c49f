import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import { expect, test } from "vitest";
import { z } from "zod";
import { database, runs, useEngine } from "../../../test/lib/engine.ts";
import type { Resolve } from "../../runs/index.ts";
import { storageErrors } from "../../storage/index.ts";
import type { Database } from "../../storage/index.ts";
import { edge, end, graph, graphWorkflow, node, start } from "../index.ts";
import { langgraph } from "./langgraph.ts";

useEngine();

const resolve: Resolve = (runnable) => {
  throw new Error(`nothing resolves ${runnable.name}`);
};
const Words = Annotation.Root({
  words: Annotation<string[]>({ reducer: (words, more) => [...words, ...more], default: () => [] }),
});

/** Makes a database that keeps so many writes and no more, until it is next read, as a process that dies and is started again. */
function dying(sound: Database, keeps: number): { readonly database: Database; readonly died: () => boolean } {
  let writes = 0;
  let isDead = false;
  let hasDied = false;
  const broken: Database = {
    ...sound,
    async read(statement, options) {
      isDead = false;
      return await sound.read(statement, options);
    },
    async write(statements) {
      const isAlive = !isDead && (hasDied || ++writes <= keeps);
      if (isAlive) return await sound.write(statements);
      isDead = true;
      hasDied = true;
      throw storageErrors.create("database_unreachable", "The process died.");
    },
  };
  return { database: broken, died: () => hasDied };
}

/** Runs a graph with branches, a subgraph and questions, whose thread loses everything after so many writes. */
async function runDying(keeps: number) {
  const done: string[] = [];
  const does = (word: string) => () => {
    done.push(word);
    return { words: [word] };
  };
  const sub = new StateGraph(Words)
    .addNode("inner", does("inner"))
    .addNode("ask", () => ({ words: [String(interrupt("third?"))] }))
    .addEdge(START, "inner")
    .addEdge("inner", "ask")
    .compile();
  const compiled = new StateGraph(Words)
    .addNode("first", does("first"))
    .addNode("left", does("left"))
    .addNode("right", () => ({ words: [`${String(interrupt("same?"))} ${String(interrupt("same?"))}`] }))
    .addNode("sub", async () => ({ words: (await sub.invoke({ words: [] })).words }))
    .addNode("last", does("last"))
    .addEdge(START, "first")
    .addEdge("first", "left")
    .addEdge("first", "right")
    .addEdge(["left", "right"], "sub")
    .addEdge("sub", "last")
    .compile();
  const store = dying(database, keeps);
  const made = graph({
    name: `dying-${keeps}`,
    state: z.object({ words: z.array(z.string()).default([]) }),
    nodes: {
      node: node(langgraph(compiled, { database: store.database }), {
        retry: { attempts: 2, minDelayMs: 0, maxDelayMs: 0 },
      }),
    },
    edges: [start("node"), edge("node", end)],
  });
  const run = await runs.start(graphWorkflow(made, resolve), {});
  const asked: string[] = [];
  for await (const { type, data } of run.events()) {
    if (type !== "signal.awaited") continue;
    const { name } = data as { readonly name: string };
    asked.push(name);
    await run.signal(name, `answer ${asked.length}`);
  }
  return { result: await run.result(), done, asked, died: store.died() };
}

test(
  "whichever write of a thread is the last before a crash, it goes on from there: nothing is lost, asked or done twice",
  { timeout: 120_000 },
  async () => {
    const whole = await runDying(Number.POSITIVE_INFINITY);
    expect(whole.result).toEqual({ words: ["first", "left", "answer 1 answer 2", "inner", "answer 3", "last"] });
    let keeps = 0;
    for (let died = true; died; keeps++) {
      const cut = await runDying(keeps);
      expect(cut.result, `after ${keeps} writes`).toEqual(whole.result);
      expect(cut.asked, `after ${keeps} writes`).toEqual(whole.asked);
      // What was cut off before it was kept is done again, and nothing else: one step.
      const again = cut.done.length - whole.done.length;
      expect(again, `after ${keeps} writes: ${cut.done.join()}`).toBeLessThanOrEqual(1);
      died = cut.died;
    }
    expect(keeps).toBeGreaterThan(15);
  },
);
