import { AsyncLocalStorage } from "node:async_hooks";
import type { JsonValue } from "../base/index.ts";
import { baseErrors } from "../base/index.ts";
import type { Activity } from "./activity.ts";
import { failedKeysOf } from "./failed-keys.ts";

/** Stands between a key and that of the step in whose body it is asked for. */
const within = "#in:";

type Outcome = Promise<JsonValue | undefined>;

/** Is the body of a step that is under way. */
interface Scope {
  /** Whose step it is: a run that is started within a step of another is no part of that step. */
  readonly owner: StepScopes;
  /** The body, of another run or of this one, within which it is done. */
  readonly outer: Scope | undefined;
  /** The key of its step. */
  readonly key: string;
  /** How often each name was asked for within; made when the first is. */
  counts: Map<string, number> | undefined;
  /** What was asked for within, for the next attempt of a step that is tried again; undefined when there is none. */
  readonly kept: Map<string, Outcome> | undefined;
  /** How much of what was asked for within is under way. */
  asked: number;
  isOver: boolean;
}

/** Is a step whose body is about to be done. */
export interface ScopedStep {
  readonly key: string;
  /** True when the body may be done again by the same execution. */
  readonly isRetried: boolean;
}

// One for all runs: each step would copy the entries of all others.
const storage = new AsyncLocalStorage<Scope>();

/**
 * Knows in which step's body something is asked for. What a body asks for bears its step's key, so it is the same in each execution,
 * whichever branch comes to it first, and whether or not the body of a step that has its outcome is done again.
 *
 * A body that asks for something waits for it: as long as it does, the step counts for nothing that is under way.
 */
export class StepScopes {
  readonly #activity: Activity;

  constructor(activity: Activity) {
    this.#activity = activity;
  }

  /** The key of the step whose body this is called in, if it is called in one. */
  get key(): string | undefined {
    return this.#scope()?.key;
  }

  /** Gives the innermost body of a step of this run that this is called in. */
  #scope(): Scope | undefined {
    let scope = storage.getStore();
    while (scope !== undefined && scope.owner !== this) scope = scope.outer;
    return scope;
  }

  /** Gives the next key of a name; `own` counts the names that the function itself uses. Errors: invalid_input after the body's end. */
  keyOf(name: string, own: Map<string, number>): string {
    const scope = this.#scope();
    if (scope?.isOver === true) throw overError(scope.key, name);
    const counts = scope === undefined ? own : (scope.counts ??= new Map<string, number>());
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const key = count === 1 ? name : `${name}#${count}`;
    return scope === undefined ? key : `${key}${within}${scope.key}`;
  }

  /** Makes the body of a step one in which things can be asked for. Each attempt asks for the same: what it had is given to it again. */
  bodyOf<Given, T>(
    { key, isRetried }: ScopedStep,
    body: (given: Given) => T | Promise<T>,
  ): (given: Given) => T | Promise<T> {
    const kept = this.#scope()?.kept ?? (isRetried ? new Map<string, Outcome>() : undefined);
    return (given) => {
      const outer = storage.getStore();
      const scope: Scope = { owner: this, outer, key, counts: undefined, kept, asked: 0, isOver: false };
      try {
        const result = storage.run(scope, body, given);
        if (isPromise(result)) return this.#ended(scope, result);
        this.#end(scope);
        return result;
      } catch (error) {
        this.#failed(scope, error);
        throw error;
      }
    };
  }

  async #ended<T>(scope: Scope, result: Promise<T>): Promise<T> {
    try {
      const value = await result;
      this.#end(scope);
      return value;
    } catch (error) {
      this.#failed(scope, error);
      throw error;
    }
  }

  #failed(scope: Scope, error: unknown): void {
    for (const failed of failedKeysOf(error)) scope.kept?.delete(failed);
    this.#end(scope);
  }

  #end(scope: Scope): void {
    scope.isOver = true;
    if (scope.asked > 0) this.#activity.works(1);
  }

  /** Does what a function or a body asks for, or gives what an earlier attempt of the body got. */
  once(key: string, act: () => Outcome): Outcome {
    const scope = this.#scope();
    return scope === undefined ? act() : this.#onceIn(scope, key, act);
  }

  async #onceIn(scope: Scope, key: string, act: () => Outcome): Outcome {
    const earlier = scope.kept?.get(key);
    const asked = earlier ?? act();
    scope.kept?.set(key, asked);
    if (scope.asked++ === 0) this.#activity.works(-1);
    try {
      return await asked;
    } finally {
      if (--scope.asked === 0 && !scope.isOver) this.#activity.works(1);
    }
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** Tells whether something was asked for in the body of a step, or of a step in there. */
export function isWithin(key: string, step: string): boolean {
  return key.endsWith(`${within}${step}`);
}

function overError(step: string, name: string): Error {
  const message = `The step ${step} has ended; what its body left running asked for ${JSON.stringify(name)}.`;
  return baseErrors.create("invalid_input", `${message} Await within the body what it begins.`, {
    details: { step, name },
  });
}
