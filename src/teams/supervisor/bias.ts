import { z } from "zod";
import type { BiasWish } from "./role-answer.ts";
import type { RoleMemory } from "./role-memory.ts";
import type { RoleName } from "./role.ts";

/** Is a correction that is in force. Units: rounds. */
export type Bias = {
  readonly id: string;
  readonly role: RoleName;
  readonly wish: BiasWish;
  readonly from: number;
  /** The last round in which it holds. */
  readonly until: number;
};

/** Reads what is decided about a wish. `revoke` takes back corrections that were granted before. */
export const biasDecision = z.object({
  decision: z.enum(["grant", "adapt", "refuse"]),
  reason: z.string().default(""),
  /** With `adapt`: what is granted instead; texts, notes or names of tools, as the target has them. */
  wanted: z.union([z.string(), z.array(z.string())]).optional(),
  revoke: z.array(z.string()).default([]),
});

/** Is what is decided about a wish. */
export type BiasDecision = z.input<typeof biasDecision>;

/** Is what whoever decides about a wish is told. */
export type BiasRequest = {
  readonly role: RoleName;
  readonly round: number;
  readonly wish: BiasWish;
  readonly inForce: readonly Bias[];
  /** How many more may be granted in this run. */
  readonly left: number;
};

/** Bounds corrections. Units: `max` for the whole run, `maxRequests` that are listened to, `maxChars` of one, `rounds` that one holds. */
export interface BiasLimits {
  readonly max: number;
  readonly maxRequests: number;
  readonly maxChars: number;
  readonly rounds: number;
}

/** Keeps the corrections of a run. */
export interface Biases {
  /** Gives why a wish cannot be granted, whatever the policy says; undefined when it can. */
  bound(wish: BiasWish): string | undefined;
  readonly left: number;
  grant(role: RoleName, wish: BiasWish, round: number): Bias;
  revoke(ids: readonly string[]): readonly Bias[];
  /** Ends what does not hold in this round any more. */
  expire(round: number): readonly Bias[];
  of(role: RoleName): readonly Bias[];
}

/** Makes an empty list of corrections. */
export function createBiases({ max, maxChars, rounds }: BiasLimits): Biases {
  let inForce: readonly Bias[] = [];
  let granted = 0;
  const end = (isOver: (bias: Bias) => boolean): readonly Bias[] => {
    const over = inForce.filter(isOver);
    inForce = inForce.filter((bias) => !over.includes(bias));
    return over;
  };
  return {
    bound(wish) {
      if (granted >= max) return `No more than ${max} corrections are granted in a run.`;
      const size = sizeOf(wish);
      return size > maxChars ? `A correction has at most ${maxChars} characters; this has ${size}.` : undefined;
    },
    get left() {
      return Math.max(0, max - granted);
    },
    grant(role, wish, round) {
      const bias: Bias = { id: `b${++granted}`, role, wish, from: round, until: round + rounds };
      inForce = [...inForce, bias];
      return bias;
    },
    revoke: (ids) => end(({ id }) => ids.includes(id)),
    expire: (round) => end(({ until }) => until < round),
    of: (role) => inForce.filter((bias) => bias.role === role),
  };
}

/** Is what a role is given after its corrections: they lie over its own, so that taking one back brings back what was before. */
export interface Corrected {
  readonly instructions: readonly string[];
  readonly memory: RoleMemory;
  /** Undefined: all of its tools. */
  readonly tools: readonly string[] | undefined;
}

/** Applies corrections to what a role has. Order: as they were granted; of several about tools, the last. */
export function correct(memory: RoleMemory, biases: readonly Bias[]): Corrected {
  const instructions: string[] = [];
  let notes = memory.notes;
  let tools: readonly string[] | undefined;
  for (const { id, wish, from } of biases) {
    if (wish.target === "instructions") instructions.push(wish.wanted);
    else if (wish.target === "tools") tools = wish.wanted;
    else {
      const added = wish.wanted.map((text, index) => ({ id: `${id}.${index + 1}`, text, round: from }));
      notes = [...notes.filter((note) => !wish.forget.includes(note.id)), ...added];
    }
  }
  // What was said is forgotten with a note's id too: the rest of the memory stays as it is.
  return { instructions, memory: { ...memory, notes }, tools };
}

/** Puts what is granted in the place of what was wanted. Gives nothing where it does not fit the target. */
export function adapted(wish: BiasWish, wanted: BiasDecision["wanted"]): BiasWish | undefined {
  if (wanted === undefined) return undefined;
  if (wish.target === "instructions")
    return typeof wanted === "string" && wanted.trim() !== "" ? { ...wish, wanted } : undefined;
  return Array.isArray(wanted) ? { ...wish, wanted } : undefined;
}

/** Decides where no policy is given: whoever checks the work does not choose by what it is checked; the rest is granted. */
export function defaultPolicy({ role, wish }: BiasRequest): BiasDecision {
  if (role === "feedback" && wish.target === "instructions")
    return { decision: "refuse", reason: "The instructions of the role that checks are not changed at its own wish." };
  return { decision: "grant", reason: "It is within the bounds." };
}

function sizeOf(wish: BiasWish): number {
  return typeof wish.wanted === "string" ? wish.wanted.length : wish.wanted.reduce((sum, each) => sum + each.length, 0);
}
