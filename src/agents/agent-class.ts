import type { Schema, SchemaOutput } from "../base/index.ts";
import type { AnyTool, ToolContext, ToolOptions } from "../tools/index.ts";
import { tool } from "../tools/index.ts";
import type { Agent, AgentOptions } from "./agent.ts";
import { agent } from "./agent.ts";
import { agentErrors } from "./errors.ts";

/** Is what can be said of a method that is a tool: all that `tool()` takes but what it does. Its name is the method's own where none is given. */
export type ToolMethodOptions<Input extends Schema, Output> = Omit<ToolOptions<Input, Output>, "name" | "run"> & {
  readonly name?: string;
};

/** Is a method as a tool calls it. */
type ToolFunction<This, Input extends Schema, Output> = (
  this: This,
  input: SchemaOutput<Input>,
  context: ToolContext,
) => Output | Promise<Output>;

/** Is a class whose objects are made without arguments. */
type PlainClass = new () => object;

// Named in the registry of symbols: two copies of this package in one program then know each other's classes.
const methodMark = Symbol.for("atlas.tool-method");
const classMark = Symbol.for("atlas.agent-class");

/**
 * Makes a tool of a method: as a standard decorator, `@toolMethod({ input }) weather(…) {…}`, or as a function,
 * `weather = toolMethod({ input })(function weather(…) {…})`.
 *
 * @example examples/agent-class.ts
 */
export function toolMethod<Input extends Schema, Output = unknown>(options: ToolMethodOptions<Input, Output>) {
  return <This, Method extends ToolFunction<This, Input, Output>>(
    method: Method,
    context?: ClassMethodDecoratorContext<This>,
  ): Method => {
    const name = options.name ?? (context === undefined ? method.name : String(context.name));
    Object.defineProperty(method, methodMark, { value: { ...options, name } });
    return method;
  };
}

/**
 * Makes an agent of a class: as a standard decorator, `@agentClass({ name }) class Guide {…}`, or as a function,
 * `const Guide = agentClass({ name })(class {…})`. Its methods that are tools are added to `tools`. `agentOf(Guide)` gives the agent, and so does a module that exports the class.
 *
 * @example examples/agent-class.ts
 */
export function agentClass<Output = string>(options: AgentOptions<Output>) {
  return <Class extends abstract new (...args: never) => object>(
    value: Class,
    _context?: ClassDecoratorContext<Class>,
  ): Class => {
    Object.defineProperty(value, classMark, { value: options });
    return value;
  };
}

/** Tells whether a value is a class that `agentClass` made an agent of. */
export function isAgentClass(value: unknown): value is PlainClass {
  return typeof value === "function" && Object.hasOwn(value, classMark);
}

/**
 * Gives the agent of a class that `agentClass` made one of, or of an object of such a class: its methods that are tools are
 * called on that object.
 *
 * Errors: agent_invalid for any other value; those of `agent` and `tool`.
 */
export function agentOf(value: object): Agent<unknown> {
  const self = isAgentClass(value) ? new value() : value;
  const options = optionsOf(self);
  if (options === undefined) {
    throw agentErrors.create("agent_invalid", "This is no object of a class that agentClass made an agent of.");
  }
  return agent<unknown>({ ...options, tools: [...(options.tools ?? []), ...toolsOf(self)] });
}

function optionsOf(self: object): AgentOptions<unknown> | undefined {
  const made: unknown = self.constructor;
  return isAgentClass(made) ? (Reflect.get(made, classMark) as AgentOptions<unknown>) : undefined;
}

/** Gathers what is marked on the object and what it inherits; the nearest of a name counts. */
function toolsOf(self: object): readonly AnyTool[] {
  const found = new Map<PropertyKey, AnyTool | undefined>();
  for (let level: object | null = self; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    for (const key of Reflect.ownKeys(level)) {
      if (found.has(key)) continue;
      const value: unknown = Object.getOwnPropertyDescriptor(level, key)?.value;
      found.set(key, typeof value === "function" ? toolOf(self, value, String(key)) : undefined);
    }
  }
  return [...found.values()].filter((each) => each !== undefined);
}

function toolOf(self: object, method: object, key: string): AnyTool | undefined {
  if (!Object.hasOwn(method, methodMark)) return undefined;
  const options = Reflect.get(method, methodMark) as Omit<ToolOptions<Schema, unknown>, "run">;
  const run = method as ToolFunction<object, Schema, unknown>;
  const name = options.name === "" ? key : options.name;
  return tool({ ...options, name, run: (input, context) => run.call(self, input, context) });
}
