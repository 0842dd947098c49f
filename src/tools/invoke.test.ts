import { expect, test } from "vitest";
import { z } from "zod";
import { baseErrors } from "../base/index.ts";
import type { JsonValue } from "../base/index.ts";
import { silentLogger } from "../telemetry/index.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { invokeTool } from "./invoke.ts";
import type { ToolContext } from "./tool.ts";
import { tool } from "./tool.ts";

const place = z.object({ city: z.string(), days: z.number().int().default(1) });

function context(
  signal: AbortSignal = new AbortController().signal,
  progress: (data: JsonValue) => void = () => {},
): ToolContext {
  return { runId: "run_1", callId: "call_1", idempotencyKey: "run_1:tool:a", signal, logger: silentLogger, progress };
}

test("the arguments arrive as the schema reads them and the answer comes back as plain data", async () => {
  const plan = tool({
    name: "plan",
    input: place,
    run: ({ city, days }) => ({ city, days, at: new Date(0), gone: undefined }),
  });
  expect(await invokeTool(plan, { city: "Lisbon" }, context())).toEqual({
    city: "Lisbon",
    days: 1,
    at: "1970-01-01T00:00:00.000Z",
  });
});

test("a tool is told whose call it is", async () => {
  const who = tool({
    name: "who",
    input: z.object({}),
    run: (_, { runId, callId, idempotencyKey }) => [runId, callId, idempotencyKey],
  });
  expect(await invokeTool(who, {}, context())).toEqual(["run_1", "call_1", "run_1:tool:a"]);
});

test("a tool that answers nothing gives null", async () => {
  expect(
    await invokeTool(tool({ name: "quiet", input: z.object({}), run: () => undefined }), {}, context()),
  ).toBeNull();
});

test("arguments that do not fit are refused with each place, and the tool is not called", async () => {
  let calls = 0;
  const plan = tool({ name: "plan", input: place, run: () => void calls++ });
  const call = invokeTool(plan, { city: 5, days: 1.5 }, context());
  await expect(call).rejects.toMatchObject({ code: "tool_input_invalid", details: { tool: "plan" } });
  await expect(call).rejects.toThrow(/plan .*city: .*days: /);
  expect(calls).toBe(0);
});

test("a check of arguments that throws is a failure of the tool", async () => {
  const input = z.string().refine(() => {
    throw new Error("the check broke");
  });
  await expect(invokeTool(tool({ name: "odd", input, run: () => 1 }), "x", context())).rejects.toMatchObject({
    code: "tool_failed",
  });
});

test("an answer that does not follow the tool's own schema is refused with its place", async () => {
  const wrong = tool({
    name: "wrong",
    input: z.object({}),
    output: z.object({ n: z.number() }),
    run: () => JSON.parse('{"n":"1"}') as { n: number },
  });
  const call = invokeTool(wrong, {}, context());
  await expect(call).rejects.toMatchObject({ code: "tool_output_invalid", details: { tool: "wrong" } });
  await expect(call).rejects.toThrow(/wrong returned .*n: /);
});

test("an answer comes back as the output schema reads it", async () => {
  const trimmed = tool({ name: "trimmed", input: z.object({}), output: z.string().trim(), run: () => "  a " });
  expect(await invokeTool(trimmed, {}, context())).toBe("a");
});

test.each([
  ["a BigInt", { n: 1n }],
  ["a circle", circle()],
])("an answer with %s is refused as no plain data", async (_, output) => {
  const odd = tool({ name: "odd", input: z.object({}), run: (): unknown => output });
  await expect(invokeTool(odd, {}, context())).rejects.toMatchObject({ code: "tool_output_invalid" });
});

function circle(): unknown {
  const made: { self?: unknown } = {};
  made.self = made;
  return made;
}

test("a tool that throws fails with its own words and its cause", async () => {
  const cause = new Error("no such city");
  const broken = tool({ name: "broken", input: z.object({}), run: () => Promise.reject(cause) });
  const call = invokeTool(broken, {}, context());
  await expect(call).rejects.toMatchObject({
    code: "tool_failed",
    message: "The tool broken failed: no such city",
    details: { tool: "broken", cause: "internal_error" },
  });
  await expect(call).rejects.toHaveProperty("cause", cause);
});

test("a tool that throws an error of Atlas keeps its code in the details", async () => {
  const late = tool({
    name: "late",
    input: z.object({}),
    run: () => {
      throw baseErrors.create("timed_out", "The archive is slow.");
    },
  });
  await expect(invokeTool(late, {}, context())).rejects.toMatchObject({
    code: "tool_failed",
    details: { cause: "timed_out" },
  });
});

test("a tool that ignores its signal is left behind when its time is over, and its progress is heard no more", async () => {
  const heard: JsonValue[] = [];
  const begun = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const deaf = tool({
    name: "deaf",
    input: z.object({}),
    timeoutMs: 5,
    async run(_, { progress }) {
      progress("begun");
      begun.resolve();
      await release.promise;
      progress("still here");
      over.resolve();
    },
  });
  const clock = manualClock();
  const call = invokeTool(deaf, {}, { ...context(undefined, (data) => void heard.push(data)), clock });
  const late = expect(call).rejects.toMatchObject({
    code: "tool_timed_out",
    message: "The tool deaf took longer than 5 ms.",
  });
  await begun.promise;
  await clock.advance(5);
  await late;
  release.resolve();
  await over.promise;
  expect(heard).toEqual(["begun"]);
});

test("a tool sees its signal abort when its time is over", async () => {
  let seen: unknown;
  const begun = Promise.withResolvers<void>();
  const polite = tool({
    name: "polite",
    input: z.object({}),
    timeoutMs: 5,
    run: (_, { signal }) =>
      new Promise((__, reject) => {
        signal.addEventListener("abort", () => reject((seen = signal.reason)));
        begun.resolve();
      }),
  });
  const clock = manualClock();
  const late = expect(invokeTool(polite, {}, { ...context(), clock })).rejects.toMatchObject({
    code: "tool_timed_out",
  });
  await begun.promise;
  await clock.advance(5);
  await late;
  expect(seen).toMatchObject({ code: "tool_timed_out" });
});

test.each([Number.POSITIVE_INFINITY, 30 * 86_400_000])(
  "a limit of %d ms is no limit that is over at once",
  async (timeoutMs) => {
    // A timer that cannot hold the limit would end after one millisecond: before this one.
    const slow = tool({
      name: "slow",
      input: z.object({}),
      timeoutMs,
      run: () => new Promise((resolve) => setTimeout(resolve, 3, "done")),
    });
    expect(await invokeTool(slow, {}, context())).toBe("done");
  },
);

test("the time of a tool is that of the clock it is called with", async () => {
  const clock = manualClock();
  const deaf = tool({ name: "deaf", input: z.object({}), timeoutMs: 60_000, run: () => new Promise(() => {}) });
  const late = expect(invokeTool(deaf, {}, { ...context(), clock })).rejects.toMatchObject({ code: "tool_timed_out" });
  await clock.advance(59_999);
  expect(clock.sleeping).toBe(1);
  await clock.advance(1);
  await late;
});

test("a stop of the run passes through as it is, also past a tool that does not listen", async () => {
  const controller = new AbortController();
  const reason = new Error("the run was cancelled");
  const deaf = tool({ name: "deaf", input: z.object({}), run: () => new Promise(() => {}) });
  const call = invokeTool(deaf, {}, context(controller.signal));
  controller.abort(reason);
  await expect(call).rejects.toBe(reason);
  await expect(invokeTool(deaf, {}, context(controller.signal))).rejects.toBe(reason);
});

test("an answer that is too large is refused with how large it may be", async () => {
  const flood = tool({ name: "flood", input: z.object({}), run: () => "x".repeat(17 * 1024 * 1024) });
  await expect(invokeTool(flood, {}, context())).rejects.toThrow(
    /What flood returned .* 17825794 characters .* limit is/,
  );
});
