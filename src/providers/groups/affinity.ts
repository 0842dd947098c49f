import type { Clock } from "../../base/index.ts";
import type { AffinityOptions } from "./group-options.ts";

/** Remembers which member answered a session last. Bounded: the session that was not used for longest goes first. */
export interface Affinity<Member> {
  get(session: string): Member | undefined;
  /** Pins a session, or moves its pin, and begins its time anew. */
  pin(session: string, member: Member): void;
  readonly size: number;
}

/** Makes an empty memory. Cost: constant for each call. */
export function createAffinity<Member>(
  { ttlMs, maxSessions = 10_000 }: AffinityOptions,
  clock: Clock,
): Affinity<Member> {
  const pins = new Map<string, { readonly member: Member; readonly untilMs: number }>();
  return {
    get size() {
      return pins.size;
    },
    get(session) {
      const pin = pins.get(session);
      if (pin === undefined) return undefined;
      if (clock.monotonic() < pin.untilMs) return pin.member;
      pins.delete(session);
      return undefined;
    },
    pin(session, member) {
      // A map keeps the order of insertion: what is set anew goes to its end.
      pins.delete(session);
      pins.set(session, { member, untilMs: clock.monotonic() + ttlMs });
      const [oldest] = pins.keys();
      if (pins.size > maxSessions && oldest !== undefined) pins.delete(oldest);
    },
  };
}
