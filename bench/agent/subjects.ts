/** Names what is measured. */
export const subjectNames = ["atlas", "ai_sdk", "openai_agents", "mastra", "voltagent"] as const;

/** Is the name of what is measured. */
export type SubjectName = (typeof subjectNames)[number];

/** Is one measurement: calls for so long, so many at once. */
export interface Task {
  readonly concurrency: number;
  readonly durationMs: number;
}

/** Is an agent with an instant model. */
export interface Subject extends AsyncDisposable {
  /** Has the agent answer once, from start to end. */
  call(): Promise<string>;
}

/** Is what every model says. */
export const answer = "Four.";

/** Is what every agent is asked. */
export const question = "What is two and two?";

/** Is what every agent is told. */
export const instructions = "Answer briefly.";

const usage = { inputTokens: { total: 12 }, outputTokens: { total: 2 }, totalTokens: 14 };

/** Makes an instant model of the AI SDK's interface, of the version that a peer takes. */
export function instantModel(specificationVersion: "v2" | "v3" | "v4") {
  const old = { inputTokens: 12, outputTokens: 2, totalTokens: 14 };
  const finishReason = specificationVersion === "v2" ? "stop" : { unified: "stop", raw: "stop" };
  const counted = specificationVersion === "v2" ? old : usage;
  return {
    specificationVersion,
    provider: "instant",
    modelId: "instant",
    supportedUrls: {},
    doGenerate: async () => ({
      content: [{ type: "text", text: answer }],
      finishReason,
      usage: counted,
      warnings: [],
    }),
    doStream: async () => ({
      stream: new ReadableStream({
        start(controller) {
          controller.enqueue({ type: "stream-start", warnings: [] });
          controller.enqueue({ type: "text-start", id: "1" });
          controller.enqueue({ type: "text-delta", id: "1", delta: answer });
          controller.enqueue({ type: "text-end", id: "1" });
          controller.enqueue({ type: "finish", finishReason, usage: counted });
          controller.close();
        },
      }),
    }),
  };
}
