import type { JsonObject } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Asking, MemberResult } from "./asking.ts";
import { brief } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";
import { likeness, namedIn, plainText } from "../words.ts";

/** Is what one side said last. */
export interface Statement {
  readonly side: string;
  readonly text: string;
}

/** Are the options of `debate`. */
export interface DebateOptions extends PatternOptions {
  /** Order: that in which they stand before the judge. Each goes on alone in the first round, then hears the others. */
  readonly sides: readonly Runnable[];
  /** Decides where the sides do not agree; without one, the side that the others are most like is taken. */
  readonly judge?: Runnable;
  /** Units: 3 by default. */
  readonly rounds?: number;
  /** Tells whether the sides agree; by default they do when they say the same words. It must be pure. */
  readonly agrees?: (statements: readonly Statement[]) => boolean;
}

/** Is what a debate comes to: the text of the judgement, or what all agree on, and who won, if anybody did. */
export type DebateOutput = {
  readonly answer: string;
  readonly winner: string | null;
  readonly agreed: boolean;
  readonly rounds: number;
  readonly statements: readonly { readonly side: string; readonly text: string }[];
};

/**
 * Makes a team whose sides answer, hear each other and answer again, until they agree or the rounds are over; then a judge decides.
 * A side that fails stays with what it said before; one that never said anything is not heard.
 *
 * Shape: it adds the events `round.started` { round }, `statement.made` { round, side, text }, `agreement.reached` { round, sides } and
 * `judgement.given` { winner, by }: by `judge`, or by `likeness`.
 * Errors: team_invalid; team_failed where no side said anything.
 * @example examples/patterns.ts
 */
export function debate(options: DebateOptions): Team<DebateOutput> {
  const { sides, judge, rounds = 3, agrees = saySame } = options;
  return patternTeam<DebateOutput>(options, {
    members: judge === undefined ? sides : [...sides, judge],
    least: judge === undefined ? 2 : 3,
    defaults: { maxRounds: rounds },
    async run(asking, context, goal) {
      const last = new Map<string, MemberResult>();
      let round = 0;
      let agreed = false;
      while (!agreed && round < rounds && asking.limit === undefined && asking.beginRound()) {
        round++;
        context.emit({ type: "round.started", data: { round } });
        await argue(asking, { sides, goal, last });
        const statements = statementsOf(last);
        for (const { side, text } of statements) context.emit({ type: "statement.made", data: { round, side, text } });
        agreed = statements.length > 1 && agrees(statements);
        if (agreed) context.emit({ type: "agreement.reached", data: { round, sides: [...last.keys()] } });
      }
      if (last.size === 0) throw asking.nothing();
      return await settle({ asking, context, judge }, { goal, agreed, round, last });
    },
  });
}

async function argue(
  asking: Asking,
  { sides, goal, last }: { sides: readonly Runnable[]; goal: string; last: Map<string, MemberResult> },
): Promise<void> {
  const before = statementsOf(last);
  const given = await Promise.all(
    sides.map(async (side) => {
      const own = last.get(side.name)?.text;
      const others = before.filter((each) => each.side !== side.name).map(wordsFor);
      const parts: JsonObject = { ...(own === undefined ? {} : { "you said": own }), others };
      return await asking.ask(side, before.length === 0 ? goal : brief(side, goal, parts));
    }),
  );
  for (const each of given) if (each.status === "answered") last.set(each.member.name, each.result);
}

/** Is what a debate has come to when its rounds are over. */
interface Ended {
  readonly goal: string;
  readonly agreed: boolean;
  readonly round: number;
  readonly last: ReadonlyMap<string, MemberResult>;
}

async function settle(
  { asking, context, judge }: { asking: Asking; context: TeamContext; judge: Runnable | undefined },
  { goal, agreed, round, last }: Ended,
) {
  const statements = statementsOf(last);
  const from = [...last.values()];
  const end = (answer: string, winner: string | null, results: readonly MemberResult[]) => {
    const metadata = { agreed, winner, rounds: round };
    const output = { answer, winner, agreed, rounds: round, statements };
    return asking.conclude<DebateOutput>(output, { from: results, text: answer, metadata });
  };
  const [first] = statements;
  if (agreed && first !== undefined) return end(first.text, null, from);
  const judged =
    judge === undefined
      ? undefined
      : await asking.ask(judge, brief(judge, goal, { statements: statements.map(wordsFor) }));
  const result = judged?.status === "answered" ? judged.result : undefined;
  const winner = (result && chosenBy(result, statements)) ?? nearest(statements);
  context.emit({ type: "judgement.given", data: { winner, by: result === undefined ? "likeness" : "judge" } });
  if (result !== undefined) return end(result.text, winner, [...from, result]);
  const won = last.get(winner);
  return end(won?.text ?? "", winner, won === undefined ? from : [won]);
}

function statementsOf(last: ReadonlyMap<string, MemberResult>): Statement[] {
  return [...last].map(([side, { text }]) => ({ side, text }));
}

function wordsFor({ side, text }: Statement): string {
  return `${side}: ${text}`;
}

function saySame(statements: readonly Statement[]): boolean {
  return new Set(statements.map(({ text }) => plainText(text))).size === 1;
}

/** Reads whom a judge chose: the side that it names, else the one whose words it uses most. */
function chosenBy({ text }: MemberResult, statements: readonly Statement[]): string | undefined {
  const named = namedIn(
    text,
    statements.map(({ side }) => side),
  );
  if (named !== undefined) return named;
  return best(statements, (each) => likeness(text, each.text));
}

/** Gives the side whose statement the others are most like. */
function nearest(statements: readonly Statement[]): string {
  const toOthers = (one: Statement): number =>
    statements.reduce((sum, other) => (other === one ? sum : sum + likeness(one.text, other.text)), 0);
  return best(statements, toOthers) ?? "";
}

/** Gives the side with the greatest worth; the first of equal ones. */
function best(statements: readonly Statement[], worth: (statement: Statement) => number): string | undefined {
  const scored = statements.map((each) => ({ side: each.side, score: worth(each) }));
  return scored.toSorted((a, b) => b.score - a.score)[0]?.side;
}
