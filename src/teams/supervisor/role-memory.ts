import type { RoleName } from "./role.ts";
import { roleNames } from "./role.ts";

/** Is something that a role keeps for itself. */
export interface Note {
  readonly id: string;
  readonly text: string;
  readonly round: number;
}

/** Is what one role remembers: notes of its own, and the last of what it was told and said. No other role sees it. */
export interface RoleMemory {
  readonly notes: readonly Note[];
  readonly said: readonly { readonly round: number; readonly told: string; readonly answer: string }[];
}

/** Keeps the memories of the roles, each apart. It is made anew out of the run's log when a run is taken up. */
export interface Memories {
  of(role: RoleName): RoleMemory;
  /** Gives the notes that were added; the oldest make room for them. */
  note(role: RoleName, texts: readonly string[], round: number): readonly Note[];
  hear(role: RoleName, exchange: RoleMemory["said"][number]): void;
}

/** Bounds a memory. Units: characters for each text. */
export interface MemoryLimits {
  readonly notes: number;
  readonly exchanges: number;
  readonly chars: number;
}

/** Makes empty memories. */
export function createMemories({ notes, exchanges, chars }: MemoryLimits): Memories {
  const kept = new Map<RoleName, RoleMemory>(roleNames.map((name) => [name, { notes: [], said: [] }]));
  let count = 0;
  const of = (role: RoleName): RoleMemory => kept.get(role) ?? { notes: [], said: [] };
  return {
    of,
    note(role, texts, round) {
      const memory = of(role);
      const known = new Set(memory.notes.map(({ text }) => text));
      const fresh = [...new Set(texts.map((text) => cut(text, chars)))].filter((text) => !known.has(text));
      const added = fresh.slice(-notes).map((text): Note => ({ id: `n${++count}`, text, round }));
      kept.set(role, { ...memory, notes: [...memory.notes, ...added].slice(-notes) });
      return added;
    },
    hear(role, { round, told, answer }) {
      const memory = of(role);
      const exchange = { round, told: cut(told, chars), answer: cut(answer, chars) };
      kept.set(role, { ...memory, said: [...memory.said, exchange].slice(-exchanges) });
    },
  };
}

/** Shortens a text and says that it did. */
export function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars)} […]`;
}
