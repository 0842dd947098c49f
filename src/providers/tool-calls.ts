import type { JsonObject, JsonValue } from "../base/index.ts";
import { parseJson } from "../base/index.ts";
import type { Emit } from "./transport/decoder.ts";
import type { Fault } from "./transport/fault.ts";

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
  /** Is there once more has come than is kept. */
  readonly fault: Fault | undefined;
  readonly count: number;
  readonly dropped: number;
  /** Counts the calls that were handed on although their input is no JSON. */
  readonly invalid: number;
}

interface Call {
  /** Is the id that the provider gave it, which another call may have as well. */
  readonly told: string;
  readonly id: string;
  readonly index: number | undefined;
  name: string;
  text: string;
  started: boolean;
  completed: boolean;
}

const nameless: Fault = {
  code: "provider_malformed_response",
  message: "sent a tool call without the name of a tool",
};
const tooMuch: Fault = {
  code: "provider_malformed_response",
  message: "sent more tool calls, or longer ones, than Atlas reads",
};

const maxCalls = 10_000;
const maxInputChars = 16 * 1024 * 1024;

/** Holds the calls of one answer and knows which of them a piece belongs to. */
interface CallBook {
  readonly calls: readonly Call[];
  open(told: string | undefined, index?: number): Call;
  /** Opens a call that comes in pieces. */
  openPieces(delta: ToolCallDelta): Call;
  find(delta: ToolCallDelta): Call | undefined;
  add(call: Call, text: string): void;
  /** Tells that more has come than is kept. */
  readonly full: boolean;
}

function createCallBook(idPrefix: string): CallBook {
  const calls: Call[] = [];
  const ids = new Set<string>();
  /** The calls that come in pieces: the first with each id, the latest with each index. */
  const byId = new Map<string, Call>();
  const byIndex = new Map<number, Call>();
  let current: Call | undefined;
  let chars = 0;

  const open = (told = "", index?: number): Call => {
    let id = told;
    for (let at = calls.length; id === "" || ids.has(id); at++) id = `${idPrefix}_${at}`;
    ids.add(id);
    const call: Call = { told, id, index, name: "", text: "", started: false, completed: false };
    calls.push(call);
    return call;
  };
  const find = ({ id = "", index, name = "" }: ToolCallDelta): Call | undefined => {
    if (id !== "") {
      const known = byId.get(id);
      if (known !== undefined && !isApart(known, index)) return known;
      const same = index === undefined ? undefined : byIndex.get(index);
      if (same?.told === id) return same;
      if (name !== "") return undefined;
      if (known !== undefined) return known;
    }
    if (index === undefined || current?.index === index) return current;
    return byIndex.get(index);
  };
  return {
    calls,
    open,
    openPieces({ id = "", index }) {
      const call = open(id, index);
      if (id !== "" && !byId.has(id)) byId.set(id, call);
      if (index !== undefined) byIndex.set(index, call);
      current = call;
      return call;
    },
    find(delta) {
      const found = find(delta);
      if (found !== undefined) current = found;
      return found;
    },
    add(call, text) {
      call.text += text;
      chars += text.length;
    },
    get full() {
      return calls.length > maxCalls || chars > maxInputChars;
    },
  };
}

/**
 * Makes an assembler. `idPrefix` makes ids for calls that come without one, or with that of another call.
 *
 * Order: a piece belongs to the call with its id, else to the one with its index, else to the latest. Some servers send an
 * unknown id with every piece (then it has no name: the index decides), others the same index for every call (then it has one),
 * or the same id for calls with different indexes.
 */
export function toolCallAssembler(idPrefix: string): ToolCallAssembler {
  const book = createCallBook(idPrefix);
  let dropped = 0;
  let invalid = 0;

  const push = (delta: ToolCallDelta, emit: Emit): void => {
    if (book.full) return;
    const call = book.find(delta) ?? book.openPieces(delta);
    if (call.name === "" && delta.name !== undefined) call.name = delta.name;
    const text = delta.text ?? "";
    // Some servers end a call by sending all of it once more.
    if (text.length > 1 && text === call.text && delta.name !== undefined && delta.name !== "") return;
    book.add(call, text);
    if (call.started && text !== "") emit({ type: "tool.delta", id: call.id, text });
    start(call, emit);
  };
  const finish = (call: Call, drop: boolean, emit: Emit): Fault | undefined => {
    const outcome = finishCall(call, drop, emit);
    if (outcome === "dropped") dropped++;
    else if (outcome === "invalid") invalid++;
    else return outcome;
    return undefined;
  };
  return {
    get fault() {
      return book.full ? tooMuch : undefined;
    },
    get count() {
      return book.calls.length - dropped;
    },
    get dropped() {
      return dropped;
    },
    get invalid() {
      return invalid;
    },
    get sound() {
      return book.calls.every((call) => call.completed || (call.name !== "" && readInput(call.text) !== undefined));
    },
    push,
    settle(whole, emit) {
      const known = book.find(whole);
      push(known === undefined || known.text === "" ? whole : { ...whole, text: "" }, emit);
    },
    whole({ id, name, input }, emit) {
      if (book.full) return;
      const call = book.open(id);
      call.name = name;
      book.add(call, typeof input === "string" ? input : JSON.stringify(input ?? noInput));
      finish(call, false, emit);
    },
    completeAll(emit, drop = false) {
      for (const call of book.calls) {
        const fault = call.completed ? undefined : finish(call, drop, emit);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
  };
}

/** Completes a call, or leaves out one that was cut off. */
function finishCall(call: Call, drop: boolean, emit: Emit): Fault | "dropped" | "invalid" | undefined {
  call.completed = true;
  const input = readInput(call.text);
  if (drop && (call.name === "" || input === undefined)) return "dropped";
  if (call.name === "") return nameless;
  start(call, emit);
  emit({ type: "tool.completed", id: call.id, name: call.name, input: input ?? call.text });
  return input === undefined ? "invalid" : undefined;
}

/** Tells that a piece with this index is none of a call's, whatever its id. */
function isApart(call: Call, index: number | undefined): boolean {
  return index !== undefined && call.index !== undefined && call.index !== index;
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
