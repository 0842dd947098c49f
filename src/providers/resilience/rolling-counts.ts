/** Counts things by kind over the last while. Units: `nowMs` on any clock that never goes back. */
export interface RollingCounts<Kind extends string> {
  add(kind: Kind, nowMs: number): void;
  count(kind: Kind, nowMs: number): number;
  clear(): void;
}

const slots = 20;

/**
 * Makes rolling counts. Cost: 20 slots, however many are counted; what is older than the window leaves at the latest one
 * slot (a twentieth of the window) after its time.
 */
export function createRollingCounts<Kind extends string>(windowMs: number): RollingCounts<Kind> {
  const slotMs = windowMs / slots;
  let ring: { slot: number; counts: Map<Kind, number> }[] = [];
  const current = (nowMs: number): number => Math.floor(nowMs / slotMs);
  return {
    add(kind, nowMs) {
      const slot = current(nowMs);
      let last = ring.at(-1);
      if (last?.slot !== slot) {
        last = { slot, counts: new Map() };
        ring.push(last);
        if (ring.length > slots + 1) ring.shift();
      }
      last.counts.set(kind, (last.counts.get(kind) ?? 0) + 1);
    },
    count(kind, nowMs) {
      const oldest = current(nowMs) - slots;
      let sum = 0;
      for (const { slot, counts } of ring) if (slot >= oldest) sum += counts.get(kind) ?? 0;
      return sum;
    },
    clear() {
      ring = [];
    },
  };
}
