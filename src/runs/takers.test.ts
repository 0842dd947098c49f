import { describe, expect, it } from "vitest";
import { restart, runs, useEngine } from "../../test/lib/engine.ts";
import { workflow } from "./index.ts";

useEngine();

const flow = workflow({ name: "flow", run: async () => "done" });

async function waiting(): Promise<string> {
  await restart({ worker: false });
  const { id } = await runs.start(flow, null, { queue: "q" });
  await restart();
  return id;
}

async function statusOf(id: string): Promise<string> {
  return (await (await runs.open(id)).record()).status;
}

describe("what waits in a queue", () => {
  it("is taken by an engine that only knows its workflow", async () => {
    const id = await waiting();
    runs.register(flow);
    expect(await (await runs.open(id)).result()).toBe("done");
  });

  it("is left by an engine that is closed at once", async () => {
    const id = await waiting();
    runs.register(flow);
    await restart({ worker: false });
    expect(await statusOf(id)).toBe("queued");
  });

  it("is left by an engine that is drained at once", async () => {
    const id = await waiting();
    runs.register(flow);
    await runs.workers.drain(1_000);
    expect(await statusOf(id)).toBe("queued");
    await restart({ worker: false });
    expect(await statusOf(id)).toBe("queued");
  });
});
