import type { JsonObject, JsonValue } from "../base/index.ts";
import { parseJson } from "../base/index.ts";
import type { Emit } from "./decoder.ts";
import type { Fault } from "./fault.ts";

/** Is one piece of a streamed tool call, with whatever of it the provider sent. */
export interface ToolCallDelta {
  readonly id?: string | undefined;
  readonly index?: number | undefined;
  readonly name?: string | undefined;
  readonly text?: string | undefined;
}

/** Puts streamed tool calls together. */
export interface ToolCallAssembler {
  push(delta: ToolCallDelta, emit: Emit): void;
  /** Emits a call whose input the provider sends as a whole. */
  whole(call: { readonly id: string; readonly name: string; readonly input: JsonValue }, emit: Emit): void;
  /** Completes every call that is still open; with `drop`, calls whose input is cut off are left out. */
  completeAll(emit: Emit, drop?: boolean): Fault | undefined;
  readonly count: number;
  readonly dropped: number;
}

interface Call {
  id: string;
  index: number | undefined;
  name: string;
  text: string;
  started: boolean;
  completed: boolean;
}

const badInput: Fault = {
  code: "provider_malformed_response",
  message: "sent the input of a tool call that is not JSON or has no tool name",
};

/**
 * Makes an assembler. `idPrefix` makes ids for calls that come without one.
 *
 * Order: a piece belongs to the call with its id, else to the one with its index, else to the latest. Some servers send an
 * unknown id with every piece (then it has no name: the index decides), others the same index for every call (then it has one).
 */
export function toolCallAssembler(idPrefix: string): ToolCallAssembler {
  const calls: Call[] = [];
  let current: Call | undefined;
  let dropped = 0;

  const open = (id = "", index?: number): Call => {
    const call: Call = {
      id: id || `${idPrefix}_${calls.length}`,
      index,
      name: "",
      text: "",
      started: false,
      completed: false,
    };
    calls.push(call);
    return call;
  };
  const find = ({ id = "", index, name = "" }: ToolCallDelta): Call | undefined => {
    if (id !== "") {
      const known = calls.find((call) => call.id === id && !call.completed);
      if (known !== undefined || name !== "") return known;
    }
    return index === undefined ? current : calls.findLast((call) => call.index === index && !call.completed);
  };
  return {
    get count() {
      return calls.length - dropped;
    },
    get dropped() {
      return dropped;
    },
    push(delta, emit) {
      const call = find(delta) ?? open(delta.id, delta.index);
      current = call;
      if (call.name === "" && delta.name !== undefined) call.name = delta.name;
      const text = delta.text ?? "";
      call.text += text;
      if (call.started && text !== "") emit({ type: "tool.delta", id: call.id, text });
      start(call, emit);
    },
    whole({ id, name, input }, emit) {
      const call = open(id);
      call.name = name;
      call.text = JSON.stringify(input);
      complete(call, emit);
    },
    completeAll(emit, drop = false) {
      for (const call of calls) {
        if (call.completed || complete(call, emit)) continue;
        if (!drop) return badInput;
        dropped++;
      }
      return undefined;
    },
  };
}

function start(call: Call, emit: Emit): void {
  if (call.started || call.name === "") return;
  call.started = true;
  emit({ type: "tool.started", id: call.id, name: call.name });
  if (call.text !== "") emit({ type: "tool.delta", id: call.id, text: call.text });
}

/** Emits the end of a call; false when its input is not whole. */
function complete(call: Call, emit: Emit): boolean {
  call.completed = true;
  const input = readInput(call.text);
  if (call.name === "" || input === undefined) return false;
  start(call, emit);
  emit({ type: "tool.completed", id: call.id, name: call.name, input });
  return true;
}

const noInput: JsonObject = {};

function readInput(text: string): JsonValue | undefined {
  if (text.trim() === "") return noInput;
  try {
    return parseJson(text, "a tool call's input");
  } catch {
    return undefined;
  }
}
