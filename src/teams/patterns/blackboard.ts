import type { JsonObject, JsonValue, Schema } from "../../base/index.ts";
import { isAtlasError, isJsonObject, parseSchema } from "../../base/index.ts";
import type { Reducer } from "../../graph/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Asking, Given, MemberResult } from "./asking.ts";
import { brief } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";

/** Says how one member works on the board. All functions must be pure. */
export interface BoardMember<State> {
  readonly member: Runnable;
  /** Tells whether it has something to do as the board stands; always by default. */
  readonly when?: (state: State) => boolean;
  /** Makes what it is asked; by default the goal and the whole board. */
  readonly task?: (state: State, goal: string) => JsonValue;
  /** The key that its output goes to, or what makes entries of its output; by default the keys of an object that it gives. */
  readonly write?: (keyof State & string) | ((output: JsonValue, state: State) => Partial<State>);
}

/** Are the options of `blackboard`. */
export interface BlackboardOptions<State extends JsonObject> extends PatternOptions {
  /** Checks the board after each change; a change after which it does not fit is refused. */
  readonly state: Schema<unknown, State>;
  readonly initial: NoInfer<State>;
  /** Say how a new value of a key is merged with the one that stands there; without one, it takes its place. */
  readonly reducers?: { readonly [Key in keyof NoInfer<State>]?: Reducer };
  readonly members: readonly BoardMember<NoInfer<State>>[];
  /** `in turn` (the default): one after the other, each sees what was written before. `at once`: all that have something to do. */
  readonly turns?: "in turn" | "at once";
  /** Ends the work. */
  readonly until?: (state: NoInfer<State>) => boolean;
}

/** Is a board that is worked on. */
interface Board<State extends JsonObject> {
  readonly options: BlackboardOptions<State>;
  readonly context: TeamContext;
  readonly asking: Asking;
  readonly results: MemberResult[];
  state: State;
  changes: number;
}

/**
 * Makes a team that works on one shared state: whoever has something to do reads it and writes entries, until the condition holds,
 * nobody has anything to do, a round changed nothing, or a limit is reached (10 rounds by default). Its output is the state.
 *
 * Shape: it adds the events `round.started` { round }, `entry.written` { round, member, key, value } for every change, `entry.refused`
 * { round, member, keys, code, message } and `board.ended` { reason, rounds, changes }: `condition`, `idle`, `unchanged` or `limit`.
 * Errors: team_invalid; team_failed where no member gave anything.
 * @example examples/patterns.ts
 */
export function blackboard<State extends JsonObject>(options: BlackboardOptions<State>): Team<State> {
  const { name, members, initial, until = () => false } = options;
  for (const key of Object.keys(options.reducers ?? {})) {
    if (Object.hasOwn(initial, key)) continue;
    throw teamErrors.create(
      "team_invalid",
      `The board of ${name} has a reducer for ${key}, but no entry of that name.`,
    );
  }
  return patternTeam<State>(options, {
    members: members.map(({ member }) => member),
    defaults: { maxRounds: 10 },
    async run(asking, context, goal) {
      const state = await parseSchema(options.state, initial, `first state of the board of ${name}`);
      const board: Board<State> = { options, context, asking, results: [], state, changes: 0 };
      let rounds = 0;
      let reason = "condition";
      while (!until(board.state)) {
        if (!asking.beginRound()) {
          reason = "limit";
          break;
        }
        context.emit({ type: "round.started", data: { round: ++rounds } });
        const before = board.changes;
        const asked = await playRound(board, rounds, goal);
        if (until(board.state)) break;
        reason = asking.limit !== undefined ? "limit" : asked === 0 ? "idle" : "unchanged";
        if (asking.limit !== undefined || board.changes === before) break;
        reason = "condition";
      }
      if (rounds > 0 && board.results.length === 0 && reason !== "idle") throw asking.nothing();
      context.emit({ type: "board.ended", data: { reason, rounds, changes: board.changes } });
      const metadata = { reason, rounds, changes: board.changes };
      return asking.conclude(board.state, { from: board.results, metadata });
    },
  });
}

/** Has all members work that have something to do; gives how many that were. */
async function playRound<State extends JsonObject>(board: Board<State>, round: number, goal: string): Promise<number> {
  const { members, turns = "in turn" } = board.options;
  const isInterested = ({ when = () => true }: BoardMember<State>): boolean => when(board.state);
  if (turns === "at once") {
    const interested = members.filter(isInterested);
    const given = await Promise.all(interested.map((each) => askOf(board, each, goal)));
    for (const [index, each] of interested.entries()) {
      const one = given[index];
      if (one !== undefined) await take(board, { each, given: one, round });
    }
    return interested.length;
  }
  let asked = 0;
  for (const each of members) {
    if (!isInterested(each)) continue;
    asked++;
    await take(board, { each, given: await askOf(board, each, goal), round });
    if (board.options.until?.(board.state) === true) break;
  }
  return asked;
}

async function askOf<State extends JsonObject>(
  { asking, state }: Board<State>,
  { member, task }: BoardMember<State>,
  goal: string,
): Promise<Given> {
  return await asking.ask(member, task === undefined ? brief(member, goal, { board: state }) : task(state, goal));
}

/** Writes what a member gave. */
async function take<State extends JsonObject>(
  board: Board<State>,
  { each, given, round }: { each: BoardMember<State>; given: Given; round: number },
): Promise<void> {
  if (given.status !== "answered") return;
  const { context, options } = board;
  board.results.push(given.result);
  const member = given.member.name;
  let entries: JsonObject = {};
  try {
    entries = entriesOf(each, given.result.output, board.state);
    const next = await parseSchema(options.state, merged(board, entries), "board");
    for (const [key, value] of Object.entries(next)) {
      if (JSON.stringify(value) === JSON.stringify(board.state[key])) continue;
      board.changes++;
      context.emit({ type: "entry.written", data: { round, member, key, value } });
    }
    board.state = next;
  } catch (error) {
    context.signal.throwIfAborted();
    const why = isAtlasError(error)
      ? { code: error.code, message: error.message }
      : { code: "invalid_input", message: "Its `write` or its reducer refused the value." };
    context.emit({ type: "entry.refused", data: { round, member, keys: Object.keys(entries), ...why } });
  }
}

function entriesOf<State extends JsonObject>(
  { write }: BoardMember<State>,
  output: JsonValue,
  state: State,
): JsonObject {
  if (typeof write === "function") {
    const entries: object = write(output, state);
    return { ...entries };
  }
  if (typeof write === "string") return { [write]: output };
  if (!isJsonObject(output)) return {};
  return Object.fromEntries(Object.entries(output).filter(([key]) => Object.hasOwn(state, key)));
}

function merged<State extends JsonObject>({ options, state }: Board<State>, entries: JsonObject): JsonObject {
  const reducers: Readonly<Record<string, Reducer | undefined>> = options.reducers ?? {};
  const changed = Object.entries(entries).map(([key, value]): [string, JsonValue] => [
    key,
    (Object.hasOwn(reducers, key) ? reducers[key] : undefined)?.apply(state[key], value) ?? value,
  ]);
  return { ...state, ...Object.fromEntries(changed) };
}
