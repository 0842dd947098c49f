import type { JsonObject, JsonValue } from "../base/index.ts";
import type { Condition, ConditionData, StateFunction } from "./condition.ts";

/** Is where an edge leads that ends its branch; a graph has ended when no branch is left. */
export const end = "end";

/** Is the type of `end`. */
export type End = typeof end;

/** Is where the edges of `start` begin. */
export const startPoint = "start";

/** Is what a function of `when` gives: where to go on, at one node or several, or `end`. */
export type Chosen<Name extends string> = Name | End | readonly (Name | End)[];

/** Is an edge that is taken when its condition holds, or always. Of several, those of higher `priority` go first. */
export interface PlainEdge<Name extends string, State> {
  readonly kind: "edge";
  readonly from: Name | typeof startPoint;
  readonly to: Name | End;
  readonly if?: Condition<State>;
  /** Stands in the `context.params` of the node that it leads to. */
  readonly params?: JsonObject;
  readonly priority?: number;
}

/**
 * Is an edge whose way is chosen while the graph runs: by a function, which gives names, or true for the first and false for the second
 * of `to`; or by a condition, in the same way. `to` lists where it may lead; anywhere without it.
 */
export interface ChoiceEdge<Name extends string, State> {
  readonly kind: "when";
  readonly from: Name | typeof startPoint;
  readonly choose: ConditionData | string | StateFunction<State, Chosen<Name> | boolean>;
  readonly to?: readonly (Name | End)[];
}

/** Is an edge that leads to one of several nodes, by chance, or to the weightiest whose condition holds. */
export interface WeightedEdge<Name extends string, State> {
  readonly kind: "weighted";
  readonly from: Name | typeof startPoint;
  readonly to: { readonly [To in Name | End]?: number };
  readonly by: "chance" | "priority";
  readonly if?: { readonly [To in Name | End]?: Condition<State> };
}

/** Is an edge that leads to one node once for each item of a list; `context.params` holds `item` and `index`. */
export interface EachEdge<Name extends string, State> {
  readonly kind: "each";
  readonly from: Name | typeof startPoint;
  readonly to: Name;
  /** A dotted path of the state, as `{ path }`; a name of the graph's `conditions`; or a function. */
  readonly items: { readonly path: string } | string | StateFunction<State, readonly JsonValue[]>;
}

/** Is an edge of a graph. */
export type Edge<Name extends string, State> =
  | PlainEdge<Name, State>
  | ChoiceEdge<Name, State>
  | WeightedEdge<Name, State>
  | EachEdge<Name, State>;

/** Tells where each node leads: to a node, to several at once, to `end`, or where a function of the state says. */
export type EdgeMap<Name extends string, State> = {
  readonly [From in Name | typeof startPoint]?: Chosen<Name> | StateFunction<State, Chosen<Name>>;
};

/** Is any edge as plain data: functions stand there by their name. */
export type EdgeData =
  | (Omit<PlainEdge<string, never>, "if"> & { readonly if?: ConditionData | string })
  | (Omit<ChoiceEdge<string, never>, "choose"> & { readonly choose: ConditionData | string })
  | (Omit<WeightedEdge<string, never>, "if" | "to"> & {
      readonly to: Readonly<Record<string, number>>;
      readonly if?: Readonly<Record<string, ConditionData | string>>;
    })
  | (Omit<EachEdge<string, never>, "items"> & { readonly items: { readonly path: string } | string });

/** Says when an edge is taken, what goes with it, and which of several goes first. */
export interface EdgeOptions<State> {
  readonly if?: Condition<State>;
  readonly params?: JsonObject;
  readonly priority?: number;
}

/** Makes the edge by which a graph begins; several begin it at several nodes at once. */
export function start<const To extends string, State = unknown>(
  to: To,
  options: EdgeOptions<State> = {},
): PlainEdge<To, State> {
  return { kind: "edge", from: startPoint, to, ...options };
}

/** Makes an edge from one node to another, or to `end`. */
export function edge<const From extends string, const To extends string, State = unknown>(
  from: From,
  to: To,
  options: EdgeOptions<State> = {},
): PlainEdge<From | Exclude<To, End>, State> {
  // "end" is a way of its own, not a name; the compiler cannot see that what is left of it is a name.
  return { kind: "edge", from, to: to as Exclude<To, End> | End, ...options };
}

/**
 * Makes an edge that goes where a function of the state says: to a node, to several, or to `end`. `to` lists where it may lead, so
 * that validation, joins and drawings know. With a condition, as data or by name, `to` is where it leads if it holds, and if not.
 */
export function when<const From extends string, const To extends string, State = unknown>(
  from: From,
  choose: ConditionData | string | StateFunction<State, To | readonly To[] | boolean>,
  to?: readonly To[],
): ChoiceEdge<NoInfer<From> | Exclude<NoInfer<To>, End>, NoInfer<State>> {
  const made = { kind: "when", from, choose, ...(to === undefined ? {} : { to }) };
  // "end" is a way of its own, not a name; the compiler cannot see that what is left of it is a name.
  return made as ChoiceEdge<From | Exclude<To, End>, State>;
}

/**
 * Makes an edge to one of several nodes, each with its weight: by chance, the same in each execution of a run; or, `by: "priority"`,
 * to the weightiest whose condition in `if` holds.
 */
export function oneOf<const From extends string, const To extends string, State = unknown>(
  from: From,
  to: Readonly<Record<To, number>>,
  options: { readonly by?: "chance" | "priority"; readonly if?: { readonly [Name in To]?: Condition<State> } } = {},
): WeightedEdge<NoInfer<From> | Exclude<NoInfer<To>, End>, NoInfer<State>> {
  const { by = "chance", if: conditions } = options;
  // That "end" may be among the names is what the compiler cannot follow here.
  const made = { kind: "weighted", from, to, by, ...(conditions === undefined ? {} : { if: conditions }) };
  return made as WeightedEdge<NoInfer<From> | Exclude<NoInfer<To>, End>, NoInfer<State>>;
}

/**
 * Makes an edge to a node that runs once for each item of a list: a path of the state such as "items", or a function of the state.
 * An empty list goes on with what follows that node.
 */
export function each<State, const From extends string, const To extends string>(
  from: From,
  to: To,
  items: string | StateFunction<State, readonly JsonValue[]>,
): EachEdge<From | To, State> {
  return { kind: "each", from, to, items: typeof items === "string" ? { path: items } : items };
}
