import type { JsonObject } from "../../base/index.ts";
import type { Runnable } from "../../runs/index.ts";
import { teamErrors } from "../errors.ts";
import { isAgent } from "../is-agent.ts";
import type { Team, TeamContext } from "../team.ts";
import type { Asking, MemberResult } from "./asking.ts";
import { answered } from "./asking.ts";
import { aboutMember, derivedAgent } from "./derived-agent.ts";
import type { Handover } from "./hand-over.ts";
import { handOverTool, readHandover } from "./hand-over.ts";
import { brief, checkMembers } from "./members.ts";
import type { PatternOptions } from "./options.ts";
import { patternTeam } from "./options.ts";
import { coverage } from "../words.ts";

/** Are the options of `handoff`. */
export interface HandoffOptions extends PatternOptions {
  /** Order: the first begins, unless `start` names another. */
  readonly members: readonly Runnable[];
  readonly start?: string;
  /** Units: handovers; 8 by default. Whoever has the work then must answer. */
  readonly maxHandovers?: number;
}

/** Is a member with the tool to hand over, and as it is. */
interface Seat {
  readonly name: string;
  readonly member: Runnable;
  /** Asked where it may hand over. */
  readonly handing: Runnable;
}

type Passed = Handover & { readonly from: string };
type Refusal = "unknown" | "itself" | "loop" | "limit";

/** How often one member may hand over to the same other. */
const mostRepeats = 2;

/**
 * Makes a team whose members hand the goal over to each other until one answers. Agents do it with the tool `hand_over`, the others by
 * giving what `handOver` makes. An answer whose model says that it is none (`metadata.answered` is false) is handed on to the member
 * that fits the goal best and was not asked yet: so it goes on with models that call no tools.
 *
 * A handover to nobody, in a circle or beyond the limit is refused: the member that made it is asked once more, without the tool.
 *
 * Shape: it adds the events `handover.made` { from, to, message, data?, reason } (`asked`, or `unanswered`) and `handover.refused` { from, to, reason }:
 * `unknown`, `itself`, `loop` or `limit`. `metadata` has { by, handovers, refused? }.
 * Errors: team_invalid; those of the member that has the work.
 * @example examples/patterns.ts
 */
export function handoff(options: HandoffOptions): Team {
  const { name, members, maxHandovers = 8 } = options;
  checkMembers(name, members, 2);
  const seats = members.map((member) => seatOf(name, member, members));
  const first = options.start === undefined ? seats[0] : seats.find((seat) => seat.name === options.start);
  if (first === undefined) {
    throw teamErrors.create(
      "team_invalid",
      `The team ${name} has no member named ${options.start}, which is to begin.`,
    );
  }
  return patternTeam(options, {
    members: seats.flatMap(({ member, handing }) => [member, handing]),
    async run(asking, context, goal) {
      const passed: Passed[] = [];
      const results: MemberResult[] = [];
      let seat = first;
      while (true) {
        const result = answered(await asking.ask(seat.handing, taskOf(seat, goal, passed.at(-1))));
        if (result === undefined) break;
        results.push(result);
        const next = nextHandover(result, { seat, seats, goal, passed });
        if (next === undefined) break;
        const refusal = refusalOf(next, { seats, passed, maxHandovers });
        if (refusal !== undefined) {
          context.emit({ type: "handover.refused", data: { from: next.from, to: next.to, reason: refusal } });
          return await endAlone(asking, { seat, goal, passed, results, refusal });
        }
        tellHandover(context, next);
        passed.push(next);
        seat = seats.find((each) => each.name === next.to) ?? seat;
      }
      return conclude(asking, { seat, passed, results });
    },
  });
}

function seatOf(team: string, member: Runnable, members: readonly Runnable[]): Seat {
  const { name } = member;
  if (!isAgent(member)) return { name, member, handing: member };
  const others = members
    .filter((other) => other !== member)
    .map((other) => ({ name: other.name, description: "description" in other ? String(other.description) : "" }));
  return { name, member, handing: derivedAgent(team, member, { tools: [handOverTool(others)] }) };
}

function taskOf({ member }: Seat, goal: string, passed: Passed | undefined) {
  if (passed === undefined) return goal;
  const { from, message, data } = passed;
  const parts: JsonObject = { [`handed over by ${from}`]: message, ...(data === undefined ? {} : { data }) };
  return brief(member, goal, parts);
}

/** Reads what the member wants, or hands on what it could not answer. */
function nextHandover(
  result: MemberResult,
  { seat, seats, goal, passed }: { seat: Seat; seats: readonly Seat[]; goal: string; passed: readonly Passed[] },
): (Passed & { readonly reason: "asked" | "unanswered" }) | undefined {
  const asked = readHandover(result.output);
  if (asked !== undefined) return { ...asked, from: seat.name, reason: "asked" };
  if (result.metadata["answered"] !== false) return undefined;
  const been = new Set([seat.name, ...passed.flatMap(({ from, to }) => [from, to])]);
  const fits = seats
    .filter((each) => !been.has(each.name))
    .map((each) => ({ name: each.name, fit: coverage(goal, aboutMember(each.member)) }));
  const best = fits.toSorted((a, b) => b.fit - a.fit)[0];
  return best && { from: seat.name, to: best.name, message: "I found no answer.", reason: "unanswered" };
}

function refusalOf(
  { from, to, message }: Passed,
  { seats, passed, maxHandovers }: { seats: readonly Seat[]; passed: readonly Passed[]; maxHandovers: number },
): Refusal | undefined {
  if (!seats.some((seat) => seat.name === to)) return "unknown";
  if (from === to) return "itself";
  const same = passed.filter((each) => each.from === from && each.to === to);
  if (same.length >= mostRepeats || same.some((each) => each.message === message)) return "loop";
  return passed.length >= maxHandovers ? "limit" : undefined;
}

function tellHandover(context: TeamContext, { from, to, message, data, reason }: Passed & { reason: string }): void {
  const told = { from, to, message, reason, ...(data === undefined ? {} : { data }) };
  context.emit({ type: "handover.made", data: told });
}

interface Ended {
  readonly seat: Seat;
  readonly passed: readonly Passed[];
  readonly results: readonly MemberResult[];
  readonly refusal?: Refusal;
}

/** Has the member that may not hand over answer itself. */
async function endAlone(asking: Asking, { goal, ...ended }: Ended & { readonly goal: string }) {
  const { seat, passed, results } = ended;
  const result = answered(await asking.ask(seat.member, taskOf(seat, goal, passed.at(-1))));
  return conclude(asking, { ...ended, results: result === undefined ? results : [...results, result] });
}

function conclude(asking: Asking, { seat, passed, results, refusal }: Ended) {
  const answers = results.filter(({ output }) => readHandover(output) === undefined);
  // Where nobody answered, what was said when it was handed over is the best there is.
  const last = answers.at(-1) ?? results.at(-1);
  if (last === undefined) throw asking.nothing();
  const metadata = { by: seat.name, handovers: passed.length, ...(refusal === undefined ? {} : { refused: refusal }) };
  const reason = refusal === "limit" ? "max_steps" : refusal === "loop" ? "stuck" : last.finishReason;
  return asking.conclude(last.output, { from: answers, text: last.text, finishReason: reason, metadata });
}
