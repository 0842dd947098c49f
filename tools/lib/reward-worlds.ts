import { seededRandom } from "../../src/base/index.ts";

/** Is what one arm does in a world: an offset that is normal, tokens that are log-normal. */
export interface Effect {
  /** Units: debt points. */
  readonly offset: number;
  readonly spread: number;
  /** Units: tokens, the median. */
  readonly tokens: number;
  /** Units: of the logarithm; 0.7 is a factor of two. */
  readonly noise: number;
}

/** Is a world in which arms are chosen. */
export interface World {
  readonly name: string;
  readonly about: string;
  /** Whether choosing by reward is worth it here: by more than 3 in the score of a run, or by less than 1 or not at all. */
  readonly expected: "better" | "hardly";
  readonly rounds: number;
  /** So many rounds pass before a reward is known. */
  readonly delay: number;
  readonly arms: readonly { readonly agent: string; readonly model: string; readonly tools: readonly string[] }[];
  /** Tells what an arm does in a round; `recent` are the arms that were chosen last, for worlds that turn against who is predictable. */
  effect(arm: number, round: number, recent: readonly number[]): Effect;
}

const arm = (agent: string, model = "m/one", tools: readonly string[] = []) => ({ agent, model, tools });
const five = ["ada", "ben", "cyd", "dov", "eve"].map((name) => arm(name));
const effect = (offset: number, tokens: number, noise = 0.4): Effect => ({ offset, spread: 4, tokens, noise });
const usual = [effect(10, 9_000), effect(8, 12_000), effect(6, 20_000), effect(2, 15_000), effect(-4, 10_000)];
const idle = effect(0, 10_000);
const at = (list: readonly Effect[], index: number): Effect =>
  list[((index % list.length) + list.length) % list.length] ?? idle;

/** Deals the usual effects to the arms anew, the same for every policy. */
function dealt(stretch: number, index: number): Effect {
  const random = seededRandom(stretch);
  const order = usual.map((each) => ({ each, place: random.next() })).toSorted((a, b) => a.place - b.place);
  return order[index]?.each ?? idle;
}

const models = [1, 1.7] as const;
const toolOffsets = [9, 6, -2] as const;
const toolSets = [["edit", "test"], ["edit"], ["edit", "shell"]] as const;

/** Lists the worlds of the simulation. */
export const worlds: readonly World[] = [
  {
    name: "stationary",
    about: "five arms, each with an effect of its own",
    expected: "better",
    rounds: 200,
    delay: 0,
    arms: five,
    effect: (index) => at(usual, index),
  },
  {
    name: "models and tools",
    about: "one agent, two models and three sets of tools; one set harms",
    expected: "better",
    rounds: 200,
    delay: 0,
    arms: models.flatMap((_, model) => toolSets.map((tools) => arm("ada", `m/${model}`, tools))),
    effect: (index) => effect(toolOffsets[index % 3] ?? 0, 9_000 * (models[Math.floor(index / 3)] ?? 1)),
  },
  {
    name: "drift",
    about: "the best and the worst change places halfway",
    expected: "better",
    rounds: 200,
    delay: 0,
    arms: five,
    effect: (index, round) => at(usual, round < 100 ? index : 4 - index),
  },
  {
    name: "delayed",
    about: "as stationary, rewards known 20 rounds late",
    expected: "better",
    rounds: 200,
    delay: 20,
    arms: five,
    effect: (index) => at(usual, index),
  },
  {
    name: "bait",
    about: "the arm that is best for 40 rounds harms from then on",
    expected: "better",
    rounds: 200,
    delay: 0,
    arms: five,
    effect: (index, round) => (index === 4 ? effect(round < 40 ? 14 : -8, 8_000) : at(usual, index)),
  },
  {
    name: "equal arms",
    about: "all arms do the same: there is nothing to learn",
    expected: "hardly",
    rounds: 200,
    delay: 0,
    arms: five,
    effect: () => effect(8, 12_000),
  },
  {
    name: "few rounds",
    about: "as stationary, five rounds: each arm is tried once",
    expected: "hardly",
    rounds: 5,
    delay: 0,
    arms: five,
    effect: (index) => at(usual, index),
  },
  {
    name: "token noise",
    about: "offsets differ a little, tokens by a factor of 12 from run to run",
    expected: "hardly",
    rounds: 40,
    delay: 0,
    arms: five,
    effect: (index) => ({ offset: 10 - index * 0.5, spread: 1, tokens: 12_000, noise: 2.5 }),
  },
  {
    name: "heavy drift",
    about: "effects are dealt anew every 3 rounds",
    expected: "hardly",
    rounds: 200,
    delay: 0,
    arms: five,
    effect: (index, round) => dealt(Math.floor(round / 3), index),
  },
  {
    name: "adversary",
    about: "whoever was chosen most in the last 8 rounds harms in the next",
    expected: "hardly",
    rounds: 200,
    delay: 0,
    arms: five,
    effect(index, _, recent) {
      const last = recent.slice(-8);
      const most = Math.max(...five.map((_arm, other) => last.filter((each) => each === other).length));
      return last.filter((each) => each === index).length === most ? effect(-8, 9_000) : effect(8, 12_000);
    },
  },
];
