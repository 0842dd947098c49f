import type { Clock, JsonValue } from "../base/index.ts";
import { baseErrors } from "../base/index.ts";
import type { Activity } from "./activity.ts";
import { noteFailure } from "./failed-keys.ts";
import type { Gate } from "./gate.ts";
import type { RecordedSteps } from "./recorded-steps.ts";
import { replay } from "./recorded-steps.ts";
import { StepScopes } from "./step-scopes.ts";

/** Is what replaying works with. */
export interface ReplayOptions {
  readonly recorded: RecordedSteps;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly activity: Activity;
}

/** Names the things that a function asks for, in the order of asking, and gives out their recorded outcomes. */
export interface Replay {
  /** The bodies of steps that are under way. */
  readonly scopes: StepScopes;
  /** How often the function itself used each name. */
  readonly counts: ReadonlyMap<string, number>;
  checkpoints(): number;
  countCheckpoint(): void;
  /** Tells whether the function still asks for what the log holds. */
  isActive(): boolean;
  /** Gives the key of the next thing of a name. Errors: invalid_input for a name that holds "#". */
  keyOf(name: string): string;
  /** The same for the engine's own names, which begin with "#". */
  ownKeyOf(name: string): string;
  /** Gives the recorded outcome under this key, or does the thing, once the run's gate is open. */
  once(key: string, act: () => Promise<JsonValue | undefined>): Promise<JsonValue | undefined>;
  /** While recorded work is given out, time is when it was done, so that code that looks at it decides as it did. */
  readonly clock: Clock;
}

/** No step can have this name: names hold no "#". */
const checkpointCount = "#checkpoint";

/** Makes the replay of a run's log. */
export function createReplay({ signal, recorded, clock, gate, activity }: ReplayOptions): Replay {
  const scopes = new StepScopes(activity);
  const counts = new Map<string, number>(Object.entries(recorded.counts));
  let replayedAt = 0;
  let asksForNew = false;
  // A result that nobody asks for again would otherwise keep a run replaying for ever.
  const isActive = (): boolean => !asksForNew && recorded.left > 0;
  const ownKeyOf = (name: string): string => scopes.keyOf(name, counts);
  const once: Replay["once"] = async (key, act) => {
    signal.throwIfAborted();
    const outcome = recorded.take(key);
    try {
      if (outcome === undefined) {
        asksForNew = true;
        const passed = gate.passed(signal);
        if (passed !== undefined) await passed;
        return await act();
      }
      replayedAt = outcome.at;
      return replay(outcome);
    } catch (error) {
      noteFailure(error, key);
      throw error;
    }
  };
  return {
    scopes,
    counts,
    checkpoints: () => counts.get(checkpointCount) ?? 0,
    countCheckpoint: () => void ownKeyOf(checkpointCount),
    isActive,
    keyOf(name) {
      assertPlainName(name);
      return ownKeyOf(name);
    },
    ownKeyOf,
    once: (key, act) => (scopes.key === undefined ? once(key, act) : scopes.once(key, () => once(key, act))),
    clock:
      recorded.left === 0 ? clock : { ...clock, now: () => (isActive() && replayedAt > 0 ? replayedAt : clock.now()) },
  };
}

const longestName = 300;

/**
 * Refuses names that hold "#", which numbers what has one name and marks what is the engine's own, and those that no database keeps.
 * Errors: invalid_input.
 */
export function assertPlainName(name: string): void {
  if (name.includes("#"))
    throw invalidName(
      `The name ${JSON.stringify(name.slice(0, longestName))} holds "#", which numbers steps of one name.`,
    );
  if (name.length > longestName)
    throw invalidName(
      `A name has ${name.length} characters; it may have ${longestName}. What varies belongs in the input.`,
    );
  if (name.includes("\0")) throw invalidName("A name holds the character U+0000, which databases refuse.");
}

function invalidName(message: string): Error {
  return baseErrors.create("invalid_input", message);
}
