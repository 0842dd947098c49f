import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../../src/base/index.ts";
import type { Fleet, MemberName } from "./fleet.ts";

/** Is something that goes wrong on purpose; `weight` is how often it is chosen among the others. */
export interface Fault {
  readonly name: string;
  readonly weight: number;
  strike(random: Random): Promise<void> | void;
}

/** Units: the pause between two faults, on average; how far a wall clock jumps at most. */
const pauseMs = 170;
export const maxJumpMs = 3_600_000;

/** Makes the faults that hit processes: kill -9, pauses shorter and longer than a lease, jumps of the wall clock. */
export function processFaults(fleet: Fleet, note: (fault: string) => void): Fault[] {
  const pick = (random: Random, names: readonly MemberName[]): MemberName =>
    names[Math.floor(random.next() * names.length)] ?? "";
  const workers = (): readonly MemberName[] => fleet.names.filter((name) => name !== "server");
  const freeze = async (random: Random, ms: number): Promise<void> => {
    const name = pick(random, workers());
    if (!fleet.freeze(name)) return;
    note(`${name} stands still for ${Math.round(ms)} ms`);
    await delay(ms);
    fleet.thaw(name);
  };
  return [
    {
      name: "kill -9 of a worker",
      weight: 60,
      // The first ones are hit more often, so that there is nearly always one that lives long enough to take over.
      strike: (random) => void fleet.kill(workers()[Math.floor(random.next() ** 2 * workers().length)] ?? ""),
    },
    { name: "kill -9 of the server", weight: 7, strike: () => void fleet.kill("server") },
    { name: "a short pause", weight: 4, strike: (random) => freeze(random, 50 + random.next() * 1_500) },
    {
      name: "a pause beyond the lease",
      weight: 0.6,
      strike: (random) => freeze(random, 11_500 + random.next() * 2_500),
    },
    {
      name: "a jump of the wall clock",
      weight: 5,
      // Mostly by seconds; now and then by up to an hour, forward or back.
      strike: (random) =>
        fleet.jump(
          pick(random, fleet.names),
          Math.round((random.next() * 2 - 1) * (random.next() < 0.8 ? 5_000 : maxJumpMs)),
        ),
    },
  ];
}

/** Lets faults strike at random moments until it is stopped. */
export async function strikeUntil(stop: AbortSignal, faults: readonly Fault[], random: Random): Promise<void> {
  const total = faults.reduce((sum, { weight }) => sum + weight, 0);
  const struck = new Set<Promise<void>>();
  while (!stop.aborted) {
    await delay(-Math.log(1 - random.next()) * pauseMs, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
    let left = random.next() * total;
    const fault = faults.find(({ weight }) => (left -= weight) < 0);
    const strike = Promise.resolve(fault?.strike(random)).finally(() => struck.delete(strike));
    struck.add(strike);
  }
  await Promise.allSettled(struck);
}
