import type { Message } from "../providers/index.ts";

/** Says whose memory is meant. Different tenants share nothing. */
export interface MemoryScope {
  readonly agent: string;
  readonly tenant?: string | undefined;
  /** Names a conversation; without it only facts that are pinned for every conversation are meant. */
  readonly thread?: string | undefined;
  /** Names the run that asks: what is remembered twice for one run is kept once. */
  readonly runId: string;
}

/** Is what an agent knows before it begins. Order: `history` oldest first. */
export type Recollection = {
  readonly history: readonly Message[];
  /** Stand in the agent's instructions; none is dropped, unless the agent's window says so. */
  readonly facts: readonly string[];
};

/** Is what a run leaves to be remembered. */
export interface Remembered {
  readonly goal: string;
  readonly answer: string;
}

/** Is what each call of a memory is given: `signal` aborts when nobody waits for it any more. */
export interface MemoryCall {
  readonly signal: AbortSignal;
}

/**
 * Keeps what agents know from one run to the next. Both are called once in a run, as steps: what was recalled is the same in a
 * replay, and what is remembered may come twice after a crash, with the same `runId`.
 */
export interface Memory {
  recall(scope: MemoryScope, goal: string, options: MemoryCall): Promise<Recollection>;
  remember(scope: MemoryScope, result: Remembered, options: MemoryCall): Promise<void>;
}

/** Is a fact that is pinned: it is known in every run that it concerns, until it is taken away. Units: `at` ms since the Unix epoch. */
export interface PinnedFact {
  readonly id: string;
  readonly text: string;
  readonly at: number;
}

/** Says which facts are meant: those of a thread, or without one those of every conversation of the tenant. */
export interface FactScope {
  readonly tenant?: string | undefined;
  readonly thread?: string | undefined;
}

/** Is a memory over the database, with conversations by thread and facts that are pinned. */
export interface DurableMemory extends Memory {
  recall(scope: MemoryScope, goal: string): Promise<Recollection>;
  remember(scope: MemoryScope, result: Remembered): Promise<void>;
  /** Pins a fact; the same text in the same scope is one fact. Gives its id. Errors: invalid_input for no text, or too long a one. Errors: invalid_input for no text, or one above 10,000 characters. */
  pin(fact: string, scope?: FactScope): Promise<string>;
  /** Takes a fact away; tells whether there was one. */
  unpin(id: string): Promise<boolean>;
  /** Lists facts, those of every conversation first. Order: oldest first. */
  facts(scope?: FactScope): Promise<readonly PinnedFact[]>;
  /** Forgets a conversation, with its facts. */
  forget(thread: string, tenant?: string): Promise<void>;
}
