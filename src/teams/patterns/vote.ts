import type { JsonValue } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Given, MemberResult } from "./asking.ts";
import { listOf } from "./list-of.ts";
import { textOf } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";
import type { Ballot, Counting } from "./tally.ts";
import { tally } from "./tally.ts";
import { namedIn, plainText } from "../words.ts";

/** Are the options of `vote`. */
export interface VoteOptions extends PatternOptions {
  /** Each votes once; or `samples` times, where there is only one. */
  readonly voters: readonly Runnable[];
  /** How often a single voter is asked. 1 by default. */
  readonly samples?: number;
  /** What may be voted for. An answer votes for the choice that it names first; without them, answers of the same words are one choice. */
  readonly choices?: readonly string[];
  /** `majority` by default. For `ranked` a voter gives a list, the best first. */
  readonly counting?: Counting;
  /** By a voter's name; 1 for others. For `weighted`. */
  readonly weights?: Readonly<Record<string, number>>;
  /** How many votes must be valid; more than half of those asked by default. */
  readonly quorum?: number;
}

/** Is what a vote comes to. The output of the team is the winner's: the choice, or what was answered. */
export type VoteOutput = {
  readonly winner: string;
  readonly shares: Readonly<Record<string, number>>;
  readonly tied: readonly string[];
  readonly votes: number;
};

interface Cast extends Ballot {
  readonly result: MemberResult;
}

/**
 * Makes a team that asks all voters at once and counts. Its text is the answer of the first who voted for the winner, whose
 * citations are those of all who did.
 *
 * Shape: it adds the events `vote.cast` { voter, ranking, weight }, `vote.refused` { voter, reason } and `vote.counted` { winner, shares, tied }.
 * Order: a tie goes to the choice that stands higher on more rankings, then to the one that is first in `choices`, then to the first cast.
 * Errors: team_invalid; team_failed below the quorum.
 * @example examples/patterns.ts
 */
export function vote(options: VoteOptions): Team<VoteOutput> {
  const { name, voters, samples = 1, choices, counting = "majority" } = options;
  checkVote(options);
  const [only] = voters;
  const asked = voters.length === 1 && only !== undefined ? Array.from({ length: samples }, () => only) : voters;
  const quorum = options.quorum ?? Math.floor(asked.length / 2) + 1;
  return patternTeam<VoteOutput>(options, {
    members: voters,
    async run(asking, context, goal) {
      const question = choices === undefined ? goal : `${goal}\n\n${instruction(choices, counting)}`;
      const given = await Promise.all(asked.map((voter) => asking.ask(voter, question)));
      const cast = given.flatMap((each, index) =>
        castOf(context, each, { options, voter: `${each.member.name}#${index + 1}` }),
      );
      if (cast.length === 0 && asking.limit === undefined) throw asking.nothing();
      const { winner, shares, tied } = tally(cast, counting, choices);
      if (cast.length < quorum || winner === undefined) {
        throw teamErrors.create(
          "team_failed",
          `${cast.length} of ${asked.length} votes of the team ${name} are valid; the quorum is ${quorum}.`,
          { details: { team: name, votes: cast.length, quorum } },
        );
      }
      context.emit({ type: "vote.counted", data: { winner, shares, tied: [...tied] } });
      const supporters = cast.filter(({ ranking }) => ranking[0] === winner).map(({ result }) => result);
      const text = choices === undefined ? (supporters[0]?.text ?? winner) : winner;
      const output = { winner: text, shares, tied, votes: cast.length };
      return asking.conclude(output, { from: supporters, text, metadata: { votes: cast.length, tied: [...tied] } });
    },
  });
}

function checkVote({ name, voters, samples = 1, quorum = 1, choices, weights = {} }: VoteOptions): void {
  const asked = voters.length === 1 ? samples : voters.length;
  const problem =
    samples !== 1 && voters.length !== 1
      ? "samples are for a single voter"
      : !Number.isInteger(samples) || samples < 1
        ? "samples must be a whole number from 1 on"
        : !(quorum >= 1 && quorum <= asked)
          ? `the quorum must be from 1 to the ${asked} votes there are`
          : choices !== undefined && new Set(choices.map(plainText)).size < Math.max(2, choices.length)
            ? "choices must be two or more, each with words of its own"
            : Object.values(weights).some((weight) => !(weight >= 0 && weight < Infinity))
              ? "weights must be numbers from 0 on"
              : undefined;
  if (problem !== undefined) throw teamErrors.create("team_invalid", `The vote ${name} cannot work: ${problem}.`);
}

function instruction(choices: readonly string[], counting: Counting): string {
  const list = choices.join(", ");
  return counting === "ranked"
    ? `Rank these, the best first, one on each line: ${list}.`
    : `Answer with one of these and nothing else: ${list}.`;
}

/** Reads a vote, and tells the log of it. */
function castOf(
  context: TeamContext,
  given: Given,
  { options, voter }: { readonly options: VoteOptions; readonly voter: string },
): readonly Cast[] {
  const refuse = (reason: string): readonly Cast[] => {
    context.emit({ type: "vote.refused", data: { voter, reason } });
    return [];
  };
  if (given.status === "failed") return refuse(given.error.code);
  if (given.status === "limited") return refuse("limit");
  const { counting = "majority", choices, weights = {} } = options;
  const { result, member } = given;
  const ranking = readRanking(result, counting, choices);
  if (ranking.length === 0) return refuse(choices === undefined ? "empty" : "names none of the choices");
  const weight = weights[member.name] ?? 1;
  context.emit({ type: "vote.cast", data: { voter, ranking: [...ranking], weight } });
  return [{ voter, ranking, weight, result }];
}

function readRanking(
  { output, text }: MemberResult,
  counting: Counting,
  choices: readonly string[] | undefined,
): readonly string[] {
  const read = (value: JsonValue): string | undefined => {
    const said = textOf(value);
    return choices === undefined ? plainText(said) || undefined : namedIn(said, choices);
  };
  if (counting !== "ranked") return [read(text)].filter((each) => each !== undefined);
  const parts = listOf(output).flatMap((each) => textOf(each).split(/[,>\n]/));
  return [...new Set(parts.map(read).filter((each) => each !== undefined))];
}
