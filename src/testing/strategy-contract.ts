import assert from "node:assert/strict";
import { seededRandom } from "../base/index.ts";
import { userMessage } from "../providers/index.ts";
import type { CallView, CandidateMember, MemberStats, ModelCapabilities, Strategy } from "../providers/index.ts";
import type { ContractCase } from "./contract.ts";

/** Is a strategy under test: a new one each time, so that two of them can be compared. */
export interface StrategySubject {
  readonly make: () => Strategy;
}

const capabilities: ModelCapabilities = {
  contextTokens: null,
  maxOutputTokens: null,
  tools: "parallel",
  structuredOutput: "native",
  files: [],
  reasoning: false,
  prefill: false,
  promptCaching: "automatic",
  pauseEffect: "delivery",
  cost: "metered",
};

const unseen: MemberStats = {
  inFlight: 0,
  calls: 0,
  failureRate: 0,
  successesInRow: 0,
  firstPartMs: null,
  tokensPerSecond: null,
};

/** Makes a member for the tests of strategies: alike but for what is named. */
export function contractCandidate(index: number, differs: Partial<CandidateMember> = {}): CandidateMember {
  return {
    id: `p${index}/m`,
    index,
    weight: 1,
    capabilities,
    strengths: {},
    stats: unseen,
    expectedCostMicroUsd: 100,
    ...differs,
  };
}

/** Makes a call for the tests of strategies. Units: as CallView. */
export function contractView(seed: number, differs: Partial<CallView> = {}): CallView {
  return {
    request: { messages: [userMessage("Why does bread rise?")] },
    task: undefined,
    inputTokens: 100,
    outputTokens: 100,
    random: seededRandom(seed),
    nowMs: 0,
    ...differs,
  };
}

/** Draws members of every kind: known and unknown, busy and idle, failing and sound, dear and without a price. */
function someCandidates(seed: number): readonly CandidateMember[] {
  const random = seededRandom(seed);
  const some = (most: number): number => Math.floor(random.next() * most);
  return Array.from({ length: some(6) }, (_, index) => {
    const calls = some(50);
    const stats: MemberStats = {
      inFlight: some(4),
      calls,
      failureRate: calls === 0 ? 0 : random.next(),
      successesInRow: some(calls),
      firstPartMs: calls === 0 ? null : some(2_000),
      tokensPerSecond: calls === 0 ? null : some(200),
    };
    const expectedCostMicroUsd = some(4) === 0 ? null : some(1_000);
    return contractCandidate(index, {
      stats,
      expectedCostMicroUsd,
      weight: some(4),
      strengths: { code: random.next() },
    });
  });
}

/** Holds what every strategy must do, whatever it decides by. */
export const strategyContract: readonly ContractCase<StrategySubject>[] = [
  {
    name: "nothing to choose from is no choice",
    async run({ make }) {
      assert.deepEqual(make().rank([], contractView(1)), []);
    },
  },
  {
    name: "it has a name, a reason for each place and a score that is a number",
    async run({ make }) {
      const strategy = make();
      assert.notEqual(strategy.name, "");
      for (const { reason, score } of strategy.rank([contractCandidate(0), contractCandidate(1)], contractView(1))) {
        assert.notEqual(reason, "");
        assert(!Number.isNaN(score), "the score is NaN");
      }
    },
  },
  {
    name: "it ranks only what it was given, each once",
    async run({ make }) {
      const strategy = make();
      for (let seed = 1; seed <= 200; seed++) {
        const given = someCandidates(seed);
        const ranked = strategy.rank(given, contractView(seed, { task: "code" })).map(({ candidate }) => candidate);
        assert.equal(new Set(ranked).size, ranked.length, "a candidate is there twice");
        assert(
          ranked.every((candidate) => given.includes(candidate)),
          "a candidate was not given",
        );
      }
    },
  },
  {
    name: "it leaves the list that it was given as it is",
    async run({ make }) {
      const given = Object.freeze([contractCandidate(2), contractCandidate(0), contractCandidate(1)]);
      make().rank(given, contractView(1));
    },
  },
  {
    name: "the same seed and the same calls give the same choices",
    async run({ make }) {
      const choices = (): readonly string[] => {
        const strategy = make();
        const random = seededRandom(7);
        return Array.from({ length: 100 }, (_, seed) => {
          const ranked = strategy.rank(someCandidates(seed), contractView(1, { random }));
          return ranked.map(({ candidate }) => candidate.id).join();
        });
      };
      assert.deepEqual(choices(), choices());
    },
  },
  {
    name: "a single member whose price is known is always chosen",
    async run({ make }) {
      const strategy = make();
      const stats = { ...unseen, calls: 20, failureRate: 1, inFlight: 9 };
      const only = contractCandidate(3, { stats, weight: 0 });
      for (let seed = 1; seed <= 50; seed++) {
        assert.equal(strategy.rank([only], contractView(seed))[0]?.candidate, only);
      }
    },
  },
];

/** Is a way to break a strategy on purpose, and the cases of the contract that must notice it. */
export interface BrokenStrategy {
  readonly name: string;
  readonly wrap: (sound: Strategy) => Strategy;
  readonly noticedBy: readonly string[];
}

/** Stands for a source of chance that is not the call's: each strategy that is made gets another number. */
let made = 0;

/** Holds the strategies that the contract must refuse. */
export const brokenStrategies: readonly BrokenStrategy[] = [
  {
    name: "invents a member",
    wrap: (sound) => ({
      name: sound.name,
      rank: (given, call) => [
        { candidate: contractCandidate(9), score: 1, reason: "mine" },
        ...sound.rank(given, call),
      ],
    }),
    noticedBy: ["nothing to choose from is no choice", "it ranks only what it was given, each once"],
  },
  {
    name: "names a member twice",
    wrap: (sound) => ({
      name: sound.name,
      rank: (given, call) => {
        const ranked = sound.rank(given, call);
        return [...ranked, ...ranked.slice(0, 1)];
      },
    }),
    noticedBy: ["it ranks only what it was given, each once"],
  },
  {
    name: "draws from a chance of its own",
    wrap: (sound) => {
      const own = ++made;
      return {
        name: sound.name,
        rank: (given, call) => (own % 2 === 0 ? sound.rank(given, call) : sound.rank(given, call).toReversed()),
      };
    },
    noticedBy: ["the same seed and the same calls give the same choices"],
  },
  {
    name: "gives no reason",
    wrap: (sound) => ({
      name: sound.name,
      rank: (given, call) => sound.rank(given, call).map((each) => ({ ...each, reason: "" })),
    }),
    noticedBy: ["it has a name, a reason for each place and a score that is a number"],
  },
  {
    name: "sorts the list that it was given",
    wrap: (sound) => ({
      name: sound.name,
      rank: (given, call) =>
        sound.rank(
          (given as CandidateMember[]).sort((a, b) => a.index - b.index),
          call,
        ),
    }),
    noticedBy: ["it leaves the list that it was given as it is"],
  },
];
