import type { JsonObject } from "../../base/index.ts";
import { stem } from "../../base/index.ts";
import type { FormName, FoundText, PlanStep, Question, RaisedPoint } from "./message.ts";

// What roles do where the model can only quote: what can be computed about a goal and about what was found, and nothing more.

const maxQuestions = 16;

/** Splits a goal into its questions by its lines, its sentences and the questions that `and` joins. */
export function plainQuestions(goal: string): readonly Question[] {
  const pieces = goal
    .split(/\n+|(?<=[.?!])\s+|[,;]?\s+and\s+(?=(?:what|how|which|when|where|who|why|is|are|does|do|can)\b)/i)
    .map((piece) => piece.replace(/^\s*(?:[-*+•]|\d+[.)])\s*/, "").trim())
    .filter((piece) => wordsOf(piece).size > 0);
  const texts = pieces.length === 0 ? [goal] : [...new Set(pieces)];
  return texts.slice(0, maxQuestions).map((text, index) => ({ id: `q${index + 1}`, text: text.slice(0, 2_000) }));
}

/** Makes a step for each question. Later attempts ask for the question's words alone, and then for them with those of the goal. */
export function plainSteps(questions: readonly Question[], goal: string, attempt: number): readonly PlanStep[] {
  return questions.map(({ id, text }, index) => ({
    id: `s${attempt}.${index + 1}`,
    question: id,
    text: phrased(text, goal, attempt),
    needs: [],
  }));
}

function phrased(text: string, goal: string, attempt: number): string {
  if (attempt === 1) return text;
  const own = [...wordsOf(text).values()].join(" ");
  const all = attempt === 2 ? own : `${own} ${[...wordsOf(goal).values()].join(" ")}`;
  return all === "" ? text : all.slice(0, 2_000);
}

/** Is what the check of what was found says. */
export interface PlainReview {
  readonly points: readonly RaisedPoint[];
  /** The share of the questions that are answered with sources and without a point. */
  readonly score: number;
}

/** Checks what was found: is each question answered, with sources that hold, in its own words, and does nothing contradict? */
export function plainReview(questions: readonly Question[], findings: readonly FoundText[]): PlainReview {
  const points: RaisedPoint[] = [];
  let whole = 0;
  for (const { id, text } of questions) {
    const found = findings.filter((finding) => finding.question === id);
    const problem = problemOf(text, found);
    if (problem === undefined) whole++;
    else
      points.push({
        text: `${problem}: ${text}`.slice(0, 2_000),
        weight: problem.startsWith("Not answered") ? 2 : 1,
        ...stepOf(found),
      });
  }
  for (const [one, other] of contradictions(findings))
    points.push({ text: `These contradict each other: "${one}" and "${other}"`, weight: 1 });
  return { points, score: questions.length === 0 ? 0 : whole / questions.length };
}

function problemOf(question: string, found: readonly FoundText[]): string | undefined {
  const answered = found.filter((finding) => finding.answered && finding.text.trim() !== "");
  if (answered.length === 0) return "Not answered";
  if (answered.every(({ sources }) => sources === 0)) return "Answered without a source";
  if (answered.some(({ unverified }) => unverified > 0)) return "Answered with a source that does not say it";
  const wanted = wordsOf(question);
  const given = wordsOf(answered.map(({ text }) => text).join(" "));
  const shared = [...wanted.keys()].filter((word) => given.has(word)).length;
  return wanted.size > 0 && shared === 0 ? "The answer has no word of the question" : undefined;
}

function stepOf(found: readonly FoundText[]): { step?: string } {
  const step = found.at(-1)?.step;
  return step === undefined ? {} : { step };
}

const leastShared = 0.7;
const mostSentences = 200;

/** Finds pairs of sentences that say nearly the same with other numbers, or of which one denies it. */
function contradictions(findings: readonly FoundText[]): readonly (readonly [string, string])[] {
  const sentences = [...new Set(findings.flatMap(({ text }) => sentencesOf(text)))]
    .slice(0, mostSentences)
    .map((text) => ({
      text,
      words: new Set([...wordsOf(text).keys()].filter((word) => !/^\d/.test(word))),
      numbers: [...text.matchAll(/\d+(?:[.,]\d+)*/g)]
        .map(([number]) => number)
        .toSorted()
        .join(" "),
      denies: /\b(?:not|never|no|cannot|can't|isn't|doesn't)\b/i.test(text),
    }));
  return sentences.flatMap((one, index) =>
    sentences
      .slice(index + 1)
      .filter((other) => shareOf(one.words, other.words) >= leastShared)
      .filter(
        (other) =>
          one.denies !== other.denies || (one.numbers !== "" && other.numbers !== "" && one.numbers !== other.numbers),
      )
      .map((other): readonly [string, string] => [one.text.slice(0, 200), other.text.slice(0, 200)]),
  );
}

function sentencesOf(text: string): readonly string[] {
  return text
    .replace(/\[[a-z]\w*(?:\s*[,;]\s*[a-z]\w*)*\]/gi, "")
    .split(/(?<=[.?!])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => wordsOf(sentence).size >= 3);
}

function shareOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  const larger = Math.max(one.size, other.size);
  return larger < 3 ? 0 : [...one].filter((word) => other.has(word)).length / larger;
}

const stopWords = new Set(
  (
    "a an the and or of in on at to for from by with as is are was were be been it its this that these those what how which when where who why do does did " +
    "can could should would may must will i you we they my your our their if then than so about into not no have has had there please tell me us"
  ).split(" "),
);

/** Gives the words of a text that say something, by their stems. */
function wordsOf(text: string): ReadonlyMap<string, string> {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  return new Map(
    words.filter((word) => !stopWords.has(word.toLowerCase())).map((word) => [stem(word.toLowerCase()), word]),
  );
}

/** Is what a form is composed of. */
export interface Composed {
  readonly goal: string;
  readonly questions: readonly Question[];
  readonly findings: readonly FoundText[];
}

/** Writes what was found in a form, by rules: nothing is added, and what is missing is named. */
export function compose(form: FormName, { goal, questions, findings }: Composed): string {
  const asked = questions.length > 0 ? questions : [{ id: "", text: goal }];
  const rows = asked.map(({ id, text }) => {
    const found = findings.filter((finding) => finding.question === id && finding.answered);
    return {
      question: text,
      answer: found.map((finding) => finding.text.trim()).join("\n\n"),
      sources: found.reduce((sum, { sources }) => sum + sources, 0),
    };
  });
  const said = (answer: string): string => (answer === "" ? "(no answer was found)" : answer);
  const whole = rows
    .map(({ question, answer }) => (rows.length === 1 ? said(answer) : `**${question}**\n\n${said(answer)}`))
    .join("\n\n");
  if (form === "table") {
    const cell = (text: string): string => text.replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ");
    const lines = rows.map(
      ({ question, answer, sources }) => `| ${cell(question)} | ${cell(said(answer))} | ${sources} |`,
    );
    return ["| Question | Answer | Sources |", "| --- | --- | --- |", ...lines].join("\n");
  }
  if (form === "list")
    return rows.map(({ question, answer }) => `- **${question}** ${said(answer).replace(/\s*\n\s*/g, " ")}`).join("\n");
  if (form === "json") return JSON.stringify({ goal, answers: rows satisfies readonly JsonObject[] }, null, 2);
  if (form === "letter")
    return `Dear ${recipientOf(goal)},\n\n${rows.map(({ answer, question }) => (answer === "" ? `On "${question}" nothing was found.` : answer)).join("\n\n")}\n\nKind regards`;
  if (form === "code") return codeIn(rows.map(({ answer }) => answer)) ?? whole;
  return whole;
}

function recipientOf(goal: string): string {
  return (
    /\b(?:letter|e-?mail) to (?:the )?([\p{L}][\p{L} .-]{0,40}?)(?= that| which| about| with| saying|[.,:;?!\n]|$)/iu
      .exec(goal)?.[1]
      ?.trim() ?? "reader"
  );
}

function codeIn(answers: readonly string[]): string | undefined {
  const blocks = answers.flatMap((answer) => [...answer.matchAll(/```[^\n]*\n[^]*?```/g)].map(([block]) => block));
  return blocks.length === 0 ? undefined : blocks.join("\n\n");
}
