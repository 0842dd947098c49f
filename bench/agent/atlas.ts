import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agent } from "../../src/agents/index.ts";
import { createAtlas } from "../../src/app/index.ts";
import type { Model } from "../../src/providers/index.ts";
import { localCapabilities } from "../../src/providers/capabilities.ts";
import { answer, instructions, question } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** Runs an agent of Atlas as users do, durable, each call a run whose steps are committed. */
export async function open(): Promise<Subject> {
  const directory = mkdtempSync(join(tmpdir(), "atlas-bench-agent-"));
  const usage = { inputTokens: 12, outputTokens: 2, provenance: "reported" } as const;
  const model: Model = {
    provider: "instant",
    name: "instant",
    capabilities: localCapabilities,
    async *stream() {
      yield { type: "response.started", model: "instant" };
      yield { type: "text.delta", text: answer };
      yield { type: "response.finished", finishReason: "stop", usage, metadata: {} };
    },
  };
  const guide = agent({ name: "instant", instructions, model });
  const atlas = await createAtlas({ directory, environment: {}, agents: [guide] });
  return {
    call: async () => (await (await atlas.start(guide, question)).result()).text,
    async [Symbol.asyncDispose]() {
      await atlas.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
