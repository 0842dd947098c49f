import type { JsonValue, Schema, SchemaInput, SchemaOutput } from "../base/index.ts";
import { isVersion, isVersionRange } from "../base/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { toolErrors } from "./errors.ts";

/** Is what a tool gets beside its input. */
export interface ToolContext {
  readonly runId: string;
  readonly callId: string;
  /** The same for every attempt of this call, also after a crash: hand it to whatever must not be done twice. */
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Reports progress; lands in the run's event log as `tool.progressed`. */
  readonly progress: (data: JsonValue) => void;
}

/**
 * Says what becomes of a call that a crash cut off, so that nobody knows whether the tool did its work: it is called again with the
 * same idempotency key, it waits until a person decides, or the model is told that its outcome is unknown.
 */
export type UnknownToolOutcome = "retry" | "park" | "fail";

/** Is one call of a tool for its documentation. */
export interface ToolExample<Input = unknown, Output = unknown> {
  readonly title?: string;
  readonly input: Input;
  readonly output?: Output;
}

/** Is what is told of a tool to whoever chooses, allows or reads about it. */
interface ToolFacts {
  readonly name: string;
  readonly description: string;
  /** Is a semantic version, `1.0.0` where none was given. */
  readonly version: string;
  /** Other tools that an agent must have beside it: name, and range of versions. */
  readonly requires: Readonly<Record<string, string>>;
  /** What a policy must allow before it is called: `fs:read`, `net`, `shell`, or words of the program's own. */
  readonly permissions: readonly string[];
  /** `retrieval` marks a tool that searches documents: `{ query }` in, `{ passages }` out. */
  readonly purpose: "retrieval" | "action";
  readonly timeoutMs: number;
  readonly onUnknown?: UnknownToolOutcome | undefined;
  /** Whether a second call with the same idempotency key does nothing more; undefined where nobody said. */
  readonly idempotent?: boolean | undefined;
  /** Whether a person is asked before a call; `sometimes` where it depends on the input. */
  readonly approval: "never" | "always" | "sometimes";
  readonly examples: readonly ToolExample[];
  /** Whether a call of it that succeeds is the last thing an agent does. */
  readonly ends?: boolean | undefined;
}

/** Is a tool as agents hold it. Made by `tool()`. */
export interface Tool<Input extends Schema = Schema, Output = unknown> extends ToolFacts {
  readonly kind: "tool";
  readonly input: Input;
  readonly output?: Schema<unknown, Output> | undefined;
  // Methods, not properties: tools of any input then fit in one list.
  /** Tells whether a person is asked before this call. */
  needsApproval(input: SchemaOutput<Input>): boolean | Promise<boolean>;
  run(input: SchemaOutput<Input>, context: ToolContext): Output | Promise<Output>;
}

/** Is any tool, whatever its types. */
export type AnyTool = Tool;

/** Is what can be said of a tool beside what it does; all of it may be left out. */
interface ToolTraits<Input extends Schema, Output> {
  /** A semantic version; `1.0.0` by default. */
  readonly version?: string;
  /** Other tools that an agent must have beside it, each with a range of versions: `{ search: "^1.2.0" }`. */
  readonly requires?: Readonly<Record<string, string>>;
  /** What an agent's or the program's policy must allow, else the call is refused: `fs:read`, `net`, `shell`, or words of your own. */
  readonly permissions?: readonly string[];
  /** Says that a second call with the same idempotency key does nothing more; `false` makes `fail` the default of `onUnknown`. */
  readonly idempotent?: boolean;
  /** Asks a person before each call, or before those whose input it tells. */
  readonly approval?: boolean | ((input: SchemaOutput<Input>) => boolean | Promise<boolean>);
  /** Ends the agent's run with the first call that succeeds: what the tool gives is the output then, whatever the agent's schema. */
  readonly ends?: boolean;
  /** Calls for the documentation; they are checked against the schemas when it is written. */
  readonly examples?: readonly ToolExample<SchemaInput<Input>, NoInfer<Output>>[];
}

/** Is what a user writes to define a tool. */
export interface ToolOptions<Input extends Schema, Output> extends ToolTraits<Input, Output> {
  /** 1 to 64 letters, digits, `_` or `-`: what every provider accepts. */
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description?: string;
  readonly input: Input;
  /** Checks what the tool returns. */
  readonly output?: Schema<unknown, Output>;
  readonly purpose?: "retrieval" | "action";
  /** Units: milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
  /** For tools that change the world: their calls are in the run's ledger of effects. Without it a call that was cut off is made again. */
  readonly onUnknown?: UnknownToolOutcome;
  readonly run: (input: SchemaOutput<Input>, context: ToolContext) => Output | Promise<Output>;
}

/**
 * Defines a tool that agents can call.
 *
 * Errors: tool_invalid for a name that providers refuse, a limit that no call can keep, or a version, range or permission that is none.
 * @example examples/first-agent.ts
 */
export function tool<Input extends Schema, Output>(options: ToolOptions<Input, Output>): Tool<Input, Output> {
  const { name, description = "", input, output, purpose = "action", timeoutMs = 60_000, run } = options;
  const {
    version = "1.0.0",
    requires = {},
    permissions = [],
    idempotent,
    approval = false,
    examples = [],
    ends,
  } = options;
  const problem = findProblem({ name, timeoutMs, version, requires, permissions });
  if (problem !== undefined) throw toolErrors.create("tool_invalid", problem, { details: { tool: name } });
  const onUnknown = options.onUnknown ?? (idempotent === false ? "fail" : undefined);
  return {
    kind: "tool",
    name,
    description,
    version,
    requires,
    permissions,
    input,
    output,
    purpose,
    timeoutMs,
    onUnknown,
    idempotent,
    approval: typeof approval === "function" ? "sometimes" : approval ? "always" : "never",
    examples,
    ends,
    needsApproval: typeof approval === "function" ? approval : () => approval,
    run,
  };
}

type Checked = Pick<ToolFacts, "name" | "timeoutMs" | "version" | "requires" | "permissions">;

function findProblem({ name, timeoutMs, version, requires, permissions }: Checked): string | undefined {
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    return `The tool name ${JSON.stringify(name)} must be 1 to 64 letters, digits, "_" or "-".`;
  }
  if (!(timeoutMs > 0)) return `The timeoutMs of the tool ${name} must be a number above 0.`;
  if (!isVersion(version)) {
    return `The version ${JSON.stringify(version)} of the tool ${name} must be a semantic version, as in "1.0.0".`;
  }
  for (const [other, range] of Object.entries(requires)) {
    if (!isVersionRange(range))
      return `The tool ${name} requires ${other} in ${JSON.stringify(range)}, which is no range of versions, as in "^1.2.0".`;
  }
  const odd = permissions.find((each) => !isPermission(each));
  return odd === undefined
    ? undefined
    : `The permission ${JSON.stringify(odd)} of the tool ${name} must be words of letters, digits, "_", "." or "-" with ":" between, as in "fs:read".`;
}

/** Tells whether a text can name a permission, as in `net` or `fs:read`. */
export function isPermission(text: string): boolean {
  return /^[\w.-]{1,64}(?::[\w.-]{1,64}){0,7}$/.test(text);
}
