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
  /** Takes the whole of a call that may have come in pieces before: it fills in what is missing and repeats nothing. */
  settle(whole: ToolCallDelta, emit: Emit): void;
  /** Emits a call whose input the provider sends as a whole; a text that is no JSON is handed on as the text it is. */
  whole(call: { readonly id: string; readonly name: string; readonly input: JsonValue | undefined }, emit: Emit): void;
  /**
   * Completes every call that is still open. One whose input is no JSON is handed on with the raw text for its input, which
   * no schema of an object takes, so that the model is told and can repair it; with `drop`, where a bound of tokens has cut
   * the input off, it is left out.
   */
  completeAll(emit: Emit, drop?: boolean): Fault | undefined;
  /** Tells whether every call has a name and an input that is JSON. */
  readonly sound: boolean;
  readonly count: number;
  readonly dropped: number;
  /** Counts the calls that were handed on although their input is no JSON. */
  readonly invalid: number;
}

interface Call {
  id: string;
  index: number | undefined;
  name: string;
  text: string;
  started: boolean;
  completed: boolean;
}

const nameless: Fault = {
  code: "provider_malformed_response",
  message: "sent a tool call without the name of a tool",
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
  let invalid = 0;

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
    if (index === undefined || (current?.index === index && !current.completed)) return current;
    return calls.findLast((call) => call.index === index && !call.completed);
  };
  const push = (delta: ToolCallDelta, emit: Emit): void => {
    const call = find(delta) ?? open(delta.id, delta.index);
    current = call;
    if (call.name === "" && delta.name !== undefined) call.name = delta.name;
    const text = delta.text ?? "";
    // Some servers end a call by sending all of it once more.
    if (text.length > 1 && text === call.text && delta.name !== undefined && delta.name !== "") return;
    call.text += text;
    if (call.started && text !== "") emit({ type: "tool.delta", id: call.id, text });
    start(call, emit);
  };
  const finish = (call: Call, drop: boolean, emit: Emit): Fault | undefined => {
    call.completed = true;
    const input = readInput(call.text);
    if (drop && (call.name === "" || input === undefined)) {
      dropped++;
      return undefined;
    }
    if (call.name === "") return nameless;
    if (input === undefined) invalid++;
    start(call, emit);
    emit({ type: "tool.completed", id: call.id, name: call.name, input: input ?? call.text });
    return undefined;
  };
  return {
    get count() {
      return calls.length - dropped;
    },
    get dropped() {
      return dropped;
    },
    get invalid() {
      return invalid;
    },
    get sound() {
      return calls.every((call) => call.completed || (call.name !== "" && readInput(call.text) !== undefined));
    },
    push,
    settle(whole, emit) {
      const known = find(whole);
      push(known === undefined || known.text === "" ? whole : { ...whole, text: "" }, emit);
    },
    whole({ id, name, input }, emit) {
      const call = open(id);
      call.name = name;
      call.text = typeof input === "string" ? input : JSON.stringify(input ?? noInput);
      finish(call, false, emit);
    },
    completeAll(emit, drop = false) {
      for (const call of calls) {
        const fault = call.completed ? undefined : finish(call, drop, emit);
        if (fault !== undefined) return fault;
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

const noInput: JsonObject = {};

/** Reads an input; undefined when it is no JSON. Nothing at all, and the null that some servers send for it, is no input. */
function readInput(text: string): JsonValue | undefined {
  if (text.trim() === "") return noInput;
  try {
    return parseJson(text, "a tool call's input") ?? noInput;
  } catch {
    return undefined;
  }
}
