import type { CliIo } from "./io.ts";
import type { Interrupt } from "./interrupt.ts";
import type { Screen } from "./screen.ts";

/** Are the options that every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly storage?: string;
  readonly profile?: string;
}

/** Is one call of a command: what was typed, and the world to work in. */
export interface Call<Options = object> {
  readonly args: readonly string[];
  readonly options: Options & CommonOptions;
  readonly io: CliIo;
  readonly screen: Screen;
  readonly interrupt: Interrupt;
}

/** Carries out a command and gives the exit code. */
export type Action<Options = object> = (call: Call<Options>) => Promise<number>;

/** Describes an option. `list` collects values, `count` wants a whole number, `amount` a number from 0 on. */
export interface OptionSpec {
  readonly flags: string;
  readonly description: string;
  readonly form?: "list" | "count" | "amount";
}

/** Describes a command, so that help needs nothing but this. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** As commander writes them: `<query>`, `[goal...]`. */
  readonly args: readonly (readonly [name: string, description: string])[];
  readonly options: readonly OptionSpec[];
  readonly examples?: readonly string[];
  readonly commands?: readonly CommandSpec[];
  /** Loads what carries the command out. The options have the form that `options` describes. */
  readonly load?: () => Promise<Action<never>>;
}
