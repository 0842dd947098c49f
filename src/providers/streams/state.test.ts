import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { providerErrors } from "../errors.ts";
import { scripted } from "../scripted.ts";
import type { Model, StreamPart } from "../model.ts";
import { openStream, type StreamControl } from "./open-stream.ts";
import { isOver, type StreamEvent, type StreamState, transitions } from "./state.ts";

const request = { messages: [] };
const usage = { inputTokens: 1, outputTokens: 1, provenance: "reported" } as const;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Makes a model that says what it is given, when it is given it. */
function fedModel(): Model & { feed(item: StreamPart | Error): void; readonly open: number } {
  const items: (StreamPart | Error)[] = [];
  let wake = (): void => {};
  let open = 0;
  return {
    ...scripted([]),
    feed(item) {
      items.push(item);
      wake();
    },
    get open() {
      return open;
    },
    async *stream(_request, { signal } = {}) {
      open++;
      try {
        while (true) {
          signal?.throwIfAborted();
          const item = items.shift();
          if (item instanceof Error) throw item;
          if (item !== undefined) yield item;
          if (item?.type === "response.finished") return;
          if (items.length === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              signal?.addEventListener("abort", () => resolve(), { once: true });
            });
          }
        }
      } finally {
        open--;
      }
    },
  };
}

type Fed = ReturnType<typeof fedModel>;
type Subject = { readonly stream: StreamControl; readonly model: Fed; readonly reader: AsyncIterator<StreamPart> };

const finished: StreamPart = { type: "response.finished", finishReason: "stop", usage, metadata: {} };
const failure = providerErrors.create("provider_error", "It failed.");

function open(): Subject {
  const model = fedModel();
  const stream = openStream(model, request);
  return { stream, model, reader: stream[Symbol.asyncIterator]() };
}

/** Does what an event stands for. */
const perform: Readonly<Record<StreamEvent, (subject: Subject) => unknown>> = {
  start: ({ reader }) => void reader.next().catch(() => {}),
  pause: ({ stream }) => stream.pause(),
  resume: ({ stream }) => stream.resume(),
  cancel: ({ stream }) => stream.cancel(),
  finish: ({ model }) => model.feed(finished),
  fail: ({ model }) => model.feed(failure),
};

const waysTo: Readonly<Record<StreamState, readonly StreamEvent[]>> = {
  idle: [],
  streaming: ["start"],
  paused: ["start", "pause"],
  cancelled: ["start", "cancel"],
  failed: ["start", "fail"],
  done: ["start", "finish"],
};

describe("the state machine", () => {
  const pairs = Object.entries(transitions).flatMap(([state, row]) =>
    Object.entries(row).map(([event, next]) => [state as StreamState, event as StreamEvent, next] as const),
  );

  it.each(pairs)("%s: %s makes it %s (acceptance 5)", async (state, event, next) => {
    const subject = open();
    for (const step of waysTo[state]) {
      perform[step](subject);
      await settle();
    }
    expect(subject.stream.state).toBe(state);
    const told: StreamState[] = [];
    subject.stream.onState((now) => told.push(now));
    const moved = perform[event](subject);
    await settle();
    expect(subject.stream.state).toBe(next);
    expect(told).toEqual(next === state ? [] : [next]);
    if (typeof moved === "boolean") expect(moved).toBe(next !== state);
    subject.stream.cancel();
    await settle();
    expect(subject.model.open).toBe(0);
  });

  it("is what docs/streams.md says", () => {
    const page = readFileSync(new URL("../../../docs/streams.md", import.meta.url), "utf8");
    for (const [state, row] of Object.entries(transitions)) {
      const cells = Object.values(row).map((next) => (next === state ? "–" : `\`${next}\``));
      const line = page.split("\n").find((text) => text.startsWith(`| \`${state}\``)) ?? "";
      expect(
        line
          .split("|")
          .slice(2, -1)
          .map((cell) => cell.trim()),
      ).toEqual(cells);
    }
  });

  it("goes as its table says, and loses no part, whatever the order of commands (acceptance 5)", async () => {
    const commands = fc.constantFrom("start", "pause", "resume", "cancel", "part", "part", "start", "finish", "fail");
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { maxLength: 25 }), async (order) => {
        const subject = open();
        const oracle = createOracle();
        const got: string[] = [];
        for (const [index, command] of order.entries()) {
          oracle.on(command, `${index}`);
          if (command === "part") subject.model.feed({ type: "text.delta", text: `${index}` });
          else if (command === "start") {
            const read = subject.reader.next();
            read.then((result) => keep(result, got)).catch(() => {});
          } else perform[command](subject);
          await settle();
          expect(subject.stream.state).toBe(oracle.state);
          expect(got).toEqual(oracle.delivered);
        }
        subject.stream.cancel();
      }),
      { numRuns: 300 },
    );
  });
});

function keep(result: IteratorResult<StreamPart, unknown>, texts: string[]): void {
  if (result.done !== true && result.value.type === "text.delta") texts.push(result.value.text);
}

/** Says what must be, from the table and from a queue that loses nothing. */
function createOracle() {
  const queue: string[] = [];
  const delivered: string[] = [];
  let state: StreamState = "idle";
  let waiting = false;
  const happen = (event: StreamEvent): void => {
    state = transitions[state][event];
    if (isOver(state)) waiting = false;
  };
  const deliver = (): void => {
    if (state !== "streaming" || !waiting) return;
    const next = queue.shift();
    if (next === undefined) return;
    if (next === "finish" || next === "fail") return happen(next);
    waiting = false;
    delivered.push(next);
  };
  return {
    delivered,
    get state() {
      return state;
    },
    on(command: StreamEvent | "part", text: string) {
      if (command === "part") queue.push(text);
      else if (command === "finish" || command === "fail") queue.push(command);
      else happen(command);
      if (command === "start" && !isOver(state)) waiting = true;
      deliver();
    },
  };
}
